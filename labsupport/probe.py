"""What the packets say: connections attempted from inside pods.

The probe is `agnhost connect`, which names its failure on standard error
(https://github.com/kubernetes/kubernetes/blob/v1.36.1/test/images/agnhost/connect/connect.go).
One exec in a source pod tries all of its targets side by side, so that what a policy
blocks costs one timeout, not one for each target.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from labsupport.kube import ExecFailed, Kube
from labsupport.outcome import Observation, Outcome


@dataclass(frozen=True)
class Target:
    """Where a probe connects to: an address or a name, a port, and TCP, UDP or SCTP."""

    host: str
    port: int
    protocol: str = "TCP"


# Each attempt prints its number, its exit code and what it said, on one line.
_SCRIPT = r"""
timeout=$1; shift; n=0
for target in "$@"; do
  ( said=$(/agnhost connect --timeout="$timeout" --protocol="${target%%/*}" "${target#*/}" 2>&1)
    echo "$n $? $(echo "$said" | head -n 1)" ) &
  n=$((n + 1))
done
wait
"""

_WORDS = {
    "TIMEOUT": Outcome.TIMEOUT,
    "REFUSED": Outcome.REFUSED,
    "DNS": Outcome.NAME_NOT_RESOLVED,
}


def probe(
    kube: Kube, namespace: str, pod: str, targets: Sequence[Target], timeout: float = 1.0
) -> list[Observation]:
    """Try all targets at once from one pod.

    Args:
        kube: the cluster.
        namespace: the source pod's namespace.
        pod: the source pod, which runs agnhost.
        targets: where to connect.
        timeout: seconds after which an attempt counts as timed out.

    Returns:
        One observation for each target, in order. An exec that fails is
        `PROBE_FAILED` for all of them: it never raises for what a packet met.
    """
    words = [f"{t.protocol.lower()}/{_address(t)}" for t in targets]
    command = ["sh", "-c", _SCRIPT, "probe", f"{timeout:g}s", *words]
    try:
        output = kube.exec(namespace, pod, command, timeout=timeout + 15)
    except ExecFailed as error:
        return [Observation(Outcome.PROBE_FAILED, str(error))] * len(targets)
    return parse(output, len(targets))


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
