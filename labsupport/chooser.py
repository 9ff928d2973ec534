"""Choosing a CNI in a notebook: boxes to tick, a ranking, and the cells behind it."""

from collections.abc import Sequence

import ipywidgets as ipw

from labsupport import choosing, fragments, show, widgets
from labsupport.choosing import Answer, Reason, Requirement, Standing
from labsupport.fragments import Fragment
from labsupport.matrix import LOOKS, Look
from labsupport.report import Report
from labsupport.verdict import Verdict

_LOOKS: dict[Answer, Look] = {
    Answer.MET: LOOKS[Verdict.ENFORCED],
    Answer.UNMET: LOOKS[Verdict.NOT_ENFORCED],
    Answer.UNKNOWN: LOOKS[Verdict.NOT_RUN],
}


class Chooser:
    """Requirements to tick, and the ranking that follows.

    Attributes:
        boxes: the check boxes by the requirement's id; setting `.value` ranks anew.
        result: where the ranking is shown.
    """

    def __init__(self, reports: Sequence[Report], ticked: Sequence[str]) -> None:
        self._reports = reports
        self.boxes = {
            one.id: ipw.Checkbox(
                value=one.id in ticked,
                description=one.title,
                indent=False,
                layout={"width": "auto"},
            )
            for one in choosing.requirements()
        }
        self.result = ipw.HTML()
        for box in self.boxes.values():
            box.observe(lambda _change: self._rank(), "value")
        self._rank()

    @property
    def widget(self) -> ipw.Widget:
        """The boxes, and the ranking below them."""
        return ipw.VBox([*self.boxes.values(), self.result])

    def _rank(self) -> None:
        chosen = choosing.choose([name for name, box in self.boxes.items() if box.value])
        self.result.value = ranking(choosing.rank(chosen, self._reports)).html


def choose(reports: Sequence[Report], ticked: Sequence[str] = ("standard",)) -> Chooser:
    """Show the boxes, and beside them each requirement on each profile as a plain table."""
    made = Chooser(reports, ticked)
    widgets.display(made.widget)
    show.fragment(grid(choosing.requirements(), reports))
    return made


def rank(reports: Sequence[Report], ids: Sequence[str]) -> None:
    """Show the ranking for requirements by their ids, each reason with its cells."""
    show.fragment(ranking(choosing.rank(choosing.choose(ids), reports)))


def recommendations(reports: Sequence[Report]) -> None:
    """Show the document's recommendations, each judged by the matrix."""
    rows = [
        (one.says, one.product, one.judgement, _answer(one.reason) if one.reason else "none")
        for one in choosing.judge(reports)
    ]
    show.table(rows, ["requirement", "the document recommends", "the matrix says", "its cells"])


def grid(requirements: Sequence[Requirement], reports: Sequence[Report]) -> Fragment:
    """Each requirement on each profile."""
    head = ["requirement", *(one["implementation"]["title"] for one in reports)]
    rows = [
        [one.title, *(_answer(choosing.assess(one, report)) for report in reports)]
        for one in requirements
    ]
    return fragments.table(rows, head)


def ranking(standings: Sequence[Standing]) -> Fragment:
    """Profiles best first, with the reason for each requirement."""
    titles = [reason.requirement.title for reason in standings[0].reasons] if standings else []
    rows = [
        [f"{place}. {one.title}", *(_answer(reason) for reason in one.reasons)]
        for place, one in enumerate(standings, 1)
    ]
    return fragments.table(rows, ["CNI", *titles])


def _answer(reason: Reason) -> Fragment:
    """Whether a requirement is met; opens the cells that say so."""
    sign = fragments.badge(_LOOKS[reason.answer], reason.answer)
    return Fragment(fragments.closed(sign, _cells(reason)).html, sign.text)


def _cells(reason: Reason) -> Fragment:
    """The cells that decide, one in a line: the case, its verdict, and why."""
    lines = [f"{cell.title}: {cell.verdict}. {cell.reason}" for cell in reason.deciding]
    return Fragment(
        "<br>".join(fragments.words(line).html for line in lines),
        f"{len(reason.deciding)} of {len(reason.cells)} cells",
    )
