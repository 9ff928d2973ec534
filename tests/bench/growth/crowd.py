"""How long a change takes to be in force where many policies select one pod.

They all open a port of the pod's egress, each another one, beside a default deny as it is
usual. The last of them opens the port that is watched: first when it is created on top of
the others, then when it is changed to another port, which is the deny, and back.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

from labsupport import cast, console, manifests, stage, timing
from labsupport.kube import Kube
from labsupport.lane import Lane, called
from labsupport.timing import Watcher

PREFIX = "lab-growth"
LIMIT_SECONDS = 30.0
REPETITIONS = 7
THREADS = 4
"""The API server shares two processors with them."""
REMOVAL_SECONDS = 120.0

_FIRST_PORT = 20_000

Seen = tuple[float, float] | None
"""What `timing.timed` returns."""


def measure(
    kube: Kube,
    nodes: Sequence[str],
    numbers: Sequence[int],
    repetitions: int = REPETITIONS,
) -> list[dict[str, Any]] | None:
    """Measure with each number of policies, in namespaces that are removed whatever happens.

    Args:
        kube: the cluster.
        nodes: names of the two nodes.
        numbers: of policies, the smallest first.
        repetitions: how often a deny and an allow are timed.

    Returns:
        For each number, milliseconds by what happened; None where not even the default
        deny was ever in force.

    Raises:
        CheckFailed: the pods do not get ready, or do not reach each other.
    """
    with (
        apart(kube, nodes) as lane,
        ThreadPoolExecutor(THREADS) as pool,
        closing(Watcher(lane, LIMIT_SECONDS)) as watcher,
    ):
        watcher.wait_for(answered=True)
        for _ in range(THREADS):  # each makes its client, which is not what is measured
            pool.submit(kube.serves, timing.deny(lane))
        kube.apply(timing.deny(lane))
        if watcher.watch(answered=False) is None:
            return None
        return [_with(lane, watcher, pool, number, repetitions) for number in numbers]


@contextmanager
def apart(kube: Kube, nodes: Sequence[str]) -> Iterator[Lane]:
    """A stage of the benchmark's own, which goes with everything in it when the block ends."""
    remove(kube)  # what a run left that was killed
    try:
        with console.task("making pods for the policies"):
            (lane,) = stage.prepare(kube, nodes, 1, PREFIX, actors=cast.of_cases().without_shared())
        yield lane
    finally:
        remove(kube)


def remove(kube: Kube) -> None:
    """Delete the benchmark's namespaces and wait until they are gone."""
    spaces = [
        manifests.bare("Namespace", called(name, PREFIX, 1))
        for name in cast.of_cases().without_shared().namespaces
    ]
    for space in spaces:
        kube.delete(space)
    deadline = time.monotonic() + REMOVAL_SECONDS
    while any(map(kube.exists, spaces)):
        if time.monotonic() > deadline:
            console.say(f"Namespaces {PREFIX}… are still being removed.")
            return
        time.sleep(stage.POLL_SECONDS)


def policy(lane: Lane, name: str, port: int) -> dict[str, Any]:
    """A policy that selects the pod that sends, and opens one port of its egress."""
    namespace, pod = timing.SOURCE.split("/")
    return lane.localise(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "podSelector": {"matchLabels": {manifests.POD_LABEL: pod}},
                "policyTypes": ["Egress"],
                "egress": [{"ports": [{"protocol": "UDP", "port": port}]}],
            },
        }
    )


def _with(
    lane: Lane, watcher: Watcher, pool: Executor, number: int, repetitions: int
) -> dict[str, Any]:
    """Create so many policies, time the last of them, and delete them."""
    others = [policy(lane, f"other-{n}", _FIRST_PORT + n) for n in range(1, number)]
    opened, closed = policy(lane, "last", timing.PORT), policy(lane, "last", _FIRST_PORT)
    change = partial(timing.timed, watcher, pool)
    with console.task(f"{number} policies that select one pod"):
        begun = time.monotonic()
        list(pool.map(lane.kube.apply, others))
        seconds = time.monotonic() - begun
        first = change(partial(lane.kube.apply, opened), answered=True)
        denies: list[Seen] = []
        allows: list[Seen] = []
        while len(allows) < repetitions and None not in (first, *denies, *allows):
            denies.append(change(partial(lane.kube.apply, closed), answered=False))
            allows.append(change(partial(lane.kube.apply, opened), answered=True))
        list(pool.map(lane.kube.delete, [*others, opened]))
        watcher.watch(answered=False)  # else the next number would begin before this one's end
    every = [first, *denies, *allows]
    gaps = [gap for _, gap in filter(None, every)]
    return {
        "policies": number,
        "othersCreatedSeconds": round(seconds, 2),
        "afterCreationMs": _milliseconds([first]),
        "denyMs": _milliseconds(denies),
        "allowMs": _milliseconds(allows),
        "never": every.count(None),
        "limitMs": round(LIMIT_SECONDS * 1000),
        "resolutionMs": round(statistics.median(gaps), 1) if gaps else None,
    }


def _milliseconds(seen: Sequence[Seen]) -> list[float]:
    return [round(one[0], 1) for one in seen if one]
