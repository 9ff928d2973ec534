"""Connections, written as a reader says them.

shop/frontend -> shop/api:8080               by the pod's address, TCP
shop/frontend -> shop/api:8080/UDP           another protocol
shop/frontend -> shop/api:ping               an ICMP echo
shop/frontend -> service shop/api:8080       by the DNS name of its Service
shop/frontend -> clusterip shop/api:8080     by the address of its Service
outside/host -> nodeport shop/api:8080       by its node, source address kept
outside/host -> nodeport-cluster shop/api:8080   by another node
shop/api -> name outside/host:8080           by the DNS name of the host outside
held shop/frontend -> shop/api:8080          opened before the policy, used under it
"""

import re
from dataclasses import dataclass

from labsupport.errors import WrongUse

VIA = {
    "": "pod",
    "service": "service name",
    "clusterip": "service address",
    "nodeport": "node port",
    "nodeport-cluster": "node port of another node",
    "name": "name",
}
"""What a target is reached by: the word in a case file, and in a report."""

_WORDS = {meaning: word for word, meaning in VIA.items()}
_CONNECTION = re.compile(
    r"(?P<held>held )?(?P<source>\S+) -> (?:(?P<via>[a-z-]+) )?(?P<target>[^:\s]+)"
    r":(?P<port>\d+|ping)(?:/(?P<protocol>\w+))?"
)


@dataclass(frozen=True)
class Connection:
    """One connection of a case.

    Attributes:
        source: a pod as `namespace/name`, as the case's author wrote it.
        target: the same.
        port: its number; 0 for an ICMP echo.
        protocol: TCP, UDP, SCTP or ICMP.
        via: what the target is reached by, a value of `VIA`.
        held: whether it is opened before the policy and used again under it.
    """

    source: str
    target: str
    port: int
    protocol: str = "TCP"
    via: str = "pod"
    held: bool = False

    @classmethod
    def parse(cls, text: str) -> "Connection":
        """Read `shop/frontend -> shop/api:8080/UDP`.

        Raises:
            WrongUse: it is not of this form; the message shows the form.
        """
        match = _CONNECTION.fullmatch(text)
        if not match or (match["via"] or "") not in VIA:
            raise WrongUse(f"{text!r} is not a connection such as `shop/a -> shop/b:8080/TCP`.")
        ping = match["port"] == "ping"
        return cls(
            source=match["source"],
            target=match["target"],
            port=0 if ping else int(match["port"]),
            protocol="ICMP" if ping else match["protocol"] or "TCP",
            via=VIA[match["via"] or ""],
            held=bool(match["held"]),
        )

    def __str__(self) -> str:
        held = "held " if self.held else ""
        via = f"{_WORDS[self.via]} " if _WORDS[self.via] else ""
        port = "ping" if self.protocol == "ICMP" else str(self.port)
        protocol = "" if self.protocol in ("TCP", "ICMP") else f"/{self.protocol}"
        return f"{held}{self.source} -> {via}{self.target}:{port}{protocol}"
