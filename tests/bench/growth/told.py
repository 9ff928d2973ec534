"""The figures as tables: for a terminal, and as Markdown."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from labsupport import plain
from tests.bench.growth.crowd import LIMIT_SECONDS

Figures = Mapping[str, Any]
Part = tuple[str, list[str], list[list[str]]]
"""A title, the head of a table, and its rows."""


def parts(figures: Figures) -> list[Part]:
    """A table for each part that was measured."""
    made = [_cases(figures["cases"]), _pods(figures["pods"]), _policies(figures["policies"])]
    return [part for part in made if part[2]]


def where(figures: Figures) -> str:
    """What was measured, on which machine, by which commit."""
    made, on, lab = figures["implementation"], figures["environment"], figures["run"]["lab"]
    commit = (lab["commit"] or "none")[:10] + (" with changes" if lab["dirty"] else "")
    return (
        f"{made['title']} {made['version']}, Kubernetes {on['kubernetes']}, {on['nodes']} nodes, "
        f"{on['cpus']} processors, {on['memoryBytes'] / 2**30:.0f} GiB, commit {commit}, "
        f"{figures['run']['finishedAt']}"
    )


def draw(figures: Figures) -> Group:
    """The tables for a terminal."""
    drawn: list[Text | Table] = [Text(where(figures))]
    for title, head, rows in parts(figures):
        table = Table(box=SIMPLE_HEAD, title=Text(f"\n{title}"), title_justify="left",
                      title_style="")  # fmt: skip
        for word in head:
            table.add_column(Text(word), justify="right")
        for row in rows:
            table.add_row(*map(Text, row))
        drawn.append(table)
    return Group(*drawn)


def markdown(figures: Figures) -> str:
    """The same for a README."""
    told = [f"{plain.escape(title)}\n\n{plain.grid(head, rows)}"
            for title, head, rows in parts(figures)]  # fmt: skip
    return "\n\n".join([*told, plain.escape(where(figures))]) + "\n"


def per(count: int, seconds: float, unit: float = 1.0) -> str:
    """How many in a unit of so many seconds, with a decimal where there are few."""
    if seconds <= 0:
        return "-"
    rate = count * unit / seconds
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}"


def _cases(rows: Sequence[Figures]) -> Part:
    return (
        "Cases of the group specification, out of the runner",
        ["cases", "lanes", "seconds", "cases a minute", "connections", "connections a second"],
        [
            [
                str(row["cases"]),
                str(row["lanes"]),
                f"{row['seconds']:.1f}",
                per(row["cases"], row["seconds"], 60),
                str(row["connections"]),
                per(row["connections"], row["seconds"]),
            ]
            for row in rows
        ],
    )


def _pods(rows: Sequence[Figures]) -> Part:
    """Where there are pods for whole lanes, cases were run on them too."""
    return (
        "Pods that all ask each other, and the same cases run on them, in lanes of four",
        ["pods", "connections a second", "tried", "failed", "lanes", "cases a minute"],
        [
            [
                str(row["pods"]),
                per(row["connections"], row["seconds"]),
                str(row["connections"]),
                str(row["failed"]),
                *(
                    [str(run["lanes"]), per(run["cases"], run["seconds"], 60)]
                    if (run := row["run"])
                    else ["-", "-"]
                ),
            ]
            for row in rows
        ],
    )


def _policies(rows: Sequence[Figures] | None) -> Part:
    """Times from the API server's answer to the last policy; None where nothing is enforced."""
    title = "Policies that select one pod, beside a default deny: time until the last is in force"
    if rows is None:
        return (
            title,
            ["policies", "in force"],
            [["-", f"not even the default deny, within {LIMIT_SECONDS:.0f} s"]],
        )
    return (
        title,
        [
            "policies", "others created in", "allow, just created",
            "deny, median", "worst", "allow, median", "worst", "resolution",
        ],
        [
            [
                str(row["policies"]),
                f"{row['othersCreatedSeconds']:.1f} s",
                milliseconds(max(row["afterCreationMs"], default=None)),
                *_times(row["denyMs"]),
                *_times(row["allowMs"]),
                milliseconds(row["resolutionMs"]),
            ]
            for row in rows
        ],
    )  # fmt: skip


def _times(times: Sequence[float]) -> list[str]:
    """The middle and the worst of some milliseconds."""
    if not times:
        return ["never", "never"]
    return [milliseconds(median(times)), milliseconds(max(times))]


def milliseconds(value: float | None) -> str:
    """A time as it is told; where it is None, the limit passed without it."""
    return "never" if value is None else f"{value:.0f} ms"
