"""How long a policy takes to be in force, and whether a starting pod has a moment without it.

A pod sends a UDP datagram every few milliseconds, each from a port of its own, so that no
attempt belongs to an earlier one's connection; the other pod answers. The time that
counts runs from the API server's answer to the first of three attempts in a row that
show the new state. Pods and this process share one machine's clock.
"""

import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any

from labsupport import cast, manifests, stage
from labsupport.errors import CheckFailed
from labsupport.lane import CASE_LABEL, Lane

REPETITIONS = 20
LIMIT_SECONDS = 10.0
STARTS = 5
"""Pods that start under a deny, at the same time."""

SOURCE, TARGET, PORT = "shop/frontend", "warehouse/audit", 8080
"""Who sends datagrams to whom."""
# After so many denies that were never seen, nothing is expected of the rest.
_PATIENCE = 2
_REPLY_SECONDS = 0.02

_ATTEMPT = rf"""
attempt() {{ # an answer is success
  exec 3<>"/dev/udp/$1/$2" || return 1
  printf x >&3
  read -r -N 1 -t {_REPLY_SECONDS} <&3
  local answered=$?
  exec 3>&-
  return $answered
}}
"""

# A line is the state to wait for (0: answered), an address, a port and a limit in seconds.
# The answer is the time of the first of three attempts that show the state, that of the
# attempt before it, or "never"; then "done".
_WATCH = (
    _ATTEMPT
    + r"""
exec {idle}<> <(:) # nothing is ever written there: reading it is a short sleep without a process
while read -r state address port limit; do
  end=$((${EPOCHREALTIME/./} + limit * 1000000)) first= before=$EPOCHREALTIME last= n=0
  while [ $n -lt 3 ] && [ ${EPOCHREALTIME/./} -lt $end ]; do
    now=$EPOCHREALTIME
    attempt "$address" "$port"; seen=$(($? != 0))
    if [ $seen -eq $state ]; then
      [ $n -gt 0 ] || { first=$now before=$last; }
      n=$((n + 1))
    else
      n=0
    fi
    last=$now
    read -r -t 0.003 -u "$idle"
  done
  [ $n -eq 3 ] && echo "$first ${before:-$first}" || echo never
  echo done
done
"""
)

# What a starting pod does with its first breath, for two seconds: a line an attempt.
_BREATHE = (
    _ATTEMPT
    + r"""
end=$((${EPOCHREALTIME/./} + 2000000)) start=${EPOCHREALTIME/./}
while [ ${EPOCHREALTIME/./} -lt $end ]; do
  now=${EPOCHREALTIME/./}
  attempt "$1" "$2" && echo "$((now - start)) passed" || echo "$((now - start)) blocked"
done
echo done
"""
)


def measure(lane: Lane, repetitions: int = REPETITIONS) -> dict[str, Any]:
    """Measure a cluster in one lane, with nothing beside it.

    Args:
        lane: where; its stage carries no policy.
        repetitions: how often a deny and its removal are timed.

    Returns:
        The report's `timing`.

    Raises:
        CheckFailed: a control failed, so nothing could be measured.
    """
    denies: list[float] = []
    allows: list[float] = []
    gaps: list[float] = []
    never = 0
    with closing(Watcher(lane)) as watcher, ThreadPoolExecutor(1) as pool:
        watcher.wait_for(answered=True)
        for _ in range(repetitions):
            seen = timed(watcher, pool, partial(lane.kube.apply, deny(lane)), answered=False)
            if seen is None:
                never += 1
            else:
                denies.append(seen[0])
                gaps.append(seen[1])
            seen = timed(watcher, pool, partial(lane.kube.delete, deny(lane)), answered=True)
            if seen and denies:
                allows.append(seen[0])
                gaps.append(seen[1])
            if never >= _PATIENCE and not denies:
                break
    return {
        "limitMs": round(LIMIT_SECONDS * 1000),
        "resolutionMs": round(statistics.median(gaps), 1) if gaps else None,
        "deny": {"ms": [round(ms, 1) for ms in denies], "never": never},
        "allow": {"ms": [round(ms, 1) for ms in allows], "never": len(denies) - len(allows)},
        "start": _starts(lane),
    }


