"""What Cilium's agent holds for a policy: identities, the policy map, and what it dropped.

Cilium gives all pods with the same labels one number, their identity. The eBPF program at a
pod looks the number of the sender up in the pod's policy map
(https://docs.cilium.io/en/stable/internals/security-identities/).
"""

import json
import re
from dataclasses import dataclass

from labsupport.errors import CheckFailed


@dataclass(frozen=True)
class Endpoint:
    """A pod as the agent of its node knows it, out of `cilium-dbg endpoint list`."""

    id: int
    identity: int
    address: str
    labels: tuple[str, ...]
    enforcement: str


@dataclass(frozen=True)
class Entry:
    """A line of a policy map, out of `cilium-dbg bpf policy get -n`."""

    policy: str
    direction: str
    identity: int
    port: str


@dataclass(frozen=True)
class Cached:
    """What `cilium-dbg bpf ipcache list` holds of an address."""

    identity: int
    tunnel_endpoint: str


@dataclass(frozen=True)
class Local:
    """What `cilium-dbg bpf endpoint list` holds of an address on its own node."""

    endpoint: int
    interface: int


@dataclass(frozen=True)
class Flow:
    """A packet that Hubble saw, out of `hubble observe`: who sent it to whom, and its end."""

    source: str
    source_identity: int
    target: str
    target_identity: int
    port: int
    end: str


def endpoints(printed: str) -> list[Endpoint]:
    """Read `cilium-dbg endpoint list -o json`."""
    return [
        Endpoint(
            id=one["id"],
            identity=one["status"]["identity"]["id"],
            address=one["status"]["networking"]["addressing"][0].get("ipv4", ""),
            labels=tuple(one["status"]["identity"]["labels"]),
            enforcement=one["status"]["policy"]["realized"]["policy-enabled"],
        )
        for one in json.loads(printed)
        if one["status"]["networking"].get("addressing")
    ]


def entries(printed: str) -> list[Entry]:
    """Read `cilium-dbg bpf policy get -n ENDPOINT`."""
    rows = (line.split() for line in printed.splitlines()[1:])
    return [Entry(row[0], row[1], int(row[2]), row[3]) for row in rows if len(row) > 4]


def reserved(printed: str) -> dict[int, str]:
    """The identities that no pod has, out of `cilium-dbg identity list`: 1 is `host`."""
    found = re.findall(r"^(\d+)\s+reserved:(\S+)", printed, re.MULTILINE)
    return {int(number): name for number, name in found}


def cached(printed: str, address: str) -> Cached:
    """The entry of an address in `cilium-dbg bpf ipcache list`.

    Raises:
        CheckFailed: there is none.
    """
    match = re.search(
        rf"^{re.escape(address)}/32\s+identity=(\d+) .*?tunnelendpoint=(\S+)",
        printed,
        re.MULTILINE,
    )
    if not match:
        raise CheckFailed(f"Cilium's cache of addresses does not know {address}; try again.")
    return Cached(int(match[1]), match[2])


def local(printed: str, address: str) -> Local:
    """The entry of an address in `cilium-dbg bpf endpoint list`.

    Raises:
        CheckFailed: there is none.
    """
    match = re.search(
        rf"^{re.escape(address)}:0\s+id=(\d+)\s.*?\sifindex=(\d+)\s", printed, re.MULTILINE
    )
    if not match:
        raise CheckFailed(f"Cilium knows no endpoint {address} on its node; try again.")
    return Local(int(match[1]), int(match[2]))


_FLOW = re.compile(
    r"(?P<source>\S+/\S+):\d+ \(ID:(?P<from>\d+)\) (?:->|<>) "
    r"(?P<target>\S+/\S+):(?P<port>\d+) \(ID:(?P<to>\d+)\) (?P<end>.+)"
)


def flows(printed: str) -> list[Flow]:
    """The packets from pod to pod, each kind once, out of what `hubble observe` printed.

    The sender's port and the time change with every packet and are left out. So are packets that
    open no connection: the last of an earlier connection may be dropped too, or may not.
    """
    found = (
        Flow(m["source"], int(m["from"]), m["target"], int(m["to"]), int(m["port"]), m["end"])
        for m in _FLOW.finditer(printed)
        if "TCP Flags" not in m["end"] or "SYN" in m["end"]
    )
    return sorted(set(found), key=lambda flow: (flow.source, flow.target, flow.port, flow.end))
