"""How long until a policy is in force, as figures: what a slider and a table say of them."""

from collections.abc import Mapping, Sequence
from statistics import median

from labsupport.fragments import Fragment, table
from labsupport.report import Report


def denies(reports: Sequence[Report]) -> dict[str, list[float]]:
    """For each profile, by its title, the milliseconds until each timed deny was in force.

    A profile on which no deny ever was in force has none; one that was not timed is left out.
    """
    return {
        one["implementation"]["title"]: one["timing"]["deny"]["ms"]
        for one in reports
        if one.get("timing")
    }


def summary(series: Mapping[str, Sequence[float]]) -> Fragment:
    """A table of distributions: how many, the quickest, the middle one and the slowest."""
    head = ["CNI", "measured", "quickest", "half within", "slowest"]
    return table(
        [
            [name, len(values), *_figures(values)]
            for name, values in ((name, sorted(values)) for name, values in series.items())
        ],
        head,
    )


def by_then(series: Mapping[str, Sequence[float]], milliseconds: int) -> Fragment:
    """For each series, how many of its times are over after a while."""
    rows = [
        [name, f"{sum(value <= milliseconds for value in values)} of {len(values)}"]
        for name, values in series.items()
    ]
    return table(rows, ["CNI", f"in force {milliseconds} ms after the policy was accepted"])


def _figures(values: Sequence[float]) -> list[str]:
    if not values:
        return ["never", "never", "never"]
    return [f"{value:.0f} ms" for value in (values[0], median(values), values[-1])]
