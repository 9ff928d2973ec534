"""Connections checked a second by pods that all ask each other."""

import time
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from labsupport import runner
from labsupport.lane import Lane
from labsupport.outcome import Outcome
from labsupport.probe import Prober, Target
from tests.bench.growth.plan import actors

SECONDS = 3.0
"""How long rounds are repeated: two pods are done with each other at once."""
SIDE_BY_SIDE = 4
"""Targets that a pod tries at a time, as in a case; all at once would be a process each."""
PATIENCE_SECONDS = 5.0
"""Nothing is denied here, so a connection that is late is waited for."""

_PORT = 8080


def measure(lanes: Sequence[Lane], pods: int) -> dict[str, Any]:
    """Let the first so many pods of the lanes ask each other, round after round.

    Returns:
        How many connections were tried, how many of them failed, and the seconds.
    """
    places = [(lane, pod.called) for lane in lanes for pod in actors()][:pods]
    probers = [lane.probers[name] for lane, name in places]
    targets = [Target(lane.addresses[name], _PORT) for lane, name in places]
    tried = failed = 0
    with ExitStack() as closing, ThreadPoolExecutor(runner.PROBE_THREADS) as pool:
        for prober in probers:
            closing.callback(prober.close)
        list(pool.map(lambda one: one.probe([]), probers))  # which starts a shell in each pod
        begun = time.monotonic()
        while tried == 0 or time.monotonic() - begun < SECONDS:
            failed += _round(probers, [others(targets, n) for n in range(pods)], pool)
            tried += pods * (pods - 1)
        seconds = time.monotonic() - begun
    return {
        "pods": pods,
        "connections": tried,
        "failed": failed,
        "seconds": round(seconds, 2),
    }


def others(targets: Sequence[Target], own: int) -> list[Target]:
    """Everybody else, beginning with the next, so that not all ask the same one first."""
    return [*targets[own + 1 :], *targets[:own]]


def _round(probers: Sequence[Prober], asked: Sequence[Sequence[Target]], pool: Executor) -> int:
    """Let each pod try its targets; how many connections failed."""
    return sum(pool.map(_ask, probers, asked))


def _ask(prober: Prober, targets: Sequence[Target]) -> int:
    parts = [targets[n : n + SIDE_BY_SIDE] for n in range(0, len(targets), SIDE_BY_SIDE)]
    return sum(
        seen.outcome is not Outcome.ALLOWED
        for part in parts
        for seen in prober.probe(part, PATIENCE_SECONDS)
    )
