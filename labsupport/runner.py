"""Run cases on a cluster: control, policy, packets, removal, control again."""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any

from labsupport import account, machine, stage
from labsupport.account import Done, Trial
from labsupport.cases import Case, Step, name_of
from labsupport.kube import ApiRefused
from labsupport.lane import Lane
from labsupport.verdict import Expected, Judgement, Verdict
from labsupport.waiter import Settled, Waiter

PROBE_THREADS = 16
# How long a changed label is waited for. An identity-based CNI lets time pass before it gives
# a pod another identity: Cilium's agents wait up to 30 s of jitter by default
# (https://docs.cilium.io/en/stable/cmdref/cilium-agent/, --identity-max-jitter).
LABEL_SECONDS = 45.0
ENVOY = "k8s-app=cilium-envoy"

Apply = Callable[[Lane, Case, dict[str, Any]], str]
"""Applies one object of a case in a lane and returns the API server's answer."""


def through_api(lane: Lane, case: Case, manifest: dict[str, Any]) -> str:
    """Apply with the Kubernetes client, which answers nothing but that it is accepted."""
    lane.kube.apply(manifest)
    return "accepted"


def run(
    lanes: Sequence[Lane],
    cases: Sequence[Case],
    report: Callable[[Case, str], None],
    apply: Apply = through_api,
    limit: float | None = None,
) -> list[dict[str, Any]]:
    """Run cases side by side, each in a lane, and return their results in order.

    Cases that change what others share run one by one when the others are done.

    Args:
        lanes: copies of the stage, as many cases run at once.
        cases: what to run.
        report: called with each case and its verdict as it ends.
        apply: how objects reach the API server.
        limit: seconds to wait for what is expected, where not as long as usual.

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
            result = run_case(lane, case, probes, stop, apply, limit)
            if not stop.is_set():  # else it was cut short, and says nothing
                report(case, result["verdict"])
            return result
        finally:
            free.put(lane)

    # The longest first, so that none of them is left to the end.
    together = sorted((c for c in cases if not c.alone), key=lambda case: -_length(case))
    alone = [case for case in cases if case.alone]
    with (
        contextlib.ExitStack() as closing,
        ThreadPoolExecutor(PROBE_THREADS) as probes,
        ThreadPoolExecutor(len(lanes)) as workers,
    ):
        for lane in lanes:
            closing.callback(lane.close)
        try:
            results = dict(zip(together, workers.map(one, together), strict=True))
            results |= {case: one(case) for case in alone}
            return [results[case] for case in cases]
        except BaseException:
            stop.set()  # the cases under way stop waiting and remove their policies
            raise


def _length(case: Case) -> int:
    """How long a case takes, roughly: its steps, and its pods that start."""
    return len(case.steps) + 2 * len(case.started)


def run_case(
    lane: Lane,
    case: Case,
    pool: Executor,
    stop: threading.Event | None = None,
    apply: Apply = through_api,
    limit: float | None = None,
) -> dict[str, Any]:
    """Run one case in a lane and judge it. What it did is undone whatever happens.

    Returns:
        An entry of the report's `cases`.
    """
    waiter = Waiter(lane, pool, stop or threading.Event(), limit)
    started, clock = datetime.now(UTC), time.monotonic()
    missing = _missing(lane, case)
    trial = Trial(Settled({}, 0, None), trouble=missing)
    if not missing:
        trial = _try(lane, case, waiter, apply)
    return account.entry(case, trial, started, time.monotonic() - clock)


def _missing(lane: Lane, case: Case) -> Judgement | None:
    """Why a case cannot be run here, before anything is changed."""
    if "SCTP" in case.needs and not machine.has_sctp():
        return Judgement(Verdict.NOT_RUN, "This machine's kernel has no SCTP.")
    if "Envoy" in case.needs and not lane.kube.list("v1", "Pod", labels=ENVOY, patient=True):
        return Judgement(
            Verdict.NOT_RUN, "HTTP rules need cilium-envoy, and no pod of it runs here."
        )
    for manifest in case.policies:
        if not lane.kube.serves(manifest):
            kind = f"{manifest['kind']} of {manifest['apiVersion']}"
            return Judgement(Verdict.NOT_RUN, f"The API server serves no {kind}.")
    for connection in case.connections:
        end = lane.lacks(connection)
        if end and end not in case.started:
            return Judgement(Verdict.NOT_RUN, f"There is no {end} here.")
    return None


def _try(lane: Lane, case: Case, waiter: Waiter, apply: Apply) -> Trial:
    """The control, the steps, the undoing and the control again."""
    there = [c for c in case.connections if not {c.source, c.target} & set(case.started)]
    trial = Trial(before=waiter.settle(dict.fromkeys(there, Expected.ALLOWED), anew=True))
    try:
        for step in case.steps:
            answer = _do(lane, case, step, apply)
            # Where the steps before it were not in force, no other label will be either.
            patient = step.label and all(done.settled.converged is not None for done in trial.steps)
            settled = waiter.settle(step.expected, limit=LABEL_SECONDS if patient else None)
            in_force = settled.converged is not None
            asked = waiter.look([a.connection for a in step.asks]) if in_force else {}
            trial.steps.append(Done(step, answer, settled, asked))
    except ApiRefused as error:
        trial.trouble = Judgement(Verdict.INCONCLUSIVE, f"The API server refused it: {error}.")
    finally:
        try:
            for manifest in reversed(case.policies):  # a tier goes after what is in it
                lane.kube.delete(lane.localise(manifest))
            if not trial.trouble:
                again = [c for c in case.connections if not c.held]
                trial.after = waiter.settle(dict.fromkeys(again, Expected.ALLOWED))
        finally:
            for what in dict.fromkeys(what for step in case.steps for what in step.label):
                stage.restore(lane, what)
            for pod in case.started:
                stage.end(lane, pod)
    return trial


def _do(lane: Lane, case: Case, step: Step, apply: Apply) -> str:
    """Do what a step does; the answers in one line."""
    answers = [apply(lane, case, lane.localise(manifest)) for manifest in step.apply]
    applied = {name_of(manifest): manifest for manifest in case.policies}
    for name in step.delete:
        lane.kube.delete(lane.localise(applied[name]))
        answers.append(f"{name} deleted")
    for what, labels in step.label.items():
        stage.relabel(lane, what, labels)
        answers.append(f"{what} labelled")
    for pod in step.start:
        stage.start(lane, pod)
        answers.append(f"{pod} started")
    return "; ".join(answers)
