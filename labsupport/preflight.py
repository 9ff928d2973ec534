"""What this machine can do, as a notebook shows it; nothing of it is stored in the notebook."""

import ipywidgets as ipw

from labsupport import doctor, show, widgets
from labsupport.findings import Finding
from labsupport.fragments import Fragment, badge, table
from labsupport.matrix import LOOKS, Look
from labsupport.verdict import Verdict

_LOOKS: dict[str, Look] = {
    "fine": LOOKS[Verdict.ENFORCED],
    "worked around": LOOKS[Verdict.PARTLY],
    "blocking": LOOKS[Verdict.NOT_ENFORCED],
}


def show_it() -> None:
    """Examine this machine and show it, beside what is looked at.

    The findings are in a widget, because they are this machine's own: the notebook that
    ships, and one that is passed on, hold only the plain form.
    """
    widgets.display(ipw.HTML(findings(doctor.examine()).html))
    show.note("Elsewhere, `./lab doctor` in a terminal prints the same.")


def findings(found: list[Finding]) -> Fragment:
    """Findings as a table, each with the command that mends it."""
    rows = [
        [one.name, badge(_LOOKS[one.state], one.state), one.detail, one.mend or ""] for one in found
    ]
    return table(rows, ["", "state", "found", "mend"])
