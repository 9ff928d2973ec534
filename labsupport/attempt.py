"""What came of an attempt at an exercise or an outage, and how it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from rich.table import Table

from labsupport.answer import State
from labsupport.connection import Connection
from labsupport.outcome import Observation, Outcome
from labsupport.verdict import Expected

_HOPED_FOR = {Expected.ALLOWED: Outcome.ALLOWED, Expected.DENIED: Outcome.TIMEOUT}


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
    def _head(self) -> tuple[str, ...]:
        found = "observed" if self.mode == "live" else "by the specification"
        return "", "connection", "wanted", found, "detail"

    @property
    def _state(self) -> str:
        return f"{self.state[0].upper()}{self.state[1:]}"

    def table(self) -> Table:
        """The grid for a terminal."""
        table = Table(*self._head[:4])
        for row in self.rows:
            table.add_row(*_cells(row)[:4])
        return table

    def html(self) -> str:
        """The sentence and the grid as HTML that needs no kernel and no script."""
        sign = {State.SOLVED: "✓ ", State.NOT_YET: "✗ "}.get(self.state, "")
        head = "".join(f'<th scope="col">{word}</th>' for word in self._head)
        body = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _cells(row))}</tr>"
            for row in self.rows
        )
        grid = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return (
            f"<p><strong>{sign}{escape(self._state)}.</strong> "
            f"{escape(self.sentence)}</p>{grid if self.rows else ''}"
        )

    def text(self) -> str:
        """The same as plain text."""
        lines = [" | ".join(_cells(row)[:4]) for row in self.rows]
        return "\n".join([f"{self._state}. {self.sentence}", *lines])

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        return self.text()


def rows(
    wanted: Mapping[Connection, Expected], seen: Mapping[Connection, Observation], mode: str
) -> tuple[Row, ...]:
    """The grid of what is wanted and what packets did, or in recorded mode would do."""
    return tuple(
        Row(
            connection,
            word,
            _word(seen[connection].outcome, mode),
            seen[connection].outcome is _HOPED_FOR[word],
            seen[connection].detail,
        )
        for connection, word in wanted.items()
    )


def _word(outcome: Outcome, mode: str) -> str:
    """Nothing times out where no packet is sent."""
    return "denied" if mode == "recorded" and outcome is Outcome.TIMEOUT else str(outcome)


def _cells(row: Row) -> tuple[str, ...]:
    sign = "✓" if row.right else "✗"
    return sign, str(row.connection), str(row.wanted), row.observed, row.detail
