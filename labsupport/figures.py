"""Pictures for notebooks: pods and their connections, and times. One look for all.

They have a white ground of their own, so that they read on a dark page, and say nothing by
colour alone. The same data give the same bytes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from io import BytesIO
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure  # without pyplot, which keeps state for windows
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from labsupport.matrix import LOOKS
from labsupport.reach import Arrow
from labsupport.verdict import Verdict

DOTS = 100
"""Dots an inch."""

_DARK, _GREY, _RULE = "#1A1A1A", "#595959", "#BFBFBF"
_WORKED, _BLOCKED = LOOKS[Verdict.ENFORCED].colour, LOOKS[Verdict.NOT_ENFORCED].colour
_BOX, _GAP_X, _GAP_Y = (1.35, 0.42), 2.6, 1.25  # inches


def graph(arrows: Sequence[Arrow], title: str) -> bytes:
    """Draw pods and connections twice: before the policy, and under it.

    What worked is a whole line with ✓, what did not a broken one with ✗.
    """
    places = _places(arrows)
    width = 1 + max(x for x, _ in places.values()) + _BOX[0]
    height = 1.5 + max(y for _, y in places.values()) + _BOX[1]
    figure = Figure(figsize=(2 * width, height), dpi=DOTS, facecolor="white")
    figure.suptitle(title, x=0.02, ha="left", color=_DARK, fontsize=12, parse_math=False)
    moments = {"before the policy": "before", "with the policy": "observed"}
    for number, (name, moment) in enumerate(moments.items()):
        axes = figure.add_axes((number / 2, 0, 0.5, 1 - 0.45 / height))
        axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 1.0, -0.55))
        axes.set_axis_off()
        axes.text(0, -0.35, name, color=_GREY, fontsize=10)
        boxes = {pod: _pod(axes, pod, x, y) for pod, (x, y) in places.items()}
        drawn: Counter[tuple[str, str]] = Counter()
        for arrow in arrows:
            ends = (arrow.source, _target(arrow))
            worked = getattr(arrow, moment) == "allowed"
            bend = 0.18 + 0.16 * drawn[ends]
            _draw(axes, boxes[arrow.source], boxes[ends[1]], worked, bend)
            drawn[ends] += 1
    return png(figure)


def times(series: Mapping[str, Sequence[float]], title: str) -> bytes:
    """Draw distributions of milliseconds: a dot for each time, a bar for the median.

    A time is negative where a policy was in force before the API server's answer had arrived.
    """
    return png(distributions(series, title))


def distributions(series: Mapping[str, Sequence[float]], title: str) -> Figure:
    """The same as a figure of matplotlib's, before it is written."""
    height = 1.1 + 0.55 * len(series)
    figure = Figure(figsize=(8, height), dpi=DOTS, facecolor="white")
    axes = figure.add_axes((0.16, 0.6 / height, 0.8, 1 - 1.05 / height))
    axes.axvline(0, color=_RULE, linewidth=1, zorder=0)  # the answer
    for row, values in enumerate(series.values()):
        spread = [row + 0.22 * ((n % 5) / 2 - 1) for n in range(len(values))]
        axes.plot(sorted(values), spread, "o", color=LOOKS[Verdict.INCONCLUSIVE].colour, alpha=0.5)
        if values:
            axes.plot([median(values)] * 2, [row - 0.35, row + 0.35], color=_DARK, linewidth=2)
        else:
            axes.text(0, row, "  never in force", color=_GREY, va="center")
    axes.set_yticks(range(len(series)), list(series))
    axes.set_ylim(len(series) - 0.5, -0.5)
    axes.set_xlabel("milliseconds from the API server's answer; the bar is the median", fontsize=9)
    figure.suptitle(title, x=0.02, ha="left", color=_DARK, fontsize=12, parse_math=False)
    return figure


def _places(arrows: Sequence[Arrow]) -> dict[str, tuple[float, float]]:
    """Where each pod is drawn: a column for each namespace, in the order of their names."""
    pods = sorted({one.source for one in arrows} | {_target(one) for one in arrows})
    columns = sorted({pod.split("/")[0] for pod in pods})
    count = dict.fromkeys(columns, 0)
    places = {}
    for pod in pods:
        column = pod.split("/")[0]
        places[pod] = (columns.index(column) * _GAP_X, count[column] * _GAP_Y)
        count[column] += 1
    return places


def _target(arrow: Arrow) -> str:
    """The pod of a target: `shop/api` of `service shop/api:8080`."""
    return arrow.target.split(" by ")[0].rpartition(":")[0].rpartition(" ")[2]


def _draw(
    axes: Axes, source: FancyBboxPatch, target: FancyBboxPatch, worked: bool, bend: float
) -> None:
    """One connection, from the edge of a box to the edge of another, with its sign halfway."""
    (x1, y1), (x2, y2) = _middle(source), _middle(target)
    colour = _WORKED if worked else _BLOCKED
    arrow = FancyArrowPatch(
        (x1, y1),
        (x2, y2),
        connectionstyle=f"arc3,rad={bend}",
        arrowstyle="-|>",
        mutation_scale=12,
        patchA=source,
        patchB=target,
        shrinkA=1,
        shrinkB=2,
        color=colour,
        linestyle="-" if worked else (0, (4, 3)),
        linewidth=1.6,
    )
    axes.add_patch(arrow)
    # Halfway, a quadratic Bézier curve is half as far off the line as its control point.
    place = ((x1 + x2) / 2 - bend / 2 * (y2 - y1), (y1 + y2) / 2 + bend / 2 * (x2 - x1))
    box = {"boxstyle": "circle,pad=0.2", "facecolor": colour, "edgecolor": "white"}
    text(axes, *place, "✓" if worked else "✗", color="white", size=8, weight="bold", bbox=box)


def _middle(box: FancyBboxPatch) -> tuple[float, float]:
    return box.get_x() + box.get_width() / 2, box.get_y() + box.get_height() / 2


def _pod(axes: Axes, name: str, x: float, y: float) -> FancyBboxPatch:
    shape = "round,pad=0,rounding_size=0.08"
    box = FancyBboxPatch((x, y), *_BOX, boxstyle=shape, facecolor="#F5F5F5", edgecolor=_RULE)
    axes.add_patch(box)
    text(axes, *_middle(box), name, size=9)
    return box


def text(axes: Axes, x: float, y: float, words: str, **how: object) -> None:
    """Write words at a place, as plain text."""
    # DejaVu Sans comes with matplotlib and has both signs; a dollar must not start TeX.
    style = {"color": _DARK, "ha": "center", "va": "center", "family": "DejaVu Sans"}
    axes.text(x, y, words, parse_math=False, **(style | how))  # type: ignore[arg-type]


def png(figure: Figure) -> bytes:
    """A figure as a PNG; the same figure gives the same bytes."""
    content = BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()
