"""What a learner decides or compares with, by mouse or keyboard.

    widgets.predict(case, entry)        # allowed or denied for each connection, then reveal
    widgets.explore(lesson.matrix())    # filter the matrix, choose a cell, read its evidence
    widgets.timeline({"Calico": [420, …]})   # a slider on time: who enforces by then

Each shows a plain table too, in an output of its own, which is there when the notebook is
reopened, printed or shown without a kernel. In tests, `.choose`, `.reveal` and `.filter` of
what they return do what a click does.
"""
