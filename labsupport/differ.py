"""Where CNIs differ: the questions that the specification leaves open, and their answers."""

from collections.abc import Sequence
from functools import cache

from labsupport import cases, fragments
from labsupport.cases import Case
from labsupport.fragments import Fragment, table
from labsupport.groups import UNCLEAR
from labsupport.guess import Question
from labsupport.matrix import Matrix
from labsupport.verdict import Verdict

GROUP = "open"
DIFFER = "the CNIs differ"


@cache
def open_cases() -> tuple[Case, ...]:
    """The cases that ask what the specification leaves open, in the catalogue's order."""
    return tuple(case for case in cases.load() if case.group == GROUP)


def questions(matrix: Matrix, case_ids: Sequence[str] = ()) -> list[Question]:
    """Each open question, to be guessed: one answer for all CNIs, or that they differ.

    Args:
        matrix: where the answers come from. A CNI that did not enforce the case's policy, or
            whose probe gave no clear answer, has no say.
        case_ids: which cases; all of the group where none is named.
    """
    chosen = [case for case in open_cases() if not case_ids or case.id in case_ids]
    return [
        _question(matrix, case, ask.question, list(dict.fromkeys(ask.answers.values())))
        for case in chosen
        for step in case.steps
        for ask in step.asks
    ]


def profiles(matrix: Matrix) -> list[str]:
    """The titles of the columns that `questions` reveals."""
    return list(matrix.titles.values())


def answers(matrix: Matrix, case_id: str) -> Fragment:
    """The questions of one case, and what each CNI's packets answered."""
    rows = [[one.text, *one.shown] for one in questions(matrix, [case_id])]
    return table(rows, ["question", *profiles(matrix)])


def differing(matrix: Matrix) -> Fragment:
    """Only the questions on which the CNIs that enforce differ."""
    rows = [[one.text, *one.shown] for one in questions(matrix) if one.right == DIFFER]
    head = ["question", *profiles(matrix)]
    return table(rows, head, f"{len(rows)} of {len(questions(matrix))} questions.")


def _question(matrix: Matrix, case: Case, text: str, options: list[str]) -> Question:
    told = {name: _answer(matrix, name, case.id, text) for name in matrix.titles}
    clear = {answer for answer in told.values() if answer}
    right = DIFFER if len(clear) > 1 else next(iter(clear), "")
    shown = [
        fragments.words(answer) if answer else _silence(matrix, name, case.id)
        for name, answer in told.items()
    ]
    return Question(f"{case.title}: {text}", [*options, DIFFER], right, shown)


def _answer(matrix: Matrix, profile: str, case_id: str, question: str) -> str:
    """What a profile's packets answered; empty where they gave no clear answer."""
    answer = matrix.answers[profile].get(case_id, {}).get(question, "")
    return "" if answer.startswith(UNCLEAR) else answer


def _silence(matrix: Matrix, profile: str, case_id: str) -> Fragment:
    """Why a profile has no say: the verdict on the case's control."""
    verdict = matrix.measured[profile].get(case_id, Verdict.NOT_RUN)
    return fragments.verdict(Verdict.INCONCLUSIVE if verdict is Verdict.OBSERVED else verdict)
