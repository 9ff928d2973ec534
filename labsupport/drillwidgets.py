"""Drills in a notebook: the round that the terminal plays, by mouse or keyboard.

    drillwidgets.practise()                        # ten questions, what is due first
    drillwidgets.practise(["calico"], level=2)     # of some topics, up to a level
    drillwidgets.interview(15)                     # so many minutes, explained at the end
    drillwidgets.standing()                        # what is new, due and known, by topic
    drillwidgets.paper()                           # every question with its answer, to read

A round shows its questions as plain text too, in an output of its own, which is there when
the notebook is reopened, printed or shown without a kernel.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import ipywidgets as ipw

from labsupport import console, drills, drilltext, fragments, marking, schedule, show, widgets
from labsupport.drillround import Round, interview_of
from labsupport.drills import TOPICS, Kind, Question
from labsupport.errors import WrongUse
from labsupport.fragments import Fragment
from labsupport.marking import Mark
from labsupport.progress import Answer, Progress

NOT_ATTEMPTED = "Not attempted. Choose an answer, or skip the question."
_WIDE = {"width": "auto"}


class Practice:
    """One round at work: a question, its options, and what the answer was worth.

    Attributes:
        played: the round.
        options: the controls of the current question: radio buttons for one choice, check
            boxes for several, a line of text for an order.
        check, skip, further: the buttons.
        asked, told: what is shown above and below the options.
    """

    def __init__(
        self, played: Round, progress: Progress | None = None, minutes: float | None = None
    ) -> None:
        self.played = played
        self._progress = progress or Progress()
        self._ends = None if minutes is None else time.monotonic() + minutes * 60
        self._shown: list[str] = []
        self._begun = 0.0
        self.asked, self.told = ipw.HTML(), ipw.HTML()
        self.options = ipw.VBox()
        self.check = ipw.Button(description="Check", button_style="primary")
        self.skip = ipw.Button(description="Skip")
        self.further = ipw.Button(description="Next")
        self.check.on_click(lambda _button: self._check())
        self.skip.on_click(lambda _button: self._skip())
        self.further.on_click(lambda _button: self._ask())
        self._ask()

    @property
    def widget(self) -> ipw.Widget:
        """The question, its options, the buttons and what is told, from top to bottom."""
        buttons = ipw.HBox([self.check, self.skip, self.further])
        return ipw.VBox([self.asked, self.options, buttons, self.told])

    def chosen(self) -> list[str] | None:
        """What the learner has chosen, or None where the question was left blank."""
        question, controls = self.played.current, self.options.children
        if question is None or not controls:
            return None
        if question.kind is Kind.ORDER:
            try:
                return marking.typed(question, self._shown, controls[-1].value)
            except WrongUse:
                return None
        if question.kind in (Kind.CHOOSE, Kind.MISTAKE):
            number = controls[0].value
            return None if number is None else [self._shown[number]]
        *boxes, none = controls
        picked = [one for one, box in zip(self._shown, boxes, strict=True) if box.value]
        return picked if picked or none.value else None

    def _ask(self) -> None:
        """Show the current question, or at the end what the round came to."""
        question = self.played.current
        late = self._ends is not None and time.monotonic() > self._ends
        self.told.value = ""
        if question is None or late:
            self._buttons()
            self.options.children = ()
            over = "Time is up.\n" if late and question else ""
            self.asked.value = _text(over + drilltext.summary(self.played)).html
            return
        self._begun = time.monotonic()
        self._shown = marking.shuffled(question, len(self.played.asked))
        self.asked.value = _question(question, self._left()).html
        self.options.children = _controls(question, self._shown)
        aloud = question.kind is Kind.ALOUD
        self.check.description = "Show the checklist" if aloud else "Check"
        self.options.layout.display = "none" if aloud else "flex"
        self._buttons(self.check, self.skip)

    def _check(self) -> None:
        question = self.played.current
        if question is None:
            return
        if self.options.layout.display == "none":
            self.options.layout.display = "flex"
            self.check.description = "Check"
            return
        given = self.chosen()
        if given is None:
            self.told.value = _text(NOT_ATTEMPTED).html
            return
        mark = marking.mark(question, given)
        seconds = round(time.monotonic() - self._begun, 1)
        self._progress.add(Answer(question.id, datetime.now(UTC), mark.share, seconds))
        comes_back = self.played.answered(mark)
        if self._ends is None:
            self.told.value = _told(question, mark, comes_back).html
            self._buttons(self.further)
        else:
            self._ask()

    def _skip(self) -> None:
        if self.played.current:
            self.played.skipped()
            self._ask()

    def _buttons(self, *active: ipw.Button) -> None:
        for button in (self.check, self.skip, self.further):
            button.disabled = button not in active

    def _left(self) -> str:
        left = f"{len(self.played.queue)} to go"
        if self._ends is None:
            return left
        return f"{left}, {console.seconds(max(0, self._ends - time.monotonic()))} left"


def practise(topics: Sequence[str] = (), level: int | None = None, count: int = 10) -> Practice:
    """Show a round of questions: what is due first, then what is new.

    Args:
        topics: keys of `drills.TOPICS`; all where none is named.
        level: nothing harder than this, of 1 to 3.
        count: how many questions.
    """
    return _show(Round(_queue(topics, level)[:count]), None)


def interview(minutes: float, topics: Sequence[str] = (), level: int | None = None) -> Practice:
    """Show an interview of so many minutes; its clock runs from now on.

    Args:
        minutes: how long; it is looked at between questions.
        topics: as for `practise`.
        level: as for `practise`.
    """
    asked = interview_of(_queue(topics, level), minutes)
    return _show(Round(asked, again=False), minutes)


def standing() -> None:
    """Show by topic how many questions are new, due and known."""
    answers = Progress().answers()
    known, every = schedule.cards(answers), drills.load()
    due = {one.id for one in schedule.due(every, answers)}
    rows = []
    for topic, title in TOPICS.items():
        ids = [one.id for one in every if one.topic == topic]
        answered = [one for one in ids if one in known]
        late = sum(one in due for one in answered)
        rows.append([title, topic, len(ids) - len(answered), late, len(answered) - late])
    show.table(rows, ["topic", "key", "new", "due", "known"])


def paper(topics: Sequence[str] = ()) -> None:
    """Show every question of some topics, or of all, each with its answer to be opened."""
    chosen = drills.choose(drills.load(), topics)
    for topic, title in TOPICS.items():
        listed = [one for one in chosen if one.topic == topic]
        if listed:
            heading = fragments.words(f"{title}: {len(listed)} questions")
            show.fragment(fragments.closed(heading, _plain(listed)))


def _queue(topics: Sequence[str], level: int | None) -> list[Question]:
    chosen = drills.choose(drills.load(), topics, level)
    return schedule.queue(chosen, Progress().answers())


def _show(played: Round, minutes: float | None) -> Practice:
    listed = list(played.queue)
    made = Practice(played, minutes=minutes)
    widgets.display(made.widget)
    show.fragment(fragments.closed(fragments.words("The questions on paper"), _plain(listed)))
    return made


def _controls(question: Question, shown: Sequence[str]) -> tuple[ipw.Widget, ...]:
    """What the current question is answered with; all of it works by keyboard."""
    if question.kind is Kind.ORDER:
        listed = "\n".join(f"{number}. {one}" for number, one in enumerate(shown, 1))
        line = ipw.Text(description="order", placeholder="such as 2 1 3")
        return ipw.HTML(_text(listed).html), line
    if question.kind in (Kind.CHOOSE, Kind.MISTAKE):
        options = [(one, number) for number, one in enumerate(shown)]
        return (ipw.RadioButtons(options=options, value=None, layout=_WIDE),)
    boxes = [ipw.Checkbox(description=one, indent=False, layout=_WIDE) for one in shown]
    return *boxes, ipw.Checkbox(description="none of them", indent=False, layout=_WIDE)


def _question(question: Question, left: str) -> Fragment:
    head = fragments.paragraph(f"{drilltext.headline(question)} · {left}")
    asked = Fragment(
        f"<p><b>{fragments.words(question.question).html}</b></p>", question.question.strip()
    )
    how = fragments.paragraph(drilltext.HOW[question.kind])
    above = drilltext.shown_first(question)
    return head + asked + _text(above) + how if above else head + asked + how


def _told(question: Question, mark: Mark, comes_back: bool) -> Fragment:
    again = "\nIt comes back in this round." if comes_back else ""
    return _text(drilltext.verdict(question, mark) + again) + _answer(question)


def _answer(question: Question) -> Fragment:
    """The answer, what stands behind it, and the follow-up with its answer to be opened."""
    asked, answer = question.followup
    longer = fragments.paragraph(question.explanation.strip())
    after = drilltext.shown_after(question)
    told = Fragment(f"<p><b>{fragments.words(question.answer).html}</b></p>", question.answer)
    told += longer + _text(after) if after else longer
    told += fragments.closed(
        fragments.words(f"They ask next: {asked}"), fragments.paragraph(answer.strip())
    )
    return told + fragments.paragraph(" · ".join(drilltext.references(question)))


def _plain(questions: Iterable[Question]) -> Fragment:
    """Questions on paper: options in an order that tells nothing, the answer closed."""
    pieces = []
    for question in questions:
        asked = _question(question, question.kind)
        if question.kind is not Kind.ALOUD:
            asked += _text(_listed(marking.shuffled(question, 0)))
        solution = _text(_listed(question.right, "→ ") or "none of them") + _answer(question)
        pieces.append(asked + fragments.closed(fragments.words("Answer"), solution))
    return Fragment(
        "\n<hr>".join(one.html for one in pieces), "\n\n".join(one.text for one in pieces)
    )


def _listed(options: Sequence[str], sign: str = "☐ ") -> str:
    return "\n".join(f"{sign}{one}" for one in options)


def _text(text: str) -> Fragment:
    """Text whose lines stay as they are, except that long ones are broken."""
    style = "white-space:pre-wrap;text-align:left"
    return Fragment(f'<pre style="{style}">{fragments.words(text).html}</pre>', text)
