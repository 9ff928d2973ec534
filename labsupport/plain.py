"""The matrix as plain text: Markdown for a README or a pull request, CSV for a spreadsheet."""

import csv as comma
import io
import re
from collections.abc import Callable, Iterable, Sequence

from labsupport import documented, groups
from labsupport.groups import Cell, Group
from labsupport.matrix import LOOKS, TITLE, Matrix, sign
from labsupport.page import provenance, times
from labsupport.report import Report


def markdown(matrix: Matrix) -> str:
    """The counts, the verdicts, the silent failure and where the figures come from."""
    found = groups.of(matrix)
    parts = [
        matrix.headline(),
        f"# {TITLE}",
        *_measured(matrix, found),
        _list(f"{sign(verdict)}: {look.meaning}" for verdict, look in LOOKS.items()),
        f"## {documented.TITLE}",
        *_documented(matrix),
        "## The silent failure",
        *_silent(matrix),
        *_timed(matrix),
        "## What was measured",
        _facts(matrix, provenance),
        "The evidence for each cell is in `matrix.html` and in the reports.",
    ]
    return "\n\n".join(parts) + "\n"


def csv(matrix: Matrix) -> str:
    """A row a case or question: its group, id and words, then each profile's verdict or answer."""
    out = io.StringIO()
    writer = comma.writer(out, lineterminator="\n")
    writer.writerow(["group", "case", "title", "question", *matrix.measured])
    for group in groups.of(matrix):
        for line in group.lines:
            case, words = line.case, [cell.text for cell in line.cells]
            writer.writerow([group.name, case["id"], case["title"], line.question or "", *words])
    return out.getvalue()


def _measured(matrix: Matrix, found: Sequence[Group]) -> list[str]:
    """The counts where there are several groups, then a table a group."""
    titles, places = list(matrix.titles.values()), range(len(matrix.reports))
    tables = {
        group.heading: grid(
            ["Case", *titles],
            [[line.name, *map(_cell, line.cells)] for line in group.lines],
        )
        for group in found
    }
    if len(found) == 1:
        return list(tables.values())
    counts = [[group.heading, *map(group.tally, places)] for group in found]
    details = [part for heading, grid in tables.items() for part in (f"## {heading}", grid)]
    return [grid(["Cases", *titles], counts), *details]


def _cell(cell: Cell) -> str:
    return f"{LOOKS[cell.verdict].sign} {cell.text}"


def _documented(matrix: Matrix) -> list[str]:
    """A row a system, and the sources with the days on which they were read."""
    rows: list[list[str]] = []
    sources: dict[tuple[str, str], int] = {}
    for system in documented.load():
        fields = (system.standard, system.extended, system.notes)
        for fact in (fact for field in fields for fact in field):
            sources.setdefault((fact.source, fact.read), len(sources) + 1)
        told = [
            " ".join(f"{fact.text} [{sources[fact.source, fact.read]}]" for fact in field)
            for field in fields
        ]
        rows.append([system.name, *told, ", ".join(system.measured(matrix.reports)) or "not yet"])
    head = ["Documented", "NetworkPolicy", "Beyond it", "Notes", "Measured as"]
    numbered = [f"{n}. <{url}>, read on {day}" for (url, day), n in sources.items()]
    return [grid(head, rows), "\n".join(numbered)]


def _silent(matrix: Matrix) -> list[str]:
    told = [
        f"{one['implementation']['title']}: {sign(failure['verdict'])}. {failure['sentence']}"
        for one in matrix.reports
        if (failure := one["silentFailure"])
    ]
    return [_list(told)] if told else ["Its case was not run."]


def _timed(matrix: Matrix) -> list[str]:
    if not any(one.get("timing") for one in matrix.reports):
        return []
    return ["## How long it takes", _facts(matrix, times)]


def _facts(matrix: Matrix, tell: Callable[[Report], dict[str, str]]) -> str:
    """What is told of each report, by label, side by side."""
    told = [tell(one) for one in matrix.reports]
    rows = [[label, *(one[label] for one in told)] for label in told[0]]
    return grid(["", *matrix.titles.values()], rows)


def grid(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    first, *others = (f"| {' | '.join(map(_inline, line))} |" for line in [head, *rows])
    return "\n".join([first, f"|{' --- |' * len(head)}", *others])


def _list(items: Iterable[str]) -> str:
    """A Markdown list."""
    return "\n".join(f"- {escape(item)}" for item in items)


def escape(text: str) -> str:
    """Keep Markdown and HTML in a text from acting as such, also at the start of a line."""
    # Headings, lists and rules begin a line (https://spec.commonmark.org/0.31.2/#leaf-blocks).
    return re.sub(r"^([#+=~-]|\d+(?=[.)](?: |$)))", _literal, _inline(text))


def _inline(text: str) -> str:
    """The same for a text that begins no line, such as a table's cell."""
    return re.sub(r"([\\`*_\[\]<>|&])", r"\\\1", " ".join(text.split()))


def _literal(start: re.Match[str]) -> str:
    return f"{start[0]}\\" if start[0].isdigit() else f"\\{start[0]}"
