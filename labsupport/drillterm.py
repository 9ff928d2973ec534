"""Drills in a terminal: questions and answers line by line, nothing that clears the screen."""

import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape

from labsupport import console, drills, drilltext, marking, schedule
from labsupport.drillround import Round, interview_of
from labsupport.drills import Kind, Question
from labsupport.errors import WrongUse
from labsupport.marking import Mark
from labsupport.progress import Answer, Progress

_KEYS = "[dim]? shows the answer, s skips, q ends[/]"


class _Stop(Exception):
    """The learner has had enough."""


class Terminal:
    """Asks one round.

    Attributes:
        ends: on the clock of `time.monotonic`, when an interview is over; None for a round
            without a limit, in which each answer is explained at once.
    """

    def __init__(
        self,
        progress: Progress,
        minutes: float | None = None,
        read: Callable[[str], str] = input,
        out: Console = console.out,
    ) -> None:
        self.progress = progress
        self.ends = None if minutes is None else time.monotonic() + minutes * 60
        self._read = read
        self._out = out
        self._seed = time.time_ns()

    def play(self, played: Round) -> None:
        """Ask until the round, its time or the learner's patience is over; then sum up.

        Every answer is kept before the next question is asked.
        """
        try:
            while played.current and not self._over():
                self._turn(played, played.current)
        except (_Stop, EOFError):
            pass
        finally:  # also when Ctrl-C ends the command
            self._out.print()
            self._say(drilltext.summary(played))

    def _turn(self, played: Round, question: Question) -> None:
        left = f"{len(played.queue)} to go"
        if self.ends is not None:
            left += f", {console.seconds(max(0, self.ends - time.monotonic()))} left"
        head = escape(f"{drilltext.headline(question)} · {left}")
        self._out.print(f"\n[bold]{head}[/]")
        begun = time.monotonic()
        mark = self._ask(question)
        if mark is None:
            played.skipped()
            return
        seconds = round(time.monotonic() - begun, 1)
        self.progress.add(Answer(question.id, datetime.now(UTC), mark.share, seconds))
        comes_back = played.answered(mark)
        if self.ends is None:
            self._explain(question, mark, comes_back)

    def _ask(self, question: Question) -> Mark | None:
        """The mark of an answer, or None where the question is skipped."""
        options = marking.shuffled(question, self._seed)
        self._say(question.question.strip(), drilltext.shown_first(question))
        if question.kind is Kind.ALOUD:
            self._line(f"{drilltext.HOW[Kind.ALOUD]} Enter: ")
            self._say("Which of these points did you make?")
        else:
            self._say(drilltext.HOW[question.kind])
        self._say(*(f"  {number}. {option}" for number, option in enumerate(options, 1)))
        if self.ends is None:
            self._out.print(_KEYS)
        while True:
            text = self._line("> ")
            if text == "s":
                return None
            if text == "?":
                return Mark(0, question.right)
            try:
                return marking.mark(question, marking.typed(question, options, text))
            except WrongUse as error:
                self._say(str(error))

    def _explain(self, question: Question, mark: Mark, comes_back: bool) -> None:
        colour = "green" if mark.right else "red"
        again = " It comes back in this round." if comes_back else ""
        self._out.print(f"[{colour}]{escape(drilltext.verdict(question, mark))}[/]{again}")
        self._out.print(f"[bold]{escape(question.answer)}[/]")
        self._say(question.explanation.strip(), drilltext.shown_after(question))
        asked, answer = question.followup
        self._out.print(f"[bold]They ask next:[/] {escape(asked)}")
        self._line("Enter for its answer: ")
        self._say(answer.strip())
        self._out.print(f"[dim]{escape(' · '.join(drilltext.references(question)))}[/]")

    def _line(self, prompt: str) -> str:
        text = self._read(prompt).strip()
        if text == "q":
            raise _Stop
        return text

    def _say(self, *paragraphs: str) -> None:
        for text in paragraphs:
            if text:
                self._out.print(escape(text))

    def _over(self) -> bool:
        if self.ends is None or time.monotonic() < self.ends:
            return False
        self._say("Time is up.")
        return True


def run(topics: Sequence[str], level: int | None, count: int, minutes: float | None) -> None:
    """Play a round, or with `minutes` an interview, in the terminal that the command runs in.

    Raises:
        WrongUse: there is no terminal to ask in, no such topic, or no question left.
    """
    chosen = drills.choose(drills.load(), topics, level)
    if not sys.stdin.isatty():
        raise WrongUse(
            "./lab drill asks questions, so it needs a terminal; --list, --export and --import "
            "need none, and notebook 11 asks the same questions."
        )
    progress = Progress()
    queue = schedule.queue(chosen, progress.answers())
    if minutes is None:
        Terminal(progress).play(Round(queue[:count]))
    else:
        Terminal(progress, minutes).play(Round(interview_of(queue, minutes), again=False))


def overview(topics: Sequence[str], level: int | None) -> list[str]:
    """The questions of some topics, with whether each is new, due or known."""
    answers = Progress().answers()
    known = schedule.cards(answers)
    chosen = drills.choose(drills.load(), topics, level)
    due = {one.id for one in schedule.due(chosen, answers)}
    lines = []
    for one in chosen:
        state = "due" if one.id in due else "known" if one.id in known else "new"
        lines.append(f"{state:<6}{one.topic:<16}{one.level}  {one.id:<40}{one.kind}")
    return lines
