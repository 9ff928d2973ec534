"""The words for what became of a connection attempt."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What became of one connection attempt."""

    ALLOWED = "allowed"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    NAME_NOT_RESOLVED = "name not resolved"
    PROBE_FAILED = "probe failed"


@dataclass(frozen=True)
class Observation:
    """What one probe saw, and in the probe's own words."""

    outcome: Outcome
    detail: str = ""
