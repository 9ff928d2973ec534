"""What the packets say: connections attempted from inside pods.

The probe is `agnhost connect`, which names its failure on standard error
(https://github.com/kubernetes/kubernetes/blob/v1.36.1/test/images/agnhost/connect/connect.go).
One exec in a source pod tries all of its targets side by side, so that what a policy
blocks costs one timeout, not one for each target. The exec stays open from probe to
probe: starting one costs the node far more than the packets.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from labsupport.kube import Conversation, ExecFailed, Kube
from labsupport.outcome import Observation, Outcome


@dataclass(frozen=True)
class Target:
    """Where a probe connects to: an address or a name, a port, and TCP, UDP or SCTP."""

    host: str
    port: int
    protocol: str = "TCP"


# A line is a time limit and targets. Each attempt is answered with its number, its exit
# code and what it said, on one line; after the last comes "done".
_SCRIPT = r"""
while read -r timeout targets; do
  n=0
  for target in $targets; do
    ( said=$(/agnhost connect --timeout="$timeout" --protocol="${target%%/*}" "${target#*/}" 2>&1)
      echo "$n $? $(echo "$said" | head -n 1)" ) &
    n=$((n + 1))
  done
  wait
  echo done
done
"""

# Seconds on top of the time limit for everything else: a name that is not resolved alone
# costs the resolver's own 10.
_PATIENCE = 15.0

_WORDS = {
    "TIMEOUT": Outcome.TIMEOUT,
    "REFUSED": Outcome.REFUSED,
    "DNS": Outcome.NAME_NOT_RESOLVED,
}


class Prober:
    """Probes from one pod. Safe to use from several threads, which take turns."""

    def __init__(self, kube: Kube, namespace: str, pod: str) -> None:
        self._kube, self._namespace, self._pod = kube, namespace, pod
        self._turn = threading.Lock()
        self._conversation: Conversation | None = None

    def probe(self, targets: Sequence[Target], timeout: float = 1.0) -> list[Observation]:
        """Try all targets at once.

        Args:
            targets: where to connect.
            timeout: seconds after which an attempt counts as timed out.

        Returns:
            One observation for each target, in order. An exec that fails is
            `PROBE_FAILED` for all of them: it never raises for what a packet met.
        """
        words = [f"{t.protocol.lower()}/{_address(t)}" for t in targets]
        question = " ".join([f"{timeout:g}s", *words])
        with self._turn:
            try:
                if self._conversation is None:
                    command = ("sh", "-c", _SCRIPT)
                    self._conversation = self._kube.converse(self._namespace, self._pod, command)
                answer = self._conversation.ask(question, last="done", timeout=timeout + _PATIENCE)
            except ExecFailed as error:
                self._hang_up()
                return [Observation(Outcome.PROBE_FAILED, str(error))] * len(targets)
        return parse("\n".join(answer), len(targets))

    def close(self) -> None:
        """End the exec; another probe starts a new one."""
        with self._turn:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._conversation is not None:
            self._conversation.close()
            self._conversation = None


def parse(output: str, count: int) -> list[Observation]:
    """Read what the probe script printed for `count` targets."""
    seen: dict[int, Observation] = {}
    for line in output.splitlines():
        number, _, rest = line.partition(" ")
        code, _, said = rest.partition(" ")
        if number.isdigit() and code.isdigit():
            seen[int(number)] = _observation(int(code), said.strip())
    silent = Observation(Outcome.PROBE_FAILED, "the probe gave no answer for this target")
    return [seen.get(n, silent) for n in range(count)]


def _observation(code: int, said: str) -> Observation:
    if code == 0:
        return Observation(Outcome.ALLOWED, said)
    word = said.partition(":")[0].strip()
    return Observation(_WORDS.get(word, Outcome.PROBE_FAILED), said or f"exit code {code}")


def _address(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return f"{host}:{target.port}"
