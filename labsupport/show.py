"""Everything a notebook displays. Each function shows one thing, as HTML and as text.

    show.note("One line.")
    show.table(rows, head, caption)        # cells: text, numbers, verdicts, fragments
    show.verdict(entry, "Flannel")         # one case: sign, word, reason
    show.verdicts({"Flannel": entry, …})   # one case on several profiles
    show.grid(case)  show.grid(entry)      # who may reach whom; and who did
    show.graph(entry)                      # the same as a picture: before, and under the policy
    show.policy(manifest, …)               # YAML
    show.evidence(entry)                   # every connection before, under and after the policy
    show.matrix(lesson.matrix())           # every verdict; each cell opens its evidence
    show.times({"Calico": [420, …], …})    # distributions of milliseconds

An `entry` is what `lesson.measure` returns. Pictures are PNGs with a sentence that says the
same; `fragments` and `reach` have the pieces for whoever needs them in a widget.
"""
