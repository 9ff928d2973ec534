"""Run cases on a cluster: control, policy, packets, removal, control again."""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any

from labsupport.cases import Case, Connection, Step
from labsupport.kube import ApiRefused, KindUnknown
from labsupport.outcome import Observation, Outcome
from labsupport.stage import Lane
from labsupport.verdict import Evidence, Expected, Judgement, Verdict, judge

# Kubernetes tells nobody when a policy is in force, so the runner polls until what it sees
# is what it expects. After this limit, what it sees is the result. The upstream
# conformance suite of network-policy-api waits as long
# (https://github.com/kubernetes-sigs/network-policy-api/blob/v0.2.0/conformance/utils/config/timeout.go).
LIMIT_SECONDS = 10.0
PROBE_SECONDS = 1.0
CONFIRM_SECONDS = 2.0
POLL_SECONDS = 0.5
PROBE_THREADS = 16

Apply = Callable[[Lane, Case, dict[str, Any]], str]
"""Applies one object of a case in a lane and returns the API server's answer."""

_HOPED_FOR = {Expected.ALLOWED: Outcome.ALLOWED, Expected.DENIED: Outcome.TIMEOUT}


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


@dataclass
class _StepResult:
    step: Step
    answer: str
    settled: Settled


@dataclass
class _Trial:
    """What happened to one case, until it is judged."""

    before: Settled
    steps: list[_StepResult] = field(default_factory=list)
    after: Settled | None = None


def through_api(lane: Lane, case: Case, manifest: dict[str, Any]) -> str:
    """Apply with the Kubernetes client, which answers nothing but that it is accepted."""
    lane.kube.apply(manifest)
    return "accepted"


def run(
    lanes: Sequence[Lane],
    cases: Sequence[Case],
    report: Callable[[Case, str], None],
    apply: Apply = through_api,
) -> list[dict[str, Any]]:
    """Run cases side by side, each alone in a lane, and return their results in order.

    Args:
        lanes: copies of the stage, as many cases run at once.
        cases: what to run.
        report: called with each case and its verdict as it ends.
        apply: how objects reach the API server.

    Returns:
        For each case an entry of the report's `cases`.
    """
    free: SimpleQueue[Lane] = SimpleQueue()
    for lane in lanes:
        free.put(lane)
    stop = threading.Event()

    def one(case: Case) -> dict[str, Any]:
        lane = free.get()
        try:
            result = run_case(lane, case, probes, stop, apply)
            if not stop.is_set():  # else it was cut short, and says nothing
                report(case, result["verdict"])
            return result
        finally:
            free.put(lane)

    # The longest first, so that none of them is left to the end.
    longest_first = sorted(cases, key=lambda case: -len(case.steps))
    with (
        contextlib.ExitStack() as closing,
        ThreadPoolExecutor(PROBE_THREADS) as probes,
        ThreadPoolExecutor(len(lanes)) as workers,
    ):
        for lane in lanes:
            closing.callback(lane.close)
        try:
            results = dict(zip(longest_first, workers.map(one, longest_first), strict=True))
            return [results[case] for case in cases]
        except BaseException:
            stop.set()  # the cases under way stop waiting and remove their policies
            raise


def run_case(
    lane: Lane,
    case: Case,
    pool: Executor,
    stop: threading.Event | None = None,
    apply: Apply = through_api,
) -> dict[str, Any]:
    """Run one case in a lane and judge it. Its policies are removed whatever happens.

    Returns:
        An entry of the report's `cases`.
    """
    waiter = _Waiter(lane, pool, stop or threading.Event())
    started, clock = datetime.now(UTC), time.monotonic()
    everything = dict.fromkeys(case.connections, Expected.ALLOWED)
    trial = _Trial(before=waiter.settle(everything))
    trouble = None
    try:
        trouble = _with_policies(lane, case, waiter, trial, apply)
    finally:
        for manifest in case.policies:
            lane.kube.delete(lane.localise(manifest))
    trial.after = waiter.settle(everything)
    judgement = trouble or judge(_evidence(trial))
    return {
        "id": case.id,
        "group": case.group,
        "title": case.title,
        "policySha256": case.policy_sha256,
        "policies": case.policies,
        "verdict": str(judgement.verdict),
        "reason": judgement.reason,
        "startedAt": started.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "seconds": round(time.monotonic() - clock, 1),
        "attempts": sum(result.settled.attempts for result in trial.steps),
        "convergeMs": _slowest([_milliseconds(r.settled.converged) for r in trial.steps]),
        "steps": [_step_entry(result, trial) for result in trial.steps],
    }


