"""Read what `ip` says of a node's devices and routes.

https://man7.org/linux/man-pages/man8/ip-link.8.html
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from labsupport.errors import CheckFailed


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
    """The most exact of the routes that `ip route show to match ADDRESS` printed.

    Calico's blackhole for its node's own pods is no way to anywhere.
    """

    def length(line: str) -> int:
        network = line.split()[0]
        prefix = re.search(r"/(\d+)$", network)
        return 0 if network == "default" else int(prefix[1]) if prefix else 32

    lines = [line.strip() for line in printed.splitlines()]
    lines = [line for line in lines if line and not line.startswith("blackhole")]
    return max(lines, key=length, default="")


def route_device(route: str) -> str:
    """The device of a route."""
    match = re.search(r"\bdev (\S+)", route)
    return match[1] if match else ""


def route_gateway(route: str) -> str | None:
    """The next hop of a route, where it has one."""
    match = re.search(r"\bvia (\S+)", route)
    return match[1] if match else None
