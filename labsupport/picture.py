"""The matrix as a picture: a PNG that reads on a slide and, scaled down, in a README.

A few cases are drawn one by one. Of many, each group is drawn with its counts, and then what
the specification leaves open and the CNIs answer differently. All lengths are inches,
measured from the top left corner.
"""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure  # without pyplot, which keeps state for windows
from matplotlib.patches import FancyBboxPatch, Rectangle

from labsupport import groups
from labsupport.groups import Cell, Group, Line
from labsupport.matrix import LOOKS, TITLE, Matrix
from labsupport.report import Report
from labsupport.verdict import Verdict

DOTS = 150
"""Dots an inch: a matrix of four profiles is 1920 dots wide."""

SMALL = 20
"""Cases up to which each has a row of its own."""

_SLIDE = 12.8  # the least width; at 150 dots an inch a full-HD slide
_MARGIN, _LABEL, _COLUMN, _ROW = 0.45, 4.2, 1.9, 0.47
_HEAD, _FOOT = 2.05, 1.15
_NOTE = (
    "A case applies policies that the API server accepts, and opens real connections before "
    "them, with them and after their removal."
)
_DARK, _GREY, _RULE = "#1A1A1A", "#595959", "#8C8C8C"


@dataclass(frozen=True)
class _Row:
    """A row: its words, and its cells or the group that it counts; neither for a heading."""

    title: str
    detail: str = ""
    cells: Sequence[Cell] = ()
    group: Group | None = None


def draw(matrix: Matrix) -> bytes:
    """Draw a matrix; the same reports give the same PNG."""
    found = groups.of(matrix)
    rows = list(_whole(found) if len(matrix.cases) <= SMALL else _summary(found))
    left = _MARGIN + _LABEL
    column = max(_COLUMN, (_SLIDE - _MARGIN - left) / len(matrix.reports))
    width = left + column * len(matrix.reports) + _MARGIN
    bottom = _HEAD + _ROW * len(rows)
    figure = Figure(figsize=(width, bottom + _FOOT), dpi=DOTS)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(bottom + _FOOT, 0))
    axes.set_axis_off()

    _text(axes, _MARGIN, 0.5, TITLE, size=20, weight="bold")
    _text(axes, _MARGIN, 0.87, matrix.headline(), size=11, color=_GREY)
    for place, report in enumerate(matrix.reports):
        _heading(axes, left + column * place, report, int(column * 12))
    for index, row in enumerate(rows):
        top = _HEAD + _ROW * index
        _label(axes, row, top)
        for place in range(len(matrix.reports)):
            box = (left + column * place, top, column)
            if row.group:
                _tally(axes, box, row.group, place)
            elif row.cells:
                _cell(axes, box, row.cells[place])
    axes.plot([_MARGIN, width - _MARGIN], [_HEAD, _HEAD], color=_RULE, linewidth=1)
    _legend(axes, bottom + 0.4)
    _text(axes, _MARGIN, bottom + 0.8, _NOTE, size=9.5, color=_GREY)

    content = BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def _whole(found: Sequence[Group]) -> Iterator[_Row]:
    """Every case, under headings where there are several groups."""
    for group in found:
        if len(found) > 1:
            yield _Row(group.heading)
        yield from _asked(group.lines)


def _summary(found: Sequence[Group]) -> Iterator[_Row]:
    """The groups' counts, then the open questions on which the profiles differ."""
    for group in found:
        yield _Row(group.heading, group=group)
    for group in found:
        differing = [line for line in group.lines if group.name == "open" and line.differs]
        if differing:
            yield _Row(f"{group.heading}: where they differ")
            yield from _asked(differing)


def _asked(lines: Sequence[Line]) -> Iterator[_Row]:
    """A row a line; a case's title stands with the first of its questions.

    Of neighbouring questions that everybody answered alike, the first is shown.
    """

    def alike(line: Line) -> tuple[str, tuple[Cell, ...]]:
        return line.case["id"], line.cells

    before = None
    for (case, cells), same in groupby(lines, key=alike):
        line, *more = same
        others = f" (and {len(more)} more)" if more else ""
        title = line.case["title"] if case != before else ""
        yield _Row(title, f"{line.question}{others}" if line.question else "", cells)
        before = case


