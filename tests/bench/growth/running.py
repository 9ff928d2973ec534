"""Cases a minute and connections checked a second, out of the runner itself."""

import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from labsupport import report, runner
from labsupport.cases import Case
from labsupport.connection import Connection
from labsupport.lane import Lane
from labsupport.outcome import Observation


@dataclass(frozen=True)
class Counted(Lane):
    """A lane that counts the connections that are tried in it: controls, polls, confirmations."""

    tried: list[int] = field(default_factory=list)

    def observe(
        self,
        connections: Sequence[Connection],
        pool: Executor,
        timeout: float,
        anew: bool = False,
    ) -> dict[Connection, Observation]:
        """As a lane does it."""
        self.tried.append(len(connections))
        return super().observe(connections, pool, timeout, anew)


def measure(lanes: Sequence[Lane], chosen: Sequence[Case]) -> dict[str, Any]:
    """Run cases once and say how long it took, in seconds, and how much was tried."""
    counted = [Counted(**vars(lane)) for lane in lanes]
    begun = time.monotonic()
    results = runner.run(counted, chosen, lambda case, verdict: None)
    seconds = time.monotonic() - begun
    return {
        "cases": len(results),
        "lanes": len(lanes),
        "seconds": round(seconds, 2),
        "connections": sum(sum(lane.tried) for lane in counted),
        "verdicts": report.summarise(results),
    }
