"""Which cases, pods and policies are measured, and what is not possible."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from labsupport import cases, cast, stage
from labsupport.cases import Case
from labsupport.cast import Pod
from labsupport.errors import WrongUse

MOST_POLICIES = 10_000
"""Each opens a port of its own, and ports end at 65535."""


@dataclass(frozen=True)
class Plan:
    """The numbers that each part is measured with; a part without numbers is left out."""

    cases: Sequence[int]
    pods: Sequence[int]
    policies: Sequence[int]


@cache
def group() -> tuple[Case, ...]:
    """The group `specification`, without what needs more than a cluster (SCTP)."""
    return tuple(c for c in cases.load() if c.group == "specification" and not c.needs)


def short() -> list[Case]:
    """Cases whose one step applies policies: starting pods is not what lanes are measured by."""
    return [
        case
        for case in group()
        if len(case.steps) == 1 and not case.started and not case.steps[0].label
    ]


def actors() -> list[Pod]:
    """The pods of a lane that ask and are asked."""
    return [pod for pod in cast.of_cases().without_shared().pods.values() if not pod.late]


def spread(found: Sequence[Case], count: int) -> list[Case]:
    """So many cases, evenly from the whole of the catalogue, whose beginning is its easiest."""
    return [found[place * len(found) // count] for place in range(count)]


def check(
    of_cases: Sequence[int] | None, of_pods: Sequence[int], of_policies: Sequence[int]
) -> Plan:
    """The plan, smallest numbers first.

    Args:
        of_cases: numbers of cases; None for a few and the whole group.
        of_pods: numbers of pods.
        of_policies: numbers of policies.

    Raises:
        WrongUse: a number is too small or too large.
    """
    every = len(group())
    return Plan(
        _numbers("--cases", [5, 15, 30, every] if of_cases is None else of_cases, 1, every),
        _numbers("--pods", of_pods, 2, stage.LANES * len(actors())),
        _numbers("--policies", of_policies, 1, MOST_POLICIES),
    )


def _numbers(option: str, given: Sequence[int], least: int, most: int) -> list[int]:
    for number in given:
        if not least <= number <= most:
            raise WrongUse(f"{option} {number}: give numbers from {least} to {most}.")
    return sorted(set(given))