def _heading(axes: Axes, x: float, report: Report, letters: int) -> None:
    """A profile's title, version and mode."""
    what = report["implementation"]
    _text(axes, x + 0.1, 1.33, what["title"], size=14, weight="bold")
    mode = textwrap.fill(
        f"{what['version']}, {what['mode']}", letters, break_on_hyphens=False, max_lines=3
    )
    _text(axes, x + 0.1, 1.48, mode, size=9.5, color=_GREY, va="top", linespacing=1.15)


def _label(axes: Axes, row: _Row, top: float) -> None:
    """A row's words: a heading, a title, or a title with its question below."""
    middle = top + _ROW / 2
    heading = not row.cells
    if row.title and row.detail:
        _text(axes, _MARGIN, middle - 0.09, _fit(row.title, 52, 1), size=11)
        _text(axes, _MARGIN, middle + 0.11, _fit(row.detail, 62, 1), size=9.5, color=_GREY)
    elif row.detail:
        _text(axes, _MARGIN, middle, _fit(row.detail, 62, 2), size=9.5, color=_GREY)
    else:
        title = _fit(row.title, 60 if heading else 45, 1 if heading else 2)
        weight = "bold" if heading else "normal"
        _text(axes, _MARGIN, middle, title, size=12, weight=weight, linespacing=1.05)


def _fit(text: str, letters: int, lines: int) -> str:
    return textwrap.fill(text, letters, max_lines=lines, placeholder=" …")


_Box = tuple[float, float, float]
"""Left, top and width; every row has the same height."""


def _cell(axes: Axes, box: _Box, cell: Cell) -> None:
    """A verdict or an answer; answers that differ have different shades."""
    x, top, width = box
    gap = 0.025
    shade = LOOKS[cell.verdict].shade(cell.variant)
    size = (width - 2 * gap, _ROW - 2 * gap)
    axes.add_patch(Rectangle((x + gap, top + gap), *size, facecolor=shade))
    _mark(axes, x + 0.12, top + _ROW / 2, cell.verdict, cell.text)


def _tally(axes: Axes, box: _Box, group: Group, place: int) -> None:
    """A group's counts over a bar of their shares."""
    x, top, width = box
    inset = 0.12
    _text(axes, x + inset, top + _ROW * 0.36, group.tally(place), size=11)
    start, whole = x + inset, width - 2 * inset
    for verdict, count in group.shares(place):
        part = whole * count / len(group.cases)
        colour = LOOKS[verdict].colour
        axes.add_patch(Rectangle((start, top + _ROW * 0.66), part, 0.08, facecolor=colour))
        start += part


def _legend(axes: Axes, y: float) -> None:
    for place, verdict in enumerate(Verdict):
        _mark(axes, _MARGIN + 2.0 * place, y, verdict, str(verdict))


def _mark(axes: Axes, x: float, y: float, verdict: Verdict, words: str) -> None:
    """A verdict: its sign on its colour, and its word or the answer."""
    look, side = LOOKS[verdict], 0.25
    box = FancyBboxPatch(
        (x, y - side / 2),
        side,
        side,
        boxstyle="round,pad=0,rounding_size=0.05",
        facecolor=look.colour,
        edgecolor="none",
    )
    axes.add_patch(box)
    _text(axes, x + side / 2, y, look.sign, size=12, weight="bold", color=look.ink, ha="center")
    long = len(words) > 15
    said = _fit(words, 19, 2) if long else words
    _text(axes, x + side + 0.1, y, said, size=10 if long else 12, linespacing=1.05)


def _text(axes: Axes, x: float, y: float, text: str, **how: object) -> None:
    # DejaVu Sans comes with matplotlib and has every sign; a dollar must not start TeX.
    style = {"color": _DARK, "va": "center", "family": "DejaVu Sans", "parse_math": False}
    axes.text(x, y, text, **(style | how))  # type: ignore[arg-type]
