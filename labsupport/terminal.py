"""The matrix for a terminal: groups as sections, and the counts last, where they stay in sight."""

from rich.box import ASCII, SIMPLE_HEAD
from rich.console import Group as Stack
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from labsupport import documented, groups
from labsupport.groups import Cell, Group, Line
from labsupport.matrix import LOOKS, Matrix, sign

SMALL = 20
"""Cases up to which verdicts have their words and no counts follow."""

ANSWER = 12
"""Columns at most for an answer, so that four profiles leave the cases room on a line of 80."""


def draw(matrix: Matrix) -> RenderableType:
    """The table of verdicts, what is documented of others, and the counts."""
    found = groups.of(matrix)
    small = len(matrix.cases) <= SMALL
    parts: list[RenderableType] = [Text(matrix.headline())]
    for group in found:
        head = "Case" if len(found) == 1 else group.heading
        table = _table(matrix, head, None if small else ANSWER)
        for line in group.lines:
            table.add_row(_name(line), *(_cell(cell, small) for cell in line.cells))
        parts.append(table)
    if not small:
        met = {verdict for cells in matrix.measured.values() for verdict in cells.values()}
        parts.append(Text("   ".join(sign(verdict) for verdict in LOOKS if verdict in met)))
    parts.append(_documented(matrix))
    if not small:
        parts.append(_counts(matrix, found))
    return Stack(*parts)


def _table(matrix: Matrix, first: str, width: int | None = None) -> Table:
    table = Table(box=SIMPLE_HEAD)
    table.add_column(Text(first), overflow="fold")
    for title in matrix.titles.values():
        table.add_column(Text(title), overflow="fold", max_width=width)
    return table


def _name(line: Line) -> Text:
    """A case's title and, below it, the question."""
    if not line.question:
        return Text(line.case["title"])
    title = f"{line.case['title']}\n" if line.first else ""
    return Text.assemble(title, (f"· {line.question}", "dim"))


def _cell(cell: Cell, words: bool) -> Text:
    """An answer or a verdict, whose word the legend has where there are many."""
    look = LOOKS[cell.verdict]
    short = look.sign if cell.text == cell.verdict and not words else f"{look.sign} {cell.text}"
    return Text(short, style=look.colour)


def _documented(matrix: Matrix) -> Table:
    table = Table(box=ASCII, title=Text(f"\n{documented.TITLE}"), title_justify="left",
                  title_style="")  # fmt: skip
    table.add_column("Documented")
    table.add_column("NetworkPolicy (more, with sources, in matrix.html)", overflow="fold")
    for system in documented.load():
        name = Text(system.name)
        if seen := system.measured(matrix.reports):
            name.append(f"\nmeasured: {', '.join(seen)}")
        table.add_row(name, Text(" ".join(fact.text for fact in system.standard)))
    return table


def _counts(matrix: Matrix, found: list[Group]) -> Table:
    table = _table(matrix, "Cases")
    for group in found:
        tallies = [group.tally(place).replace(", ", "\n") for place in range(len(matrix.reports))]
        table.add_row(Text(group.heading), *map(Text, tallies))
    return table
