"""The way of a packet from a pod on node A to a pod on node B, over the nodes' real devices.

Each hop's onward line is what the kernel prints, names in place of addresses. Where Cilium's
eBPF programs choose in place of the routes, it is a line of their maps: what leaves a pod
goes by the tunnel endpoint of the target's address, and what arrives by the endpoint map
(https://docs.cilium.io/en/stable/network/ebpf/lifeofapacket/).
"""

import re
from dataclasses import asdict, dataclass
from typing import Any

from labsupport import nodedevices, nodemaps
from labsupport.errors import CheckFailed
from labsupport.nodedevices import Device
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


class Side:
    """One end of the way: a node, and a pod on it by its short name and address."""

    def __init__(self, node: Node, pod: str, address: str, names: Names) -> None:
        self.node, self.pod, self.address, self._names = node, pod, address, names
        self.devices = nodedevices.devices(node.run("ip -d -o link show"))
        self.wire = nodedevices.wire(
            node.run("ip -all netns exec ip -o addr show dev eth0"),
            node.run("ip -all netns exec ip -d -o link show dev eth0"),
            self.devices,
            address,
        )
        way_out = node.run(f"ip -n {self.wire.namespace} route show default")
        self._pod_route = nodedevices.best_route(way_out)
        self._name()

    def _name(self) -> None:
        """Call this side's addresses and devices by whose they are."""
        letter, interface = self.node.letter, self.wire.outside.name
        kind = re.match(r"cali|lxc|veth", interface)
        self._names.call(interface, f"{kind[0] if kind else 'veth'}-{self.pod}")
        own = self.node.run("ip -o -4 addr show dev eth0")
        if found := re.search(r"inet ([\d.]+)/", own):
            self._names.call(found[1], f"node-{letter}-ip")
        gateway = nodedevices.route_gateway(self._pod_route)
        if gateway and not gateway.startswith("169.254."):  # Calico's is the same everywhere
            self._names.call(gateway, f"gateway-{letter}-ip")
        self._names.call(self.vxlan.mac, f"vxlan-{letter}-mac")

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
        return nodedevices.best_route(self.node.run(f"ip route show to match {address}"))

    def leaving(self) -> Hop:
        """The pod's end of the veth pair, from where the packet leaves."""
        return Hop(
            f"pod {self.pod}", self.wire.inside.name, "the pod's end of its veth pair",
            self._names(self._pod_route), "ip route",
        )  # fmt: skip

    def arriving(self) -> Hop:
        """The pod's end of the veth pair, where the packet arrives."""
        return Hop(f"pod {self.pod}", self.wire.inside.name, "the pod's end of its veth pair")

    def node_end(self, onward: str = "", command: str = "", policy: str = "") -> Hop:
        """The node's end of the veth pair."""
        device, kind = self._names(self.wire.outside.name), "the node's end of the veth pair"
        return Hop(self.node.called, device, kind, self._names(onward), command, policy)

    def bridge(self, onward: str = "", command: str = "") -> list[Hop]:
        """The bridge that the node's end is a port of, where it is one."""
        master = self.wire.outside.master
        kind = "a bridge with a port for each pod"
        text = self._names(onward)
        return [Hop(self.node.called, master, kind, text, command)] if master else []

    def tunnel(self, onward: str = "", command: str = "") -> Hop:
        """The VXLAN device."""
        settings = self.vxlan.vxlan or {}
        number = f"id {settings['id']}" if settings["id"] else "an id for each packet"
        kind = f"VXLAN, {number}, UDP port {settings['port']}"
        return Hop(self.node.called, self.vxlan.name, kind, self._names(onward), command)

    def card(self, onward: str = "", command: str = "") -> Hop:
        """The node's own network card, which is a container's on Docker's network."""
        kind = "the node's own network card"
        return Hop(self.node.called, "eth0", kind, self._names(onward), command)


def way(here: Side, there: Side, names: Names, policy: str = "") -> list[Hop]:
    """The way from one side's pod to the other's.

    Args:
        here: where the packet comes from.
        there: where it goes.
        names: what things are called.
        policy: what of a policy stands at the target's end, in words.
    """
    agent = here.node.agent
    if agent and agent.cni == "Cilium":
        return _by_maps(here, there, names, policy)
    return _by_routes(here, there, names, policy)


def _by_routes(here: Side, there: Side, names: Names, policy: str) -> list[Hop]:
    """Where the kernel's routes lead."""
    route, last = here.route(there.address), there.route(there.address)
    _name_route(route, there, names)
    sent = {"onward": route, "command": "ip route"}
    bridged = bool(here.wire.outside.master)
    return [
        here.leaving(),
        here.node_end(**({} if bridged else sent)),
        *here.bridge(**sent),
        here.tunnel(_forwarding(here, there), f"bridge fdb show dev {here.vxlan.name}"),
        *_between(here, there),
        there.tunnel(last, "ip route"),
        *there.bridge(),
        there.node_end(policy=policy),
        there.arriving(),
    ]


def _by_maps(here: Side, there: Side, names: Names, policy: str) -> list[Hop]:
    """Where Cilium's maps lead; the routes are there, and no pod's packet asks them."""
    cached = nodemaps.cached(here.node.ask_agent("cilium-dbg bpf ipcache list"), there.address)
    local = nodemaps.local(there.node.ask_agent("cilium-dbg bpf endpoint list"), there.address)
    # Identities are numbers, made anew with every cluster, and go by whose they are.
    whose = f"{there.address} identity=id-{there.pod}"
    leaves = names(f"{whose} tunnelendpoint={cached.tunnel_endpoint}")
    device = next(d for d in there.devices if d.index == local.interface)
    arrives = names(f"{whose} ifindex={device.name}")
    return [
        here.leaving(),
        here.node_end(leaves, "cilium-dbg bpf ipcache list"),
        here.tunnel(),
        *_between(here, there),
        there.tunnel(arrives, "cilium-dbg bpf endpoint list"),
        there.node_end(policy=policy),
        there.arriving(),
    ]


def _between(here: Side, there: Side) -> list[Hop]:
    """From node to node, over Docker's network, in which they are neighbours."""
    own = there.node.run("ip -o -4 addr show dev eth0")
    found = re.search(r"inet ([\d.]+)/", own)
    route = here.route(found[1]) if found else ""
    network = route.split()[0] if route else ""
    return [here.card(route.replace(network, "nodes", 1), "ip route"), there.card()]


def _name_route(route: str, there: Side, names: Names) -> None:
    """Call the other node's pods, and the address of its VXLAN device, by their node."""
    letter = there.node.letter
    names.call(route.split()[0], f"pods-of-{letter}")
    if gateway := nodedevices.route_gateway(route):
        names.call(gateway, f"vxlan-{letter}-ip")


def _forwarding(here: Side, there: Side) -> str:
    """The forwarding entry that names the node behind the other VXLAN device."""
    lines = here.node.run(f"bridge fdb show dev {here.vxlan.name}").splitlines()
    return next((line for line in lines if line.startswith(there.vxlan.mac)), "")
