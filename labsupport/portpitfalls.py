"""What commonly goes wrong with the ports and addresses of a NetworkPolicy."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from labsupport.pitfalls import Finding, Level, Policy, peers, rules

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# What pods usually have: https://www.rfc-editor.org/rfc/rfc1918, rfc6598 and rfc4193.
_PRIVATE: tuple[Network, ...] = tuple(
    ipaddress.ip_network(cidr)
    for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


def find(policy: Policy) -> list[Finding]:
    """What is worth knowing about one policy's ports and addresses."""
    found = [finding for field, port in _ports(policy) for finding in _port(field, port)]
    for field, peer in peers(policy):
        if "ipBlock" in peer:
            found += _block(f"{field}.ipBlock", peer)
        elif not peer:
            found.append(
                Finding(Level.REFUSED, field, "names no peer; `from` or `to` without items is all.")
            )
    return found


def network(cidr: str) -> Network | None:
    """A CIDR as a network, or None where it is not one."""
    try:
        return ipaddress.ip_network(cidr, strict=False) if "/" in cidr else None
    except ValueError:
        return None


def _ports(policy: Policy) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for field, _, rule in rules(policy):
        for number, port in enumerate(rule.get("ports", [])):
            yield f"{field}.ports[{number}]", port


def _port(field: str, described: Mapping[str, Any]) -> Iterator[Finding]:
    """One item of `ports`; the API server's rules for endPort are in its reference.

    https://kubernetes.io/docs/concepts/services-networking/network-policies/#targeting-a-range-of-ports
    """
    port, end = described.get("port"), described.get("endPort")
    if isinstance(port, str) and not any(letter.isalpha() for letter in port):
        yield Finding(Level.REFUSED, f"{field}.port", f"is the text {port!r}; write the number.")
    elif isinstance(port, str):
        yield Finding(
            Level.NOTE,
            f"{field}.port",
            f"is a name: each target pod says itself which number {port} is, and a pod that "
            "names no such port is not reached. It is the pod's name, not its Service's.",
        )
    if end is not None and not isinstance(port, int):
        lacking = (
            "needs `port` beside it" if port is None else "needs a number in `port`, not a name"
        )
        yield Finding(Level.REFUSED, f"{field}.endPort", f"{lacking}.")
    elif end is not None and isinstance(port, int) and end < port:
        yield Finding(Level.REFUSED, f"{field}.endPort", f"is {end}, which is below port {port}.")
    if port is not None and "protocol" not in described:
        yield Finding(Level.NOTE, f"{field}.protocol", "is missing, which means TCP alone.")


def _block(field: str, peer: Mapping[str, Any]) -> Iterator[Finding]:
    if len(peer) > 1:
        yield Finding(Level.REFUSED, field, "cannot be in one item with a selector.")
    block = peer["ipBlock"]
    whole = network(block["cidr"])
    if whole is None:
        yield Finding(Level.REFUSED, f"{field}.cidr", f"{block['cidr']!r} is not a CIDR.")
        return
    excepted = []
    for number, cidr in enumerate(block.get("except", [])):
        part = network(cidr)
        if part is None:
            yield Finding(Level.REFUSED, f"{field}.except[{number}]", f"{cidr!r} is not a CIDR.")
        elif not _within(part, whole) or part == whole:
            yield Finding(
                Level.REFUSED, f"{field}.except[{number}]", f"{cidr} is not a part of {whole}."
            )
        else:
            excepted.append(part)
    yield from _covered(field, whole, excepted)
    if excepted:
        yield Finding(
            Level.NOTE,
            f"{field}.except",
            "takes away from this item alone: what another rule or policy allows stays allowed.",
        )
    if ".ingress[" in f".{field}":
        yield Finding(
            Level.NOTE,
            field,
            "sees the source address that arrives at the pod, and a load balancer or node port "
            "may have replaced it by a node's.",
        )


def _covered(field: str, whole: Network, excepted: list[Network]) -> Iterator[Finding]:
    """Private ranges that a block covers, though it is meant for addresses outside.

    https://kubernetes.io/docs/concepts/services-networking/network-policies/#behavior-of-ipblock-selectors
    """
    covered = [
        str(private)
        for private in _PRIVATE
        if private.version == whole.version
        and private.overlaps(whole)
        and not any(_within(private, part) or _within(whole, part) for part in excepted)
    ]
    if covered:
        yield Finding(
            Level.WARNING if whole.prefixlen == 0 else Level.NOTE,
            f"{field}.cidr",
            f"covers addresses of {', '.join(covered)}, which pods may have. ipBlock is meant "
            "for addresses outside the cluster, and network plugins differ on whether it "
            "matches pods; take pods in by selectors, and out by `except`.",
        )


def _within(part: Network, whole: Network) -> bool:
    return (
        part.version == whole.version
        and part.network_address in whole
        and part.broadcast_address in whole
    )
