"""The way of a packet from a pod on node A to a pod on node B, along the nodes' real devices.

Every step comes from what the kernel says: the pod's end of its veth pair and the number of
the other end, the bridge that this is a port of, the routes, the VXLAN device and to which
node it sends. Where Cilium's eBPF programs choose instead of the routes, from their maps.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from labsupport.errors import CheckFailed
from labsupport.nodeview import Node
from labsupport.stablenames import Names


@dataclass(frozen=True)
class Hop:
    """A device that the packet crosses.

    Attributes:
        place: where the device is, such as `node A`.
        device: its name.
        kind: what it is, in words.
        onward: the line that sends the packet on from here, as the command printed it.
        command: that command.
        policy: what of the policy stands here, in words.
    """

    place: str
    device: str
    kind: str
    onward: str = ""
    command: str = ""
    policy: str = ""

    def to_json(self) -> dict[str, Any]:
        """The hop as part of a capture."""
        return asdict(self)


@dataclass(frozen=True)
class Device:
    """A network device of a node or a pod, out of `ip -d -o link`."""

    index: int
    name: str
    peer: int | None
    master: str | None
    mac: str
    vxlan: dict[str, str] | None


@dataclass(frozen=True)
class Wire:
    """A pod's veth pair: the network namespace, the pod's end and the node's end."""

    namespace: str
    inside: Device
    outside: Device


def devices(printed: str) -> list[Device]:
    """Read what `ip -d -o link show` printed."""
    return [_device(line) for line in printed.splitlines() if re.match(r"\d+: ", line)]


def _device(line: str) -> Device:
    head = re.match(r"(\d+): ([^:@]+)(?:@(\S+))?:", line)
    assert head is not None  # noqa: S101 (every line of `ip -o` begins so)
    peer = re.fullmatch(r"if(\d+)", head[3] or "")
    master = re.search(r" master (\S+)", line)
    mac = re.search(r"link/\w+ ([0-9a-f:]{17})", line)
    return Device(
        index=int(head[1]),
        name=head[2],
        peer=int(peer[1]) if peer else None,
        master=master[1] if master else None,
        mac=mac[1] if mac else "",
        vxlan=_vxlan(line),
    )


def _vxlan(line: str) -> dict[str, str] | None:
    """The settings of a VXLAN device: `id`, `dstport`; Cilium's has an id for each packet."""
    settings = re.search(r"\bvxlan (?:id (\d+)|external)\b.*?\bdstport (\d+)", line)
    return {"id": settings[1] or "", "port": settings[2]} if settings else None


def sections(printed: str) -> dict[str, str]:
    """What `ip -all netns exec` printed, by network namespace."""
    parts = re.split(r"^netns: (\S+)\n", printed, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def wire(addresses: str, links: str, of_node: Sequence[Device], address: str) -> Wire:
    """The veth pair of the pod that has an address.

    Args:
        addresses: of every network namespace, `ip -o addr show dev eth0`.
        links: of every network namespace, `ip -d -o link show dev eth0`.
        of_node: the node's own devices.
        address: the pod's.

    Raises:
        CheckFailed: no pod on the node has this address.
    """
    for namespace, text in sections(addresses).items():
        if re.search(rf"inet {re.escape(address)}/", text):
            inside = devices(sections(links)[namespace])[0]
            outside = next(d for d in of_node if d.index == inside.peer)
            return Wire(namespace, inside, outside)
    raise CheckFailed(f"No pod with the address {address} runs on this node any more; try again.")


def best_route(printed: str) -> str:
    """The most exact of the routes that `ip route show to match ADDRESS` printed."""

    def length(line: str) -> int:
        network = line.split()[0]
        prefix = re.search(r"/(\d+)$", network)
        return 0 if network == "default" else int(prefix[1]) if prefix else 32

    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    return max(lines, key=length, default="")


def route_device(route: str) -> str:
    """The device of a route."""
    match = re.search(r"\bdev (\S+)", route)
    return match[1] if match else ""


def route_gateway(route: str) -> str | None:
    """The next hop of a route, where it has one."""
    match = re.search(r"\bvia (\S+)", route)
    return match[1] if match else None


class Side:
    """What the way looks like on one node: its devices, and those of one pod on it."""

    def __init__(self, node: Node, pod: str, address: str, names: Names) -> None:
        self.node, self.pod, self.address, self.names = node, pod, address, names
        self.devices = devices(node.run("ip -d -o link show"))
        self.wire = wire(
            node.run("ip -all netns exec ip -o addr show dev eth0"),
            node.run("ip -all netns exec ip -d -o link show dev eth0"),
            self.devices,
            address,
        )
        prefix = re.match(r"[a-z]+", self.wire.outside.name)
        self.names.call(self.wire.outside.name, f"{prefix[0] if prefix else 'veth'}-{pod}")
        self.names.call(address, f"{pod}-ip")

    @property
    def vxlan(self) -> Device:
        """The node's VXLAN device.

        Raises:
            CheckFailed: it has none.
        """
        for device in self.devices:
            if device.vxlan is not None:
                return device
        raise CheckFailed(f"{self.node.name} has no VXLAN device; is its CNI installed?")

    def route(self, address: str) -> str:
        """The node's route to an address, as `ip route` prints it."""
        return best_route(self.node.run(f"ip route show to match {address}"))

    def pod_route(self) -> str:
        """The pod's own route out."""
        printed = self.node.run(f"ip -n {self.wire.namespace} route show default")
        return best_route(printed)

    def pod_end(self, onward: bool) -> Hop:
        """The pod's end of the veth pair."""
        route = self.pod_route() if onward else ""
        return Hop(
            f"pod {self.pod}", self.wire.inside.name, "the pod's end of its veth pair",
            self.names(route), "ip route" if onward else "",
        )  # fmt: skip

    def node_end(self, **more: str) -> Hop:
        """The node's end of the veth pair."""
        kind = "the node's end of the veth pair"
        return Hop(self.node.called, self.names(self.wire.outside.name), kind, **more)

    def bridge(self, **more: str) -> list[Hop]:
        """The bridge that the node's end is a port of, where it is one."""
        master = self.wire.outside.master
        kind = "a bridge, to which the pods of the node are plugged"
        return [Hop(self.node.called, master, kind, **more)] if master else []

    def tunnel(self, **more: str) -> Hop:
        """The VXLAN device."""
        vxlan = self.vxlan.vxlan or {}
        number = f"id {vxlan['id']}" if vxlan["id"] else "an id for each packet"
        kind = f"VXLAN, {number}, UDP port {vxlan['port']}"
        return Hop(self.node.called, self.vxlan.name, kind, **more)
