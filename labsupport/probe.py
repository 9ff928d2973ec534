"""What the packets say: connections attempted from inside pods.

The probe is `agnhost connect`, which names its failure on standard error
(https://github.com/kubernetes/kubernetes/blob/v1.36.1/test/images/agnhost/connect/connect.go).
One exec in a source pod tries all of its targets side by side, so that what a policy
blocks costs one timeout, not one for each target. The exec stays open from probe to
probe: starting one costs the node far more than the packets.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from labsupport.conversation import Conversation, ExecFailed
from labsupport.outcome import Observation, Outcome


@dataclass(frozen=True)
class Target:
    """Where a probe connects to.

    Attributes:
        host: an address or a name.
        port: its number; any for ICMP.
        protocol: TCP, UDP, SCTP or ICMP.
        held: `hold` to open a TCP connection that stays open, `held` to use it again.
    """

    host: str
    port: int
    protocol: str = "TCP"
    held: Literal["hold", "held"] | None = None


# A line is a time limit in seconds and targets. Each attempt is answered with its number,
# its exit code and what it said, on one line; after the last comes "done". A held
# connection is a file descriptor of this shell, so the attempts, which are its children,
# find it open; it is used by asking the HTTP server behind it once more. It is bash
# because only bash opens connections itself; agnhost's image has it.
_SCRIPT = r"""
declare -A held
once() {
  case $1 in
    hold/* | held/*)
      exec 3>&"${held[${1#*/}]}" 4<&"${held[${1#*/}]}" || { echo "OTHER: not open"; return 1; }
      printf 'GET / HTTP/1.1\r\nHost: lab\r\n\r\n' >&3
      read -r -t "$2" line <&4 && echo "$line" || { echo "TIMEOUT: no answer"; return 1; }
      while read -r -t 0.05 line <&4; do :; done ;;
    icmp/*)
      address=${1#icmp/}
      ping -c 1 -W "$2" "${address%:*}" >/dev/null 2>&1
      case $? in
        0) ;;
        1) echo "TIMEOUT: no echo"; return 1 ;;
        *) echo "OTHER: ping could not be run"; return 1 ;;
      esac ;;
    *) /agnhost connect --timeout="$2s" --protocol="${1%%/*}" "${1#*/}" 2>&1 ;;
  esac
}
while read -r timeout targets; do
  n=0
  for target in $targets; do
    case $target in hold/*)
      address=${target#hold/}
      old=${held[$address]}
      [ -z "$old" ] || exec {old}>&-
      exec {open}<>"/dev/tcp/${address%:*}/${address##*:}" && held[$address]=$open ;;
    esac
    ( said=$(once "$target" "$timeout"); echo "$n $? $(echo "$said" | head -n 1)" ) &
    n=$((n + 1))
  done
  wait
  echo done
done
"""

# Seconds on top of the time limit for everything else: a name that is not resolved costs the
# resolver's own 4 in a pod of the lab, 10 in others.
_PATIENCE = 15.0

_WORDS = {
    "TIMEOUT": Outcome.TIMEOUT,
    "REFUSED": Outcome.REFUSED,
    "DNS": Outcome.NAME_NOT_RESOLVED,
}


class Prober:
    """Probes from one pod. Safe to use from several threads, which take turns."""

    def __init__(self, start: Callable[[tuple[str, ...]], Conversation]) -> None:
        """Probe from where `start` runs a command; it is called when first needed."""
        self._start = start
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
        question = " ".join([f"{timeout:g}", *map(_word, targets)])
        with self._turn:
            try:
                if self._conversation is None:
                    self._conversation = self._start(("bash", "-c", _SCRIPT))
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


def _word(target: Target) -> str:
    return f"{target.held or target.protocol.lower()}/{_address(target)}"


def _address(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return f"{host}:{target.port}"
