"""Wait until packets do what is expected, or until the limit says that they do not."""

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from labsupport.connection import Connection
from labsupport.lane import Lane
from labsupport.outcome import Observation
from labsupport.verdict import HOPED_FOR, Expected

# Kubernetes tells nobody when a policy is in force, so the runner polls until what it sees
# is what it expects. After this limit, what it sees is the result. The upstream
# conformance suite of network-policy-api waits as long
# (https://github.com/kubernetes-sigs/network-policy-api/blob/v0.2.0/conformance/utils/config/timeout.go).
LIMIT_SECONDS = 10.0
PROBE_SECONDS = 1.0
CONFIRM_SECONDS = 2.0
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Settled:
    """What connections came to: the last observations, and how long they took to get there.

    `converged` is how many seconds after the start of waiting the expected state was in
    force at the latest: the first attempt that met all expectations, and was confirmed,
    had sent all its packets by then. None where there was none within the limit.
    """

    seen: Mapping[Connection, Observation]
    attempts: int
    converged: float | None


class Waiter:
    """Polls a lane until connections do what is expected, or the limit is reached."""

    def __init__(
        self, lane: Lane, pool: Executor, stop: threading.Event, limit: float | None = None
    ) -> None:
        """Poll `lane` for `limit` seconds, usually `LIMIT_SECONDS`, or until `stop` is set."""
        self._lane, self._pool, self._stop = lane, pool, stop
        self._limit = LIMIT_SECONDS if limit is None else limit

    def settle(
        self,
        expected: Mapping[Connection, Expected],
        anew: bool = False,
        limit: float | None = None,
    ) -> Settled:
        """Probe until all is as expected; only what differs is tried again.

        What is expected to work is proved by working once. A timeout may be a hiccup, so
        where one is expected, everything is confirmed by a second and more patient look.

        Args:
            expected: what should become of each connection.
            anew: whether connections that are held are opened anew.
            limit: seconds, where another than the waiter's own.
        """
        limit = self._limit if limit is None else limit
        start = time.monotonic()
        seen: dict[Connection, Observation] = {}
        attempts, differing = 0, list(expected)
        while True:
            seen |= self._lane.observe(differing, self._pool, PROBE_SECONDS, anew)
            # What timed out was sent a whole time limit before the attempt ended.
            patience = PROBE_SECONDS if Expected.DENIED in expected.values() else 0
            moment = time.monotonic() - start - patience
            attempts += 1
            differing = _differing(seen, expected)
            if not differing and Expected.DENIED in expected.values():
                seen = self._lane.observe(list(expected), self._pool, CONFIRM_SECONDS)
                attempts += 1
                differing = _differing(seen, expected)
            if not differing:
                return Settled(seen, attempts, moment)
            waited = time.monotonic() - start
            left = limit - waited
            # Often at first, when a policy is about to be in force, more rarely later.
            if left <= 0 or self._stop.wait(min(left, max(POLL_SECONDS, waited / 4))):
                # The states of one moment, not of several attempts.
                seen = self._lane.observe(list(expected), self._pool, CONFIRM_SECONDS, anew)
                return Settled(seen, attempts + 1, None)

    def look(self, connections: Sequence[Connection]) -> dict[Connection, Observation]:
        """What becomes of connections of which nothing is expected: the same twice, or the last."""
        deadline = time.monotonic() + self._limit
        seen = self._lane.observe(connections, self._pool, PROBE_SECONDS)
        while True:
            again = self._lane.observe(connections, self._pool, CONFIRM_SECONDS)
            same = all(seen[c].outcome is again[c].outcome for c in connections)
            if same or time.monotonic() > deadline or self._stop.is_set():
                return again
            seen = again


def _differing(
    seen: Mapping[Connection, Observation], expected: Mapping[Connection, Expected]
) -> list[Connection]:
    return [c for c, word in expected.items() if seen[c].outcome is not HOPED_FOR[word]]
