"""What a learner decides or compares with, by mouse or keyboard.

    widgets.predict(case, {"Flannel": entry, …})  # works or blocked for each, then reveal
    widgets.explore(lesson.matrix())              # filter the matrix, read a cell's evidence
    widgets.timeline({"Calico": [420, …]})        # a slider on time: in how many it is in force

Each shows a plain table too, in an output of its own, which is there when the notebook is
reopened, printed or shown without a kernel. What they return has the controls as attributes,
so that a test can do in the kernel what a click does on the page.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as ipw

from labsupport import delays, fragments, reach, sheet, show
from labsupport.cases import Case
from labsupport.fragments import Fragment
from labsupport.matrix import Matrix
from labsupport.verdict import Verdict

_VIEW = "application/vnd.jupyter.widget-view+json"
_WORKS, _BLOCKED = "works", "blocked"


class Prediction:
    """A question for each connection of a case's step, answered before the packets speak.

    Attributes:
        choices: the toggle buttons by connection; `.value` is `works`, `blocked` or None.
        reveal: the button that shows what happened.
        answer: where it is shown.
    """

    def __init__(
        self, case: Case, entries: Mapping[str, Mapping[str, Any]] | None = None, step: int = -1
    ) -> None:
        self._arrows = reach.arrows(case, step)
        self._entries, self._step = dict(entries or {}), step
        self.choices = {
            f"{one.source} -> {one.target}": ipw.ToggleButtons(
                options=[_WORKS, _BLOCKED],
                value=None,
                description=f"{one.source} → {one.target}",
                style={"description_width": "24em", "button_width": "6em"},
                layout={"width": "auto"},
            )
            for one in self._arrows
        }
        self.reveal = ipw.Button(description="Reveal", button_style="primary", icon="eye")
        self.reveal.on_click(lambda _button: self._show())
        self.answer = ipw.HTML()

    @property
    def widget(self) -> ipw.Widget:
        """The questions, the button and the place for the answer, from top to bottom."""
        return ipw.VBox([*self.choices.values(), self.reveal, self.answer])

    def _show(self) -> None:
        self.answer.value = self.told().html

    def told(self) -> Fragment:
        """What was predicted beside what the specification says and what packets did."""
        guesses = [choice.value for choice in self.choices.values()]
        right = sum(
            guess == _word(one.expected) for guess, one in zip(guesses, self._arrows, strict=True)
        )
        rows = [
            [name, guess or "no prediction", _word(one.expected), *self._seen(number)]
            for number, (name, guess, one) in enumerate(
                zip(self.choices, guesses, self._arrows, strict=True)
            )
        ]
        head = ["connection", "you said", "the specification says", *self._entries]
        asked = sum(one.expected != "" for one in self._arrows)
        score = f"{right} of {asked} as the specification says."
        return fragments.table(rows, head, score)

    def questions(self) -> Fragment:
        """The questions on paper: a line for each connection, with room for an answer."""
        rows = [[name, "works / blocked"] for name in self.choices]
        return fragments.table(rows, ["connection", "your prediction"])

    def _seen(self, number: int) -> list[Fragment]:
        """What became of one connection on each profile."""
        found = [reach.arrows(entry, self._step) for entry in self._entries.values()]
        by_name = [{(a.source, a.target): a for a in arrows} for arrows in found]
        one = self._arrows[number]
        seen = [arrows.get((one.source, one.target), one) for arrows in by_name]
        return [fragments.badge(arrow.look, _word(arrow.observed)) for arrow in seen]


class Explorer:
    """The matrix with filters, and the evidence of a chosen cell.

    Attributes:
        text, group, verdict, differing: the filters; setting `.value` filters.
        case, profile: the cell whose evidence is shown.
        count, rows, evidence: what is shown.
    """

    def __init__(self, matrix: Matrix) -> None:
        self._matrix, self._rows = matrix, sheet.rows(matrix)
        groups = list(dict.fromkeys(row.group for row in self._rows))
        found = {v for row in self._rows for v in row.verdicts.values()}
        self.text = ipw.Text(description="words", placeholder="egress port", continuous_update=True)
        self.group = ipw.Dropdown(options=_any(groups), description="group")
        verdicts = [str(verdict) for verdict in Verdict if verdict in found]
        self.verdict = ipw.Dropdown(options=_any(verdicts), description="verdict")
        self.differing = ipw.Checkbox(description="only where the CNIs differ", indent=False)
        self.case = ipw.Dropdown(description="case", layout={"width": "auto"})
        titles = [(title, name) for name, title in matrix.titles.items()]
        self.profile = ipw.Dropdown(options=titles, description="CNI")
        self.count, self.rows, self.evidence = ipw.HTML(), ipw.HTML(), ipw.HTML()
        for control in (self.text, self.group, self.verdict, self.differing):
            control.observe(lambda _change: self._filter(), "value")
        for control in (self.case, self.profile):
            control.observe(lambda _change: self._open(), "value")
        self._filter()

    @property
    def widget(self) -> ipw.Widget:
        """The filters, the rows, and below them the chosen cell's evidence."""
        filters = ipw.HBox([self.text, self.group, self.verdict, self.differing])
        filters.layout.flex_flow = "row wrap"
        cell = ipw.HBox([self.case, self.profile])
        return ipw.VBox([filters, self.count, self.rows, cell, self.evidence])

    def _filter(self) -> None:
        shown = sheet.choose(
            self._rows, self.text.value, self.group.value, self.verdict.value, self.differing.value
        )
        self.count.value = f"<p>{len(shown)} of {len(self._rows)} cases</p>"
        self.rows.value = sheet.of(self._matrix, shown, evidence=False).html
        self.case.options = [(row.title, row.id) for row in shown]
        self.case.index = 0 if shown else None
        self._open()

    def _open(self) -> None:
        row = next((row for row in self._rows if row.id == self.case.value), None)
        entry = row and row.entries.get(self.profile.value)
        if not entry:
            self.evidence.value = "<p>Nothing was measured here.</p>" if row else ""
            return
        told = fragments.paragraph(entry["reason"]) + fragments.policy(entry["policies"])
        self.evidence.value = (told + reach.evidence(entry)).html


