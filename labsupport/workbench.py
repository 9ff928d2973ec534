"""An exercise in a notebook: the task, a place to write, and what came of it.

    bench = workbench.show("only-the-front-end", lesson.mode)   # shows it
    bench.check()             # what is in the text area
    bench.check(my_yaml)      # or a text, or a file

The buttons do what the calls do. The plain form holds the task, the wanted reachability,
the policies that are given and the hints, and is there without a kernel too.
"""

from collections.abc import Callable
from pathlib import Path

import ipywidgets as ipw

from labsupport import console, fragments, judges, migration, task, widgets
from labsupport import show as shows
from labsupport.attempt import Attempt
from labsupport.errors import LabError
from labsupport.exercise import Exercise
from labsupport.exercise_log import Log
from labsupport.fragments import Fragment


class Workbench:
    """One exercise with its controls.

    Attributes:
        exercise: what is worked on.
        answer: the text area; setting `.value` types.
        checking, hinting, solving, preparing: the buttons.
        result: where everything is shown.
    """

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        self._hints = 0
        self._prepared = False
        lines = exercise.blank().count("\n") + 4
        self.answer = ipw.Textarea(value=exercise.blank(), rows=max(lines, 12))
        self.answer.layout = {"width": "100%"}
        self.answer.add_class("netpol-lab-answer")
        self.checking = self._button("Check", lambda: self._checked().fragment(), "primary")
        self.hinting = self._button("Hint", self._hint)
        self.solving = self._button("Solution", lambda: self._pre(exercise.solution()))
        self.preparing = self._button("Prepare the cluster", self._prepare)
        self.result = ipw.HTML()

    @property
    def widget(self) -> ipw.Widget:
        """The text area, the buttons, and below them the place for what came of it."""
        buttons = [self.checking, self.hinting, self.solving]
        if self.exercise.judge.mode == "live":
            buttons.append(self.preparing)
        return ipw.VBox([self.answer, ipw.HBox(buttons), self.result])

    def check(self, answer: str | Path | None = None) -> None:
        """Put an answer to the test, the text area's where none is given, and show the grid."""
        shows.fragment(self._checked(answer).fragment())

    def plain(self) -> Fragment:
        """The exercise on paper."""
        one = self.exercise.task
        heading = f"{one.title} (level {one.level} of 3, about {one.minutes} min)"
        wanted = fragments.table(
            [(connection, word) for connection, word in one.wanted.items()],
            ["connection", "wanted"],
            "What must work, and what must not, when it is solved:",
        )
        parts = fragments.paragraph(heading) + fragments.paragraph(one.text) + wanted
        if one.given:
            given = fragments.policy(one.given)
            parts += fragments.closed(fragments.words("The policies that are given"), given)
        for number, hint in enumerate(one.hints, 1):
            parts += fragments.closed(fragments.words(f"Hint {number}"), fragments.words(hint))
        read = f"Read: case {one.case}, notebook {one.notebook}. Checked {self.exercise.judge.how}."
        return parts + fragments.paragraph(read)

    def _checked(self, answer: str | Path | None = None) -> Attempt:
        text = self.answer.value if answer is None else answer
        if text == self.exercise.blank() and self._prepared:
            return self.exercise.check()  # it may have been done with kubectl
        return self.exercise.check(text)

    def _hint(self) -> Fragment:
        self._hints = min(self._hints + 1, len(self.exercise.task.hints))
        told = [fragments.paragraph(f"Hint {n}: {self.exercise.hint(n)}")
                for n in range(1, self._hints + 1)]  # fmt: skip
        return sum(told[1:], told[0])

    def _prepare(self) -> Fragment:
        self.exercise.setup()
        self._prepared = True
        return fragments.paragraph("The pods and the given policies are on the cluster.")

    @staticmethod
    def _pre(text: str) -> Fragment:
        return Fragment(f"<pre>{fragments.words(text).html}</pre>", text)

    def _button(self, name: str, act: Callable[[], Fragment], style: str = "") -> ipw.Button:
        button = ipw.Button(description=name, button_style=style)
        button.layout.width = "auto"
        button.on_click(lambda _: self._do(button, act))
        return button

    def _do(self, button: ipw.Button, act: Callable[[], Fragment]) -> None:
        """Do what a button says; while it works it cannot be pressed again."""
        button.disabled = True
        self.result.value = "<p>…</p>"
        try:
            self.result.value = act().html
        except LabError as error:
            self.result.value = fragments.paragraph(str(error)).html
        finally:
            button.disabled = False


def show(name: str, mode: str) -> Workbench:
    """Show an exercise.

    Args:
        name: its id or its number.
        mode: `live` or `recorded`.
    """
    made = Workbench(Exercise.load(name, mode=mode))
    shows.fragment(made.plain())
    widgets.display(made.widget)
    return made


def state(log: Log | None = None) -> None:
    """Show how far the learner is with each exercise."""
    entries = (log or Log()).entries()
    rows = []
    for one in task.load_all().values():
        entry = entries.get(one.id)
        took = console.seconds(entry.seconds) if entry and entry.seconds is not None else ""
        rows.append((one.title, one.level, entry.state if entry else "not begun", took))
    shows.table(rows, ["exercise", "level", "state", "time"])


def clean_up(mode: str) -> None:
    """Remove the exercises' namespaces from the clusters, and take a move back."""
    for chooser in (judges, migration):
        chooser.choose(mode=mode).clear()
    shows.note("Nothing of the exercises is left on a cluster.")
