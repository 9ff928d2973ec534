"""The drills as they are played in a terminal, without one."""

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from labsupport import drills, drillterm
from labsupport.cli import app
from labsupport.drillround import Round
from labsupport.drills import Kind
from labsupport.drillterm import Terminal
from labsupport.progress import Progress

ROOT = Path(__file__).parents[2]
QUESTIONS = drills.load()


class Learner:
    """Types one line after another, and then interrupts."""

    def __init__(self, *lines, end=KeyboardInterrupt):
        self.lines, self.end, self.prompts = list(lines), end, []

    def __call__(self, prompt):
        self.prompts.append(prompt)
        if not self.lines:
            raise self.end
        line = self.lines.pop(0)
        return line() if callable(line) else line


@pytest.fixture
def progress(tmp_path):
    return Progress(tmp_path / "progress.json")


def play(progress, questions, learner, minutes=None):
    """Everything that was printed."""
    out = Console(file=io.StringIO(), width=200, highlight=False)
    terminal = Terminal(progress, minutes, learner, out)
    terminal._seed = 1
    try:
        terminal.play(Round(list(questions), again=minutes is None))
    except KeyboardInterrupt:
        out.print("INTERRUPTED")
    return out.file.getvalue()


def right(question):
    """What to type for the right answer, under the seed of `play`."""
    from labsupport import marking

    shown = marking.shuffled(question, 1)
    return " ".join(str(shown.index(one) + 1) for one in question.right) or "-"


def answer(question):
    """Every line for one question: the answer, and Enter for the follow-up's answer."""
    said = [""] if question.kind is Kind.ALOUD else []
    return [*said, right(question), ""]


def of(kind):
    return next(q for q in QUESTIONS if q.kind is kind)


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_can_be_asked_and_answered(progress, kind):
    question = of(kind)
    told = play(progress, [question], Learner(*answer(question)))
    assert "Right." in told or "You made" in told
    assert question.answer in told
    assert question.followup[1].strip() in told
    assert "100 % of 1" in told
    assert [one.share for one in progress.answers()] == [1]


def test_a_wrong_answer_comes_back_and_both_are_kept(progress):
    question = of(Kind.CHOOSE)
    told = play(progress, [question], Learner("?", "", *answer(question)))
    assert "It comes back" in told
    assert "Read again: notebook" in told
    assert [one.share for one in progress.answers()] == [0, 1]


def test_a_slip_is_told_and_asked_again(progress):
    question = of(Kind.CHOOSE)
    told = play(progress, [question], Learner("99", "", *answer(question)))
    assert told.count("Type one number from 1 to") == 2
    assert len(progress.answers()) == 1


def test_ctrl_c_keeps_what_was_answered_and_sums_up(progress):
    first, second = QUESTIONS[:2]
    told = play(progress, [first, second], Learner(*answer(first)))
    assert "100 % of 1" in told
    assert told.rstrip().endswith("INTERRUPTED")
    assert [one.question for one in progress.answers()] == [first.id]


@pytest.mark.parametrize("way", [["q"], []])
def test_q_and_the_end_of_input_end_the_round(progress, way):
    told = play(progress, QUESTIONS[:2], Learner(*way, end=EOFError))
    assert "Nothing was answered." in told
    assert "INTERRUPTED" not in told


def test_a_skipped_question_is_not_attempted(progress):
    told = play(progress, QUESTIONS[:1], Learner("s"))
    assert "Nothing was answered." in told
    assert progress.answers() == []


def test_an_interview_explains_at_its_end_only(progress):
    question = of(Kind.CHOOSE)
    wrong = next(n for n in "123" if n != right(question))
    told = play(progress, [question], Learner(wrong), minutes=5)
    before, after = told.split("Read again")
    assert "left" in before
    assert question.answer not in before
    assert question.answer in after


def test_an_interview_ends_with_its_time(progress, monkeypatch):
    clock = iter([0.0, 1.0, 2.0, 3.0, 4.0, 61.0])
    monkeypatch.setattr(drillterm.time, "monotonic", lambda: next(clock))
    first = of(Kind.CHOOSE)
    told = play(progress, [first, *QUESTIONS], Learner(right(first)), minutes=1)
    assert "Time is up." in told
    assert "100 % of 1" in told


def test_markup_in_policies_is_printed_as_it_is(progress):
    question = next(q for q in QUESTIONS if q.id == "empty-rule-and-no-rule")
    told = play(progress, [question], Learner("q"))
    assert "`ingress: [{from: []}]`" in told
    assert "`ingress: []`" in told


def lab(*arguments, state, **more):
    return subprocess.run(
        [sys.executable, "-m", "labsupport", "drill", *arguments],
        cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "XDG_STATE_HOME": str(state)}, **more,
    )  # fmt: skip


def test_without_a_terminal_one_sentence(tmp_path):
    done = lab(state=tmp_path, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
    assert "Traceback" not in done.stderr


def test_in_a_terminal_q_ends_it(tmp_path):
    parent, child = pty.openpty()
    os.write(parent, b"q\n")
    done = lab("--topic", "proof", state=tmp_path, stdin=child)
    os.close(parent)
    os.close(child)
    assert done.returncode == 0, done.stderr
    assert "Proving enforcement" in done.stdout
    assert "Nothing was answered." in done.stdout


def test_list_export_import_and_reset(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def drill(*options):
        return CliRunner().invoke(app, ["drill", *options])

    assert "extra-dash-mistake" in drill("--list", "--topic", "selectors").stdout
    file = tmp_path / "mine.json"
    assert drill("--export", str(file)).exit_code == 0
    assert "0 answers were new" in drill("--import", str(file)).stdout
    assert "The old answers are in" in drill("--reset").stdout
    both = drill("--list", "--reset")
    assert both.exit_code == 2
    assert "exclude each other" in both.stderr