class Watcher:
    """Waits in a pod until its datagrams are answered, or are not."""

    def __init__(self, lane: Lane, limit: float = LIMIT_SECONDS) -> None:
        """Watch in a lane, each time for `limit` seconds at most."""
        namespace, pod = SOURCE.split("/")
        command = ("bash", "-c", _WATCH)
        self._exec = lane.kube.converse(lane.namespace(namespace), pod, command)
        self._limit = limit
        self._target = f"{lane.addresses[TARGET]} {PORT}"

    def watch(self, answered: bool) -> tuple[float, float] | None:
        """When the state was first seen, and when the attempt before it was made.

        Both in seconds of the epoch; None where it was not seen within the limit.
        """
        question = f"{int(not answered)} {self._target} {self._limit:.0f}"
        (answer,) = self._exec.ask(question, last="done", timeout=self._limit + 15)
        if answer == "never":
            return None
        first, before = map(float, answer.split())
        return first, before

    def wait_for(self, answered: bool) -> None:
        """Wait for a state that must come.

        Raises:
            CheckFailed: it does not.
        """
        if self.watch(answered) is None:
            raise CheckFailed(f"{SOURCE} -> {TARGET}:{PORT}/UDP does not work without a policy.")

    def close(self) -> None:
        """End the command in the pod."""
        self._exec.close()


def timed(
    watcher: Watcher, pool: Executor, change: Callable[[], object], answered: bool
) -> tuple[float, float] | None:
    """Make a change and watch what becomes of it.

    Args:
        watcher: who watches.
        pool: with a thread to watch in, from before the change on.
        change: what is asked of the API server.
        answered: the state that is waited for.

    Returns:
        Milliseconds from the API's answer to the new state, and the gap before it; None
        where the state was not seen within the watcher's limit.
    """
    seen = pool.submit(watcher.watch, answered)
    change()
    answer = time.time()
    found = seen.result()
    if found is None:
        return None
    first, before = found
    return (first - answer) * 1000, (first - before) * 1000


def deny(lane: Lane, name: str = "timed-deny") -> dict[str, Any]:
    """A policy under which the source reaches nobody."""
    namespace, _ = SOURCE.split("/")
    return lane.localise(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"podSelector": {}, "policyTypes": ["Egress"]},
        }
    )


def _starts(lane: Lane) -> dict[str, Any]:
    """Start pods under a deny that is there before them, and one where there is none."""
    denied, free = lane.namespace("shop"), lane.namespace("warehouse")
    pods = [_breathing(lane, denied, n) for n in range(STARTS)] + [_breathing(lane, free, STARTS)]
    lane.kube.apply(deny(lane))
    try:
        with ThreadPoolExecutor(len(pods)) as pool:
            list(pool.map(lane.kube.apply, pods))
            logs = list(pool.map(partial(_log, lane), pods))
    finally:
        lane.kube.delete(deny(lane))
        for pod in pods:
            lane.kube.delete(pod)
    if not any(word == "passed" for _, word in logs[-1]):
        raise CheckFailed("A pod that no policy selects could not send when it started.")
    passed = [[ms for ms, word in log if word == "passed"] for log in logs[:-1]]
    return {
        "pods": STARTS,
        "withAMoment": sum(bool(times) for times in passed),
        "lastPassedMs": max((max(times) for times in passed if times), default=None),
    }


def _breathing(lane: Lane, namespace: str, number: int) -> dict[str, Any]:
    """A pod that tries to reach the target from its first moment on."""
    like = cast.of_cases().pods["shop/frontend"]
    made = manifests.pod(namespace, like, cast.of_cases(), lane.nodes, lane.image)
    made["metadata"]["name"] = f"starting-{number}"
    made["metadata"]["labels"] = {CASE_LABEL: "true", "app": "starting"}
    made["spec"]["restartPolicy"] = "Never"
    (container,) = made["spec"]["containers"]
    for field in ("env", "ports", "startupProbe"):
        del container[field]
    container["command"] = ["bash", "-c", _BREATHE, "breathe"]
    container["args"] = [lane.addresses[TARGET], str(PORT)]
    return made


def _log(lane: Lane, pod: Mapping[str, Any]) -> Sequence[tuple[float, str]]:
    """What a starting pod saw: milliseconds since its start, and `passed` or `blocked`."""
    meta = pod["metadata"]
    deadline = time.monotonic() + stage.READY_SECONDS
    wait = threading.Event().wait
    while True:
        lines = lane.kube.log(meta["namespace"], meta["name"]).splitlines()
        if lines and lines[-1] == "done":
            break
        if time.monotonic() > deadline:
            raise CheckFailed(f"Pod {meta['name']} did not finish its attempts.")
        wait(stage.POLL_SECONDS)
    pairs = (line.split() for line in lines[:-1])
    return [(int(micro) / 1000, word) for micro, word in pairs]