class Timeline:
    """A slider on time: in how many measurements the policy is in force by then.

    Attributes:
        moment: the slider, in milliseconds.
        counts: what is shown.
    """

    def __init__(self, series: Mapping[str, Sequence[float]]) -> None:
        self._series = series
        slowest = max((value for values in series.values() for value in values), default=1000)
        end = math.ceil(slowest / 100) * 100
        self.moment = ipw.IntSlider(max=end, step=max(end // 100, 1), description="ms")
        self.moment.layout.width = "30em"
        self.counts = ipw.HTML()
        self.moment.observe(lambda _change: self._show(), "value")
        self._show()

    @property
    def widget(self) -> ipw.Widget:
        """The slider, and the counts below it."""
        return ipw.VBox([self.moment, self.counts])

    def _show(self) -> None:
        self.counts.value = delays.by_then(self._series, self.moment.value).html


def predict(
    case: Case, entries: Mapping[str, Mapping[str, Any]] | None = None, step: int = -1
) -> Prediction:
    """Ask for a prediction on each connection of a case's step, and show it.

    Args:
        case: what is asked.
        entries: what `lesson.measure` returned, by the name to show; revealed beside it.
        step: which of the case's steps, from 0; the last where none is given.
    """
    made = Prediction(case, entries, step)
    display(made.widget)
    show.fragment(made.questions())
    return made


def explore(matrix: Matrix) -> Explorer:
    """Show the matrix with filters. The plain form is all of it, closed."""
    made = Explorer(matrix)
    display(made.widget)
    whole = sheet.of(matrix, sheet.rows(matrix), evidence=False)
    show.fragment(fragments.closed(fragments.words("All cases, as a table"), whole))
    return made


def timeline(series: Mapping[str, Sequence[float]]) -> Timeline:
    """Show a slider on time over distributions of milliseconds, by name."""
    made = Timeline(series)
    display(made.widget)
    show.fragment(delays.summary(series))
    return made


def display(widget: ipw.Widget) -> None:
    """Show a widget alone: the plain form beside it is no fallback, but always there."""
    bundle = widget._repr_mimebundle_()
    show.publish({_VIEW: bundle[_VIEW]})


def _any(words: Sequence[str]) -> list[tuple[str, str]]:
    """Choices of a filter: no condition first."""
    return [("any", ""), *((word, word) for word in words)]


def _word(outcome: str) -> str:
    words = {"allowed": _WORKS, "denied": _BLOCKED, "timeout": _BLOCKED, "": "open"}
    return words.get(outcome, outcome)
