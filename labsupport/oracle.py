"""What the NetworkPolicy specification says should happen, and which policy says so.

A plain evaluator of networking.k8s.io/v1, as its API reference words it
(https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/).
It knows no CNI. What the specification leaves open is not decided here: an ipBlock is meant
for addresses outside the cluster, so it never matches a pod.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Policy = Mapping[str, Any]
Direction = Literal["Ingress", "Egress"]


@dataclass(frozen=True)
class Endpoint:
    """A pod, or with an address and without a namespace, something outside the cluster.

    Attributes:
        name: for the explanation.
        namespace: the pod's namespace, empty outside the cluster.
        labels: the pod's labels.
        namespace_labels: its namespace's labels.
        ports: numbers of the pod's named ports, by name and protocol.
        address: an IP address outside the cluster.
    """

    name: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[tuple[str, str], int] = field(default_factory=dict)
    address: str = ""


@dataclass(frozen=True)
class Decision:
    """Whether a connection is allowed, and the sentence that says why."""

    allowed: bool
    why: str


def decide(
    policies: Iterable[Policy],
    source: Endpoint,
    target: Endpoint,
    port: int,
    protocol: str = "TCP",
) -> Decision:
    """Whether `source` may open a connection to `target`.

    Both sides have a say: the source's egress and the target's ingress must allow it.
    Replies to an allowed connection are allowed with it.
    """
    known = list(policies)
    out = _side(known, "Egress", source, target, target, port, protocol)
    if not out.allowed:
        return out
    back = _side(known, "Ingress", target, source, target, port, protocol)
    return back if not back.allowed else Decision(True, f"{out.why}; {back.why}")


def isolating(policies: Iterable[Policy], pod: Endpoint, direction: Direction) -> list[Policy]:
    """The policies that select a pod and apply to a direction; none means all is allowed."""
    return [
        policy
        for policy in policies
        if pod.namespace
        and policy["metadata"].get("namespace", "default") == pod.namespace
        and direction in policy_types(policy)
        and selects(policy["spec"].get("podSelector"), pod.labels)
    ]


def policy_types(policy: Policy) -> list[str]:
    """`policyTypes` as given; otherwise Ingress, and Egress where there are egress rules."""
    spec = policy["spec"]
    if spec.get("policyTypes"):
        return list(spec["policyTypes"])
    return ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; an empty one matches everything.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
    """
    selector = selector or {}
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _meets(expression, labels) for expression in selector.get("matchExpressions") or []
    )


def _meets(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, operator = expression["key"], expression["operator"]
    values = expression.get("values") or []
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    # A label that is absent is in no set, so NotIn matches it.
    return bool((labels.get(key) in values) == (operator == "In"))


def _side(
    policies: Sequence[Policy],
    direction: Direction,
    pod: Endpoint,
    peer: Endpoint,
    target: Endpoint,
    port: int,
    protocol: str,
) -> Decision:
    """One direction: what the policies on `pod` say of its connection with `peer`."""
    word = direction.lower()
    selecting = isolating(policies, pod, direction)
    if not selecting:
        return Decision(True, f"no policy isolates {pod.name} for {word}")
    for policy in selecting:
        for number, rule in enumerate(policy["spec"].get(word) or []):
            peers = rule.get("from" if direction == "Ingress" else "to")
            if _any_peer(peers, peer, pod.namespace) and _any_port(
                rule.get("ports"), target, port, protocol
            ):
                name = policy["metadata"]["name"]
                return Decision(True, f"{name} allows it in spec.{word}[{number}]")
    names = ", ".join(policy["metadata"]["name"] for policy in selecting)
    return Decision(False, f"{names} isolates {pod.name} for {word}, and no rule allows it")


def _any_peer(peers: Sequence[Mapping[str, Any]] | None, peer: Endpoint, namespace: str) -> bool:
    """A rule without peers is open to all of them."""
    return not peers or any(_is_peer(one, peer, namespace) for one in peers)


def _is_peer(described: Mapping[str, Any], peer: Endpoint, namespace: str) -> bool:
    """Whether one item of `from` or `to` describes the peer.

    Both selectors in one item must match; without a namespaceSelector, only pods of the
    policy's own namespace do.
    """
    if "ipBlock" in described:
        return bool(peer.address) and _in_block(described["ipBlock"], peer.address)
    if not peer.namespace or not selects(described.get("podSelector"), peer.labels):
        return False
    if described.get("namespaceSelector") is None:
        return peer.namespace == namespace
    return selects(described["namespaceSelector"], peer.namespace_labels)


def _in_block(block: Mapping[str, Any], address: str) -> bool:
    ip = ipaddress.ip_address(address)
    excepted = any(ip in ipaddress.ip_network(cidr) for cidr in block.get("except") or [])
    return ip in ipaddress.ip_network(block["cidr"]) and not excepted


def _any_port(
    ports: Sequence[Mapping[str, Any]] | None, target: Endpoint, port: int, protocol: str
) -> bool:
    """A rule without ports is open on all of them, in every protocol."""
    return not ports or any(_is_port(one, target, port, protocol) for one in ports)


def _is_port(described: Mapping[str, Any], target: Endpoint, port: int, protocol: str) -> bool:
    if described.get("protocol", "TCP") != protocol:
        return False
    first = described.get("port")
    if first is None:
        return True
    if isinstance(first, str):
        return target.ports.get((first, protocol)) == port
    return bool(first <= port <= described.get("endPort", first))