class _Waiter:
    """Polls a lane until connections do what is expected, or the limit is reached."""

    def __init__(self, lane: Lane, pool: Executor, stop: threading.Event) -> None:
        self._lane, self._pool, self._stop = lane, pool, stop

    def settle(self, expected: Mapping[Connection, Expected]) -> Settled:
        """Probe until all is as expected; only what differs is tried again.

        What is expected to work is proved by working once. A timeout may be a hiccup, so
        where one is expected, everything is confirmed by a second and more patient look.
        """
        start = time.monotonic()
        seen: dict[Connection, Observation] = {}
        attempts, differing = 0, list(expected)
        while True:
            seen |= self._lane.observe(differing, self._pool, PROBE_SECONDS)
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
            left = LIMIT_SECONDS - waited
            # Often at first, when a policy is about to be in force, more rarely later.
            if left <= 0 or self._stop.wait(min(left, max(POLL_SECONDS, waited / 4))):
                # The states of one moment, not of several attempts.
                seen = self._lane.observe(list(expected), self._pool, CONFIRM_SECONDS)
                return Settled(seen, attempts + 1, None)


def _with_policies(
    lane: Lane, case: Case, waiter: _Waiter, trial: _Trial, apply: Apply
) -> Judgement | None:
    """Apply and probe step after step; a judgement where a policy was not accepted."""
    for step in case.steps:
        try:
            answers = [apply(lane, case, lane.localise(manifest)) for manifest in step.apply]
        except KindUnknown as error:
            return Judgement(Verdict.NOT_RUN, f"{error}.")
        except ApiRefused as error:
            return Judgement(Verdict.INCONCLUSIVE, f"The API server refused it: {error}.")
        trial.steps.append(_StepResult(step, "; ".join(answers), waiter.settle(step.expected)))
    return None


def _differing(
    seen: Mapping[Connection, Observation], expected: Mapping[Connection, Expected]
) -> list[Connection]:
    return [c for c, word in expected.items() if seen[c].outcome is not _HOPED_FOR[word]]


def _evidence(trial: _Trial) -> list[Evidence]:
    assert trial.after is not None  # noqa: S101 (the types know no order of events)
    several = len(trial.steps) > 1
    return [
        Evidence(
            connection=f"{connection} (step {n})" if several else str(connection),
            expected=word,
            before=trial.before.seen[connection].outcome,
            during=result.settled.seen[connection].outcome,
            after=trial.after.seen[connection].outcome,
        )
        for n, result in enumerate(trial.steps, 1)
        for connection, word in result.step.expected.items()
    ]


def _step_entry(result: _StepResult, trial: _Trial) -> dict[str, Any]:
    return {
        "name": result.step.name,
        "apiAnswer": result.answer,
        "convergeMs": _milliseconds(result.settled.converged),
        "attempts": result.settled.attempts,
        "connections": [
            {
                "from": connection.source,
                "to": connection.target,
                "port": connection.port,
                "protocol": connection.protocol,
                "via": "service name" if connection.by_name else "pod",
                "expected": str(word),
                "before": str(trial.before.seen[connection].outcome),
                "observed": str(result.settled.seen[connection].outcome),
                "after": str(trial.after.seen[connection].outcome) if trial.after else None,
                "detail": result.settled.seen[connection].detail,
            }
            for connection, word in result.step.expected.items()
        ],
    }


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _slowest(times: Sequence[int | None]) -> int | None:
    """The longest step's time, or None where any step never converged."""
    known = [t for t in times if t is not None]
    return max(known) if known and len(known) == len(times) else None
