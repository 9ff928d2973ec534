"""How long until a policy is in force, as figures: what a slider and a table say of them."""

from collections.abc import Mapping, Sequence
from statistics import median

from labsupport.fragments import Fragment, table
from labsupport.report import Report


def converged(reports: Sequence[Report]) -> dict[str, list[int]]:
    """For each profile, by its title, the milliseconds until each enforced case was in force.

    Cases that never were in force have no time, so a profile that enforces nothing has none.
    """
    return {
        one["implementation"]["title"]: [
            case["convergeMs"] for case in one["cases"] if case["convergeMs"] is not None
        ]
        for one in reports
    }


def summary(series: Mapping[str, Sequence[int]]) -> Fragment:
    """A table of distributions: how many, the quickest, the middle one and the slowest."""
    head = ["CNI", "measured", "quickest", "half within", "slowest"]
    return table(
        [
            [name, len(values), *_figures(values)]
            for name, values in ((name, sorted(values)) for name, values in series.items())
        ],
        head,
    )


def by_then(series: Mapping[str, Sequence[int]], milliseconds: int) -> Fragment:
    """For each series, how many of its times are over after a while."""
    rows = [
        [name, f"{sum(value <= milliseconds for value in values)} of {len(values)}"]
        for name, values in series.items()
    ]
    return table(rows, ["CNI", f"in force {milliseconds} ms after the policy was accepted"])


def _figures(values: Sequence[int]) -> list[str]:
    if not values:
        return ["never", "never", "never"]
    return [f"{value:.0f} ms" for value in (values[0], median(values), values[-1])]
