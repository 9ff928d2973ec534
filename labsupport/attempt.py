"""What came of an attempt at an exercise or an outage, and how it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.table import Table

from labsupport import fragments
from labsupport.answer import State
from labsupport.connection import Connection
from labsupport.fragments import Fragment
from labsupport.matrix import LOOKS
from labsupport.outcome import Observation, Outcome
from labsupport.verdict import HOPED_FOR, Expected, Verdict

_VERDICTS = {True: Verdict.ENFORCED, False: Verdict.NOT_ENFORCED}


@dataclass(frozen=True)
class Row:
    """One connection: what is wanted of it, what became of it."""

    connection: Connection
    wanted: Expected
    observed: str
    right: bool
    detail: str


@dataclass(frozen=True)
class Attempt:
    """What came of one attempt.

    Attributes:
        state: in a word.
        sentence: what happened, and what to do where the answer could not be tried.
        mode: `live` where packets were sent, `recorded` where the specification was asked.
        rows: the grid; empty where the answer could not be tried.
    """

    state: State
    sentence: str
    mode: str
    rows: tuple[Row, ...] = ()

    @property
    def solved(self) -> bool:
        """Whether everything is as wanted."""
        return self.state is State.SOLVED

    @property
    def title(self) -> str:
        """The state as the beginning of a sentence."""
        return f"{self.state[0].upper()}{self.state[1:]}"

    def table(self) -> Table:
        """The grid for a terminal."""
        table = Table("", "connection", "wanted", self._found)
        for row in self.rows:
            table.add_row("✓" if row.right else "✗", str(row.connection), row.wanted, row.observed)
        return table

    def fragment(self) -> Fragment:
        """The sentence and the grid for a notebook; it needs no kernel and no script."""
        told = fragments.paragraph(f"{self.title}. {self.sentence}")
        if not self.rows:
            return told
        cells = [
            (
                row.connection,
                row.wanted,
                fragments.badge(LOOKS[_VERDICTS[row.right]], row.observed),
                row.detail,
            )
            for row in self.rows
        ]
        return told + fragments.table(cells, ["connection", "wanted", self._found, "detail"])

    def __str__(self) -> str:
        return self.fragment().text

    @property
    def _found(self) -> str:
        return "observed" if self.mode == "live" else "by the specification"


def rows(
    wanted: Mapping[Connection, Expected], seen: Mapping[Connection, Observation], mode: str
) -> tuple[Row, ...]:
    """The grid of what is wanted and what packets did, or in recorded mode would do."""
    return tuple(
        Row(
            connection,
            word,
            _word(seen[connection].outcome, mode),
            seen[connection].outcome is HOPED_FOR[word],
            seen[connection].detail,
        )
        for connection, word in wanted.items()
    )


def _word(outcome: Outcome, mode: str) -> str:
    """Nothing times out where no packet is sent."""
    return "denied" if mode == "recorded" and outcome is Outcome.TIMEOUT else str(outcome)
