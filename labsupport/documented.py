"""What other systems' own documentation says about NetworkPolicy. Nothing here was measured.

The systems are those of the seed's table that do not run in kind clusters, and kind's own
CNI, which the lab's clusters replace. `./lab verify --out FILE` on such a cluster and
`./lab run --with FILE` put a measured column beside a documented row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from labsupport import checked, paths
from labsupport.report import Report

TITLE = "Documented, not measured: what these systems' own documentation says"
FILE = paths.PACKAGE / "documented.yaml"


@dataclass(frozen=True)
class Fact:
    """A statement in our words, where it comes from, and the day on which it was read there."""

    text: str
    source: str
    read: str


@dataclass(frozen=True)
class System:
    """A system and what is documented of it.

    Attributes:
        name: what it is called.
        standard: on Kubernetes' own NetworkPolicy.
        extended: on policies beyond it.
        notes: on limits that matter.
    """

    name: str
    standard: tuple[Fact, ...]
    extended: tuple[Fact, ...]
    notes: tuple[Fact, ...]

    def measured(self, reports: Iterable[Report]) -> list[str]:
        """Titles of the reports that measured a cluster on which this system was recognised.

        `./lab verify` writes what it recognised into a report's `implementation.mode`.
        """
        found = [report["implementation"] for report in reports]
        return [one["title"] for one in found if self.name in one["mode"].split(" and ")]


@cache
def load() -> tuple[System, ...]:
    """The systems, in the seed's order.

    Raises:
        WrongUse: the file does not fit its schema.
    """
    return tuple(_system(one) for one in checked.read_yaml(FILE, "documented"))


def _system(data: Mapping[str, Any]) -> System:
    def facts(field: str) -> tuple[Fact, ...]:
        return tuple(Fact(**fact) for fact in data[field])

    return System(data["name"], facts("standard"), facts("extended"), facts("notes"))
