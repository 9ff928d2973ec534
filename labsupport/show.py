"""Everything a notebook displays. Each function shows one thing, as HTML and as text.

    show.note("One line.")
    show.table(rows, head, caption)        # cells: text, numbers, verdicts, fragments
    show.signs()                           # what each verdict means
    show.verdict(entry, "Flannel")         # one case: sign, word, reason
    show.sign(entry)                       # the verdict as a cell of a table
    show.terminal("kubectl get …", answer) # a command and what it printed
    show.provenance(lesson.reports())      # what was measured, where and by what
    show.verdicts({"Flannel": entry, …})   # one case on several profiles
    show.grid(case)  show.grid(entry)      # who may reach whom; and who did
    show.graph(entry)                      # the same as a picture: before, and under the policy
    show.policy(manifest, …)               # YAML
    show.evidence(entry)                   # every connection before, under and after the policy
    show.matrix(lesson.matrix())           # every verdict; each cell opens its evidence
    show.documented()                      # other systems, by their own documentation
    show.times({"Calico": [420, …], …})    # distributions of milliseconds
    show.way(capture)                      # a packet's way over the nodes' devices, as a picture
    show.exhibit(capture, "chain")         # what a command printed on a node, and what it means
    show.fragment(piece)                   # any piece of `fragments`

An `entry` is what `lesson.measure` returns. Pictures are PNGs with a sentence that says the
same; `fragments` and `reach` have the pieces for whoever needs them in a widget.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from labsupport import fragments, reach
from labsupport.cases import Case
from labsupport.fragments import Fragment
from labsupport.matrix import LOOKS, Matrix, Mode
from labsupport.report import Report

Entry = Mapping[str, Any]

_PROVENANCE = ("Version", "Mode", "Manifest", "Kubernetes", "kind", "Image source", "System", "Lab")


def fragment(piece: Fragment) -> None:
    """Show a piece as HTML and as text; outside a notebook, print the text."""
    publish({"text/html": piece.html, "text/plain": piece.text})


def publish(bundle: Mapping[str, Any]) -> None:
    """Send one output to the notebook, in several forms of which it shows the richest."""
    try:
        from IPython.core.getipython import get_ipython
        from IPython.display import display
    except ImportError:
        get_ipython = None  # type: ignore[assignment]
    if get_ipython is None or get_ipython() is None:
        print(bundle.get("text/plain", ""))
    else:
        display(dict(bundle), raw=True)  # type: ignore[no-untyped-call]


def note(text: str) -> None:
    """Show one paragraph of plain text."""
    fragment(fragments.paragraph(text))


def mode(chosen: Mode, why: str) -> None:
    """Show the line on top of a notebook: what it works on, and why."""
    what = "Live: real clusters are measured now" if chosen == "live" else "Recorded results"
    fragment(fragments.paragraph(f"{what}, because {why}."))


def table(rows: Iterable[Sequence[object]], head: Sequence[str], caption: str = "") -> None:
    """Show a table; see `fragments.table`."""
    fragment(fragments.table(rows, head, caption))


def signs() -> None:
    """Show what each verdict means."""
    table([[word, look.meaning] for word, look in LOOKS.items()], ["verdict", "meaning"])


def verdict(entry: Entry, profile: str = "") -> None:
    """Show the verdict of one case and the sentence that justifies it."""
    sign = fragments.verdict(entry["verdict"])
    named = fragments.words(f"{profile}: " if profile else "")
    reason = fragments.words(f". {entry['reason']}")
    fragment(
        Fragment(
            f"<p>{named.html}{sign.html}{reason.html}</p>", f"{named.text}{sign.text}{reason.text}"
        )
    )


def sign(entry: Entry) -> Fragment:
    """The verdict of an entry, as a cell of a table."""
    return fragments.verdict(entry["verdict"])


def terminal(command: str, answer: str) -> None:
    """Show a command and what it printed, as in a terminal."""
    text = f"$ {command}\n{answer}"
    fragment(Fragment(f'<pre style="text-align:left">{fragments.words(text).html}</pre>', text))


def provenance(reports: Sequence[Report]) -> None:
    """Show what was measured, where, by what and on which day, for each report."""
    from labsupport import page

    told = {one["implementation"]["title"]: page.provenance(one) for one in reports}
    days = ["Day", *(one["run"]["finishedAt"][:10] for one in reports)]
    rows = [[label, *(one[label] for one in told.values())] for label in _PROVENANCE]
    table([*rows, days], ["", *told])


def verdicts(entries: Mapping[str, Entry], caption: str = "") -> None:
    """Show one case on several profiles, by their titles: verdicts and reasons."""
    rows = [
        (title, fragments.verdict(entry["verdict"]), entry["reason"])
        for title, entry in entries.items()
    ]
    table(rows, ["CNI", "verdict", "what the packets showed"], caption)


def grid(what: Case | Entry, step: int = -1, caption: str = "") -> None:
    """Show who may reach whom in a case, or who did in an entry on it; see `reach.grid`."""
    fragment(reach.grid(what, step, caption))


def graph(entry: Entry, step: int = -1, title: str = "") -> None:
    """Show a case's pods and connections as a picture: before its policy, and under it."""
    from labsupport import figures

    found = reach.arrows(entry, step)
    sentence = reach.sentence(found)
    picture(figures.graph(found, title or entry["title"]), sentence)
    note(sentence)


