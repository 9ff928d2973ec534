"""The matrix in groups: which cases belong together, their counts, and their rows in words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labsupport.verdict import Verdict

if TYPE_CHECKING:
    from labsupport.matrix import Matrix

HEADINGS: Mapping[str, str] = {
    "specification": "Specification",
    "open": "Left open by the specification",
    "calico": "Calico's own",
    "cilium": "Cilium's own",
    "cluster-wide": "Cluster-wide API",
}
"""The catalogue's groups in order; any other follows under its own name."""

UNCLEAR = "inconclusive"
"""What an answer begins with where the packets gave none."""


@dataclass(frozen=True)
class Cell:
    """What one profile did: a verdict, in its own word or as the answer to a question.

    `variant` counts the different answers in a row from 0, in their order, so that they can
    be told apart without being judged.
    """

    verdict: Verdict
    text: str
    variant: int = 0


@dataclass(frozen=True)
class Line:
    """A row of a table: a case or, where it asks something, one of its questions.

    Attributes:
        case: the case's entry in a report.
        question: what is asked, or None.
        first: whether no line of the same case comes before it.
        cells: one a profile.
    """

    case: dict[str, Any]
    question: str | None
    first: bool
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        """The case's title, with the question where there is one."""
        return f"{self.case['title']}: {self.question}" if self.question else self.case["title"]

    @property
    def differs(self) -> bool:
        """Whether the profiles' packets gave different answers."""
        return len({cell.variant for cell in self.cells}) > 1


@dataclass(frozen=True)
class Group:
    """Cases that belong together.

    Attributes:
        name: as the catalogue writes it.
        cases: its cases' entries.
        lines: its rows.
        counts: for each profile, how many cases ended in each verdict.
    """

    name: str
    cases: tuple[dict[str, Any], ...]
    lines: tuple[Line, ...]
    counts: tuple[Counter[Verdict], ...]

    @property
    def heading(self) -> str:
        """What the group is called."""
        return HEADINGS.get(self.name) or self.name[:1].upper() + self.name[1:]

    def shares(self, profile: int) -> list[tuple[Verdict, int]]:
        """The verdicts that a profile, by its place, has in this group, and how often."""
        counted = self.counts[profile]
        return [(verdict, counted[verdict]) for verdict in Verdict if counted[verdict]]

    def tally(self, profile: int) -> str:
        """The same in signs: `✓ 48 of 50, ◐ 2`."""
        from labsupport.matrix import LOOKS

        counts = [f"{LOOKS[verdict].sign} {count}" for verdict, count in self.shares(profile)]
        return ", ".join([f"{counts[0]} of {len(self.cases)}", *counts[1:]])


def of(matrix: "Matrix") -> list[Group]:
    """The groups of a matrix, in the catalogue's order."""
    members: dict[str, list[dict[str, Any]]] = {name: [] for name in HEADINGS}
    for case in matrix.cases.values():
        members.setdefault(case["group"], []).append(case)
    return [_group(matrix, name, cases) for name, cases in members.items() if cases]


def _group(matrix: "Matrix", name: str, cases: Sequence[dict[str, Any]]) -> Group:
    return Group(
        name,
        tuple(cases),
        tuple(line for case in cases for line in _lines(matrix, case)),
        tuple(
            Counter(verdicts[case["id"]] for case in cases) for verdicts in matrix.measured.values()
        ),
    )


def _lines(matrix: "Matrix", case: dict[str, Any]) -> list[Line]:
    """A line a question that any report answers; one where none does."""
    name = case["id"]
    answers = [told[name] for told in matrix.answers.values()]
    questions: list[str | None] = list(dict.fromkeys(q for told in answers for q in told))
    verdicts = [cells[name] for cells in matrix.measured.values()]
    return [
        Line(
            case,
            question,
            place == 0,
            _cells(verdicts, [told.get(question or "") for told in answers]),
        )
        for place, question in enumerate(questions or [None])
    ]


def _cells(verdicts: Sequence[Verdict], answers: Sequence[str | None]) -> tuple[Cell, ...]:
    clear = [answer for answer in answers if answer and not answer.startswith(UNCLEAR)]
    order = {answer: place for place, answer in enumerate(dict.fromkeys(clear))}
    return tuple(
        Cell(verdict, answer or str(verdict), order.get(answer or "", 0))
        for verdict, answer in zip(verdicts, answers, strict=True)
    )
