"""Questions with a few answers to choose from: guessed first, revealed then.

    guess.ask([Question("Flannel does not.", ["holds", "wrong"], "holds", [...])], ["reason"])

Beside the controls stands the list of questions as a plain table, which is still there when
the notebook is reopened, printed or shown without a kernel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import ipywidgets as ipw

from labsupport import fragments, show, widgets
from labsupport.fragments import Fragment


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        text: what is asked.
        options: what can be answered.
        right: the answer; empty where nobody knows it.
        shown: cells that are revealed beside it.
    """

    text: str
    options: Sequence[str]
    right: str
    shown: Sequence[object] = field(default=())


class Guess:
    """Guesses, and what was right.

    Attributes:
        choices: the menus in the questions' order; `.value` is an option or None.
        reveal: the button that shows what is right.
        answer: where it is shown.
    """

    def __init__(self, questions: Sequence[Question], head: Sequence[str]) -> None:
        self._questions, self._head = tuple(questions), list(head)
        self.choices = [
            ipw.Dropdown(
                options=[("choose", None), *((word, word) for word in one.options)],
                description=one.text,
                style={"description_width": "34em"},
                layout={"width": "auto"},
            )
            for one in self._questions
        ]
        self.reveal = ipw.Button(description="Reveal", button_style="primary", icon="eye")
        self.reveal.on_click(lambda _button: self._show())
        self.answer = ipw.HTML()

    @property
    def widget(self) -> ipw.Widget:
        """The questions, the button and the place for the answer, from top to bottom."""
        return ipw.VBox([*self.choices, self.reveal, self.answer])

    def told(self) -> Fragment:
        """What was guessed beside what is right."""
        pairs = list(zip(self._questions, self.choices, strict=True))
        known = [(one, choice) for one, choice in pairs if one.right]
        hits = sum(choice.value == one.right for one, choice in known)
        rows = [
            [one.text, choice.value or "no guess", one.right or "not measured", *one.shown]
            for one, choice in pairs
        ]
        head = ["question", "you said", "the evidence says", *self._head]
        return fragments.table(rows, head, f"{hits} of {len(known)} as the evidence says.")

    def questions(self) -> Fragment:
        """The questions on paper, with what can be answered."""
        rows = [[one.text, " / ".join(one.options)] for one in self._questions]
        return fragments.table(rows, ["question", "your guess"])

    def _show(self) -> None:
        self.answer.value = self.told().html


def ask(questions: Sequence[Question], head: Sequence[str] = ()) -> Guess:
    """Show questions to guess.

    Args:
        questions: which.
        head: the names of the columns that each question's `shown` fills.
    """
    made = Guess(questions, head)
    widgets.display(made.widget)
    show.fragment(made.questions())
    return made
