"""The matrix as a picture: a PNG that reads on a slide and, scaled down, in a README.

All lengths are inches, measured from the top left corner.
"""

import textwrap
from io import BytesIO

from matplotlib.axes import Axes
from matplotlib.figure import Figure  # without pyplot, which keeps state for windows
from matplotlib.patches import FancyBboxPatch, Rectangle

from labsupport.matrix import LOOKS, TITLE, Matrix
from labsupport.report import Report
from labsupport.verdict import Verdict

DOTS = 150
"""Dots an inch: a matrix of four profiles is 1920 dots wide."""

_SLIDE = 12.8  # the least width; at 150 dots an inch a full-HD slide
_MARGIN, _LABEL, _COLUMN, _ROW = 0.45, 4.2, 1.9, 0.47
_HEAD, _FOOT = 2.05, 1.15
_NOTE = (
    "Each cell is one case: its policy, accepted by the API server, and real connections "
    "before it, with it and after its removal."
)
_DARK, _GREY, _RULE = "#1A1A1A", "#595959", "#8C8C8C"


def draw(matrix: Matrix) -> bytes:
    """Draw a matrix; the same reports give the same PNG."""
    left = _MARGIN + _LABEL
    column = max(_COLUMN, (_SLIDE - _MARGIN - left) / len(matrix.reports))
    width = left + column * len(matrix.reports) + _MARGIN
    bottom = _HEAD + _ROW * len(matrix.cases)
    figure = Figure(figsize=(width, bottom + _FOOT), dpi=DOTS)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(bottom + _FOOT, 0))
    axes.set_axis_off()

    _text(axes, _MARGIN, 0.5, TITLE, size=20, weight="bold")
    _text(axes, _MARGIN, 0.87, matrix.headline(), size=11, color=_GREY)
    for place, report in enumerate(matrix.reports):
        _heading(axes, left + column * place, report, int(column * 12))
    for index, (case, verdicts) in enumerate(matrix.rows()):
        top = _HEAD + _ROW * index
        title = textwrap.fill(case["title"], 45, max_lines=2, placeholder=" …")
        _text(axes, _MARGIN, top + _ROW / 2, title, size=12, linespacing=1.05)
        for place, verdict in enumerate(verdicts):
            _cell(axes, left + column * place, top, column, verdict)
    axes.plot([_MARGIN, width - _MARGIN], [_HEAD, _HEAD], color=_RULE, linewidth=1)
    _legend(axes, bottom + 0.4)
    _text(axes, _MARGIN, bottom + 0.8, _NOTE, size=9.5, color=_GREY)

    content = BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def _heading(axes: Axes, x: float, report: Report, letters: int) -> None:
    """A profile's title, version and mode."""
    what = report["implementation"]
    _text(axes, x + 0.1, 1.33, what["title"], size=14, weight="bold")
    mode = textwrap.fill(
        f"{what['version']}, {what['mode']}", letters, break_on_hyphens=False, max_lines=3
    )
    _text(axes, x + 0.1, 1.48, mode, size=9.5, color=_GREY, va="top", linespacing=1.15)


def _cell(axes: Axes, x: float, top: float, column: float, verdict: Verdict) -> None:
    gap = 0.025
    size = (column - 2 * gap, _ROW - 2 * gap)
    axes.add_patch(Rectangle((x + gap, top + gap), *size, facecolor=LOOKS[verdict].tint))
    _mark(axes, x + 0.12, top + _ROW / 2, verdict)


def _legend(axes: Axes, y: float) -> None:
    for place, verdict in enumerate(Verdict):
        _mark(axes, _MARGIN + 2.1 * place, y, verdict)


def _mark(axes: Axes, x: float, y: float, verdict: Verdict) -> None:
    """A verdict: its sign on its colour, and its word."""
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
    _text(axes, x + side + 0.1, y, str(verdict), size=12)


def _text(axes: Axes, x: float, y: float, text: str, **how: object) -> None:
    # DejaVu Sans comes with matplotlib and has every sign; a dollar must not start TeX.
    style = {"color": _DARK, "va": "center", "family": "DejaVu Sans", "parse_math": False}
    axes.text(x, y, text, **(style | how))  # type: ignore[arg-type]
