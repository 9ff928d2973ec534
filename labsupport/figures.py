"""Pictures for notebooks: pods and their connections, and times. One look for all.

They have a white ground of their own, so that they read on a dark page, and say nothing by
colour alone. The same data give the same bytes.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO

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
_BOX, _GAP_X, _GAP_Y = (1.25, 0.42), 2.3, 1.15  # inches


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
        for place, arrow in enumerate(arrows):
            _draw(axes, arrow, getattr(arrow, moment) == "allowed", places, place)
        for pod, (x, y) in places.items():
            _pod(axes, pod, x, y)
    return _png(figure)


def times(series: Mapping[str, Sequence[int]], title: str) -> bytes:
    """Draw distributions of milliseconds: a dot for each time, a bar for the median."""
    figure = Figure(figsize=(8, 1.1 + 0.55 * len(series)), dpi=DOTS, facecolor="white")
    axes = figure.add_axes((0.16, 0.6 / (1.1 + 0.55 * len(series)), 0.8, 0.62))
    for row, values in enumerate(series.values()):
        spread = [row + 0.22 * ((n % 5) / 2 - 1) for n in range(len(values))]
        axes.plot(sorted(values), spread, "o", color=LOOKS[Verdict.INCONCLUSIVE].colour, alpha=0.5)
        if values:
            middle = sorted(values)[len(values) // 2]
            axes.plot([middle, middle], [row - 0.35, row + 0.35], color=_DARK, linewidth=2)
        else:
            axes.text(0.01, row, "never in force", color=_GREY, va="center")
    axes.set_yticks(range(len(series)), list(series))
    axes.set(ylim=(len(series) - 0.5, -0.5), xlim=(0, None))
    axes.set_xlabel("milliseconds from the API server's answer; the bar is the median", fontsize=9)
    figure.suptitle(title, x=0.02, ha="left", color=_DARK, fontsize=12, parse_math=False)
    return _png(figure)


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
    axes: Axes, arrow: Arrow, worked: bool, places: Mapping[str, tuple[float, float]], place: int
) -> None:
    (x1, y1), (x2, y2) = places[arrow.source], places[_target(arrow)]
    half_x, half_y = _BOX[0] / 2, _BOX[1] / 2
    start, end = (x1 + half_x, y1 + half_y), (x2 + half_x, y2 + half_y)
    bend = 0.18 + 0.06 * (place % 3)
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            connectionstyle=f"arc3,rad={bend}",
            arrowstyle="-|>",
            mutation_scale=12,
            shrinkA=26,
            shrinkB=26,
            color=_WORKED if worked else _BLOCKED,
            linestyle="-" if worked else (0, (4, 3)),
            linewidth=1.6,
        )
    )
    # A quadratic Bézier curve of this bend passes half of it beside the middle.
    middle_x = (start[0] + end[0]) / 2 + bend / 2 * (end[1] - start[1])
    middle_y = (start[1] + end[1]) / 2 - bend / 2 * (end[0] - start[0])
    axes.text(
        middle_x,
        middle_y,
        "✓" if worked else "✗",
        color="white",
        fontsize=8,
        weight="bold",
        ha="center",
        va="center",
        family="DejaVu Sans",
        bbox={
            "boxstyle": "circle,pad=0.2",
            "facecolor": _WORKED if worked else _BLOCKED,
            "edgecolor": "none",
        },
    )


def _pod(axes: Axes, name: str, x: float, y: float) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (x, y),
            *_BOX,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor="#F5F5F5",
            edgecolor=_RULE,
            zorder=3,
        )
    )
    axes.text(
        x + _BOX[0] / 2,
        y + _BOX[1] / 2,
        name.replace("/", "/\n") if len(name) > 15 else name,
        ha="center",
        va="center",
        color=_DARK,
        fontsize=9,
        family="DejaVu Sans",
        zorder=4,
    )


def _png(figure: Figure) -> bytes:
    content = BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()