def picture(png: bytes, sentence: str) -> None:
    """Show a PNG, with a sentence for those who cannot see it."""
    publish({"image/png": b64encode(png).decode(), "text/plain": sentence})


def policy(*manifests: Mapping[str, Any]) -> None:
    """Show objects as YAML."""
    fragment(fragments.policy(manifests))


def evidence(entry: Entry) -> None:
    """Show every connection of an entry before, under and after the policy."""
    fragment(reach.evidence(entry))


def matrix(what: Matrix, evidence: bool = True) -> None:
    """Show the verdict of every case on every profile.

    Args:
        what: the matrix.
        evidence: whether each cell opens its evidence, and each row its policies.
    """
    from labsupport import sheet

    fragment(sheet.of(what, sheet.rows(what), evidence))


def documented() -> None:
    """Show what other systems' documentation says, named as such, with where it says so."""
    from labsupport import sheet

    fragment(sheet.documented())


def times(series: Mapping[str, Sequence[float]], caption: str = "") -> None:
    """Show distributions of milliseconds, by name, as a picture and as a table.

    A series without a value is named, with the reason that nothing was ever in force.
    """
    from labsupport import delays, figures

    if not series:
        note("No times are recorded here; `./lab run --live` measures some.")
        return
    picture(figures.times(series, caption), caption or "Distributions of times.")
    fragment(delays.summary(series))


def way(capture: Mapping[str, Any]) -> None:
    """Show the way of a packet from node to node, as a picture and as a table."""
    from labsupport import packetpath

    picture(packetpath.draw(capture), packetpath.sentence(capture))
    rows = [
        [hop["place"], hop["device"], hop["kind"], hop["onward"], hop["policy"]]
        for hop in capture["way"]
    ]
    table(rows, ["where", "device", "what it is", "what sends the packet on", "policy"])


def exhibit(capture: Mapping[str, Any], name: str) -> None:
    """Show what a command printed on a node, line by line with what it means.

    A line that came with the policy is marked; see `anatomy` for what exhibits there are.
    """
    from labsupport import anatomy

    for one in anatomy.exhibits(capture, name):
        if one["lines"]:
            rows = [["+" if x["new"] else "", x["text"], x["words"]] for x in one["lines"]]
            caption = f"{one['title']}. On {one['place']}: {one['command']}"
            table(rows, ["new", "what the command printed", "in words"], caption)
        if one["note"]:
            note(f"{capture['title']}: {one['note']}")
