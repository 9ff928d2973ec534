"""The way of a packet as a picture: the devices of both nodes, and where the policy stands.

All lengths are inches, measured from the top left corner. The same capture gives the same PNG.
"""

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from labsupport import figures
from labsupport.matrix import LOOKS
from labsupport.verdict import Verdict

Hop = Mapping[str, Any]

_BOX = (2.5, 0.62)
_STEP = 1.0
_TOP, _MARGIN, _COLUMN, _ACROSS = 0.75, 0.35, 4.2, 1.1
_LETTERS = 24  # beside a device, in small letters
_SMALL: dict[str, Any] = {"size": 6.5, "ha": "left"}
_GROUND, _LINE = "#F5F5F5", "#BFBFBF"


def draw(capture: Mapping[str, Any]) -> bytes:
    """Draw the way of a capture: down on node A, across, and up on node B."""
    return figures.png(figure(capture))


def figure(capture: Mapping[str, Any]) -> Figure:
    """The same as a figure of matplotlib's, before it is written."""
    way: Sequence[Hop] = capture["way"]
    crossing = next(n for n, hop in enumerate(way) if hop["place"] == "node B")
    down, up = way[:crossing], way[crossing:]
    rows = max(len(down), len(up))
    width = 2 * (_MARGIN + _COLUMN) + _ACROSS
    height = _TOP + rows * _STEP + 0.35
    drawn = Figure(figsize=(width, height), dpi=figures.DOTS, facecolor="white")
    axes = drawn.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    title = f"{capture['title']}: a packet from {way[0]['place']} to {way[-1]['place']}"
    figures.text(axes, _MARGIN, 0.35, title, size=12, ha="left")

    right = _MARGIN + _COLUMN + _ACROSS
    boxes = _column(axes, _MARGIN, down, rows, "node A")
    boxes += _column(axes, right, up[::-1], rows, "node B")[::-1]
    for start, end in itertools.pairwise(boxes):
        _arrow(axes, start, end)
    (x, y), told = boxes[len(down) - 1], _wrapped(down[-1]["onward"])
    figures.text(axes, x + _BOX[0] / 2 + 0.08, y + 0.37, told, va="top", **_SMALL)  # below it
    return drawn


def sentence(capture: Mapping[str, Any]) -> str:
    """The same in words, for those who cannot see the picture."""
    steps = [f"{hop['device']} ({hop['place']})" for hop in capture["way"]]
    held = [f"{hop['device']}: {hop['policy']}" for hop in capture["way"] if hop["policy"]]
    stands = f"The policy stands at {held[0]}." if held else "No policy stands anywhere on it."
    return f"{capture['title']}: {', '.join(steps)}. {stands}"


def _column(
    axes: Axes, x: float, hops: Sequence[Hop], rows: int, name: str
) -> list[tuple[float, float]]:
    """One node's devices from top to bottom, its network cards at the same height."""
    first = rows - len(hops)
    top, side = _TOP + first * _STEP, 0.2
    # The pod is above, in a network of its own.
    frame = Rectangle(
        (x - side / 2, top + _STEP - side),
        _COLUMN,
        (len(hops) - 1) * _STEP,
        facecolor="none",
        edgecolor=_LINE,
        linestyle=(0, (2, 2)),
    )
    axes.add_patch(frame)
    figures.text(axes, x + _COLUMN - 0.2, top + _STEP, name, size=9, color="#595959", ha="right")
    last = len(hops) - 1
    return [_box(axes, x, top + n * _STEP, hop, n == last) for n, hop in enumerate(hops)]


def _box(axes: Axes, x: float, y: float, hop: Hop, crossing: bool) -> tuple[float, float]:
    """A device with what it is, and beside it what sends the packet on; returns its top.

    What sends it to the other node stands under that arrow instead.
    """
    look = LOOKS[Verdict.ENFORCED]
    box = FancyBboxPatch(
        (x, y),
        *_BOX,
        boxstyle="round,pad=0,rounding_size=0.08",
        facecolor=look.tint if hop["policy"] else _GROUND,
        edgecolor=look.colour if hop["policy"] else _LINE,
        linewidth=2 if hop["policy"] else 1,
    )
    axes.add_patch(box)
    pods = hop["place"].startswith("pod ")
    device = f"{hop['place']}: {hop['device']}" if pods else hop["device"]
    middle = x + _BOX[0] / 2
    figures.text(axes, middle, y + 0.2, device, size=10, weight="bold")
    figures.text(axes, middle, y + 0.44, _shortened(hop["kind"], 46), size=7, color="#595959")
    beside = f"policy: {hop['policy']}" if hop["policy"] else hop["onward"]
    if not crossing:
        figures.text(axes, x + _BOX[0] + 0.08, y + _BOX[1] / 2, _wrapped(beside), **_SMALL)
    return middle, y


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From a device to the next: down, across or up."""
    (x1, y1), (x2, y2) = start, end
    across = x1 != x2
    half, tall = _BOX
    tail = (x1 + half / 2, y1 + tall / 2) if across else (x1, y1 + tall if y2 > y1 else y1)
    head = (x2 - half / 2, y2 + tall / 2) if across else (x2, y2 if y2 > y1 else y2 + tall)
    axes.add_patch(
        FancyArrowPatch(
            tail, head, arrowstyle="-|>", mutation_scale=12, color="#1A1A1A", linewidth=1.4,
            shrinkA=0, shrinkB=0,
        )
    )  # fmt: skip


def _wrapped(text: str) -> str:
    """Text in as many lines as fit beside a device."""
    style: dict[str, Any] = {"break_on_hyphens": False, "placeholder": " …"}
    return textwrap.fill(text, _LETTERS, max_lines=4, **style)


def _shortened(text: str, letters: int) -> str:
    return textwrap.shorten(text, letters, placeholder=" …")
