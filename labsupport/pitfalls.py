"""What commonly goes wrong with a NetworkPolicy, looked for in one policy by itself.

Each function below is one mistake. What takes several policies to see is in `together`.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

from labsupport import oracle

Policy = Mapping[str, Any]

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label that the API server gives every namespace, with its name as the value.

https://kubernetes.io/docs/concepts/services-networking/network-policies/#targeting-a-namespace-by-its-name
"""

# https://kubernetes.io/docs/reference/labels-annotations-taints/
_WELL_KNOWN = (
    NAMESPACE_NAME,
    "app.kubernetes.io/component",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/name",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/version",
    "k8s-app",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "pod-security.kubernetes.io/enforce",
    "statefulset.kubernetes.io/pod-name",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
)


class Level(StrEnum):
    """How much a finding matters."""

    REFUSED = "refused"  # the API server does not accept it
    WARNING = "warning"  # it likely does not do what was meant
    NOTE = "note"  # it does what it says, which surprises many


@dataclass(frozen=True)
class Finding:
    """Something worth knowing about a policy.

    Attributes:
        level: how much it matters.
        field: where, such as `spec.ingress[0].from[1]`.
        message: one sentence or two.
    """

    level: Level
    field: str
    message: str


def find(policy: Policy) -> list[Finding]:
    """What is worth knowing about one policy, what matters most first."""
    found = [finding for look in _LOOKS for finding in look(policy)]
    return sorted(found, key=lambda finding: list(Level).index(finding.level))


def rules(policy: Policy) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each rule with its field and the name of its list of peers."""
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(policy["spec"].get(direction, [])):
            yield f"spec.{direction}[{number}]", peers, rule


def peers(policy: Policy) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each item of each `from` and `to`, with its field."""
    for field, name, rule in rules(policy):
        for number, peer in enumerate(rule.get(name, [])):
            yield f"{field}.{name}[{number}]", peer


def _selectors(policy: Policy) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "spec.podSelector", policy["spec"].get("podSelector", {})
    for field, peer in peers(policy):
        for name in ("podSelector", "namespaceSelector"):
            if name in peer:
                yield f"{field}.{name}", peer[name]


def _keys(policy: Policy) -> Iterator[tuple[str, str]]:
    """Every label key that a selector speaks of, with the selector's field."""
    for field, selector in _selectors(policy):
        for key in selector.get("matchLabels", {}):
            yield field, key
        for expression in selector.get("matchExpressions", []):
            yield field, expression["key"]


def _namespace_missing(policy: Policy) -> Iterator[Finding]:
    if "namespace" not in policy["metadata"]:
        yield Finding(
            Level.NOTE,
            "metadata.namespace",
            "is missing, so the policy goes to whatever namespace kubectl's context or -n names; "
            "a NetworkPolicy works only in its own namespace.",
        )


def _selector_missing(policy: Policy) -> Iterator[Finding]:
    if "podSelector" not in policy["spec"]:
        yield Finding(
            Level.WARNING,
            "spec.podSelector",
            "is missing, which is read as an empty one: every pod of the namespace. "
            "Write `podSelector: {}` where that is meant.",
        )


def _types_missing(policy: Policy) -> Iterator[Finding]:
    spec = policy["spec"]
    if spec.get("policyTypes"):
        return
    if spec.get("egress") and not spec.get("ingress"):
        yield Finding(
            Level.WARNING,
            "spec.policyTypes",
            "is missing, and Ingress is always implied: beside limiting egress this policy "
            "lets nothing in. Write `policyTypes: [Egress]` where only egress is meant.",
        )
    elif "egress" in spec and not spec["egress"]:
        yield Finding(
            Level.WARNING,
            "spec.policyTypes",
            "is missing, and an empty egress list does not imply Egress: what the pods send is "
            "not restricted. Write `policyTypes: [Ingress, Egress]` to deny it.",
        )
    else:
        implied = ", ".join(oracle.policy_types(policy))
        yield Finding(Level.NOTE, "spec.policyTypes", f"is missing, which means [{implied}].")


def _types_without(policy: Policy) -> Iterator[Finding]:
    for direction in ("ingress", "egress"):
        if policy["spec"].get(direction) and direction.title() not in oracle.policy_types(policy):
            yield Finding(
                Level.WARNING,
                f"spec.{direction}",
                f"has rules, but policyTypes does not list {direction.title()}: they do nothing.",
            )


def _open_rule(policy: Policy) -> Iterator[Finding]:
    for field, name, rule in rules(policy):
        if not rule.get(name) and not rule.get("ports"):
            yield Finding(
                Level.WARNING,
                field,
                "has neither peers nor ports and so allows everything, whatever other rules "
                "say. To allow nothing, leave the rule out.",
            )
        elif rule.get(name) == []:
            yield Finding(
                Level.WARNING,
                f"{field}.{name}",
                "is an empty list, which means everyone, not no one.",
            )


def _two_peers(policy: Policy) -> Iterator[Finding]:
    for field, name, rule in rules(policy):
        kinds = [set(peer) for peer in rule.get(name, [])]
        for number, pair in enumerate(pairwise(kinds)):
            if sorted(map(sorted, pair)) == [["namespaceSelector"], ["podSelector"]]:
                yield Finding(
                    Level.WARNING,
                    f"{field}.{name}[{number + 1}]",
                    "is an item of its own: the two selectors mean one or the other, and the "
                    "podSelector means pods of the policy's own namespace. For pods that match "
                    "within namespaces that match, put both into one item, under one dash.",
                )


def _both_in_one(policy: Policy) -> Iterator[Finding]:
    for field, peer in peers(policy):
        if {"namespaceSelector", "podSelector"} == set(peer):
            yield Finding(
                Level.NOTE,
                field,
                "has both selectors in one item: a pod and its namespace must match.",
            )


def _empty_in_peer(policy: Policy) -> Iterator[Finding]:
    for field, peer in peers(policy):
        if peer == {"podSelector": {}}:
            yield Finding(
                Level.NOTE,
                f"{field}.podSelector",
                "is empty, which means every pod of the policy's own namespace, not everyone: "
                "other namespaces and the world outside are not among them.",
            )
        elif peer.get("namespaceSelector") == {} and not peer.get("podSelector"):
            yield Finding(
                Level.NOTE,
                f"{field}.namespaceSelector",
                "is empty, which means every pod of every namespace, and nothing outside.",
            )


def _typo(policy: Policy) -> Iterator[Finding]:
    for field, key in _keys(policy):
        near = difflib.get_close_matches(key, _WELL_KNOWN, 1, cutoff=0.88)
        if near and key not in _WELL_KNOWN:
            yield Finding(
                Level.WARNING,
                field,
                f"speaks of the label {key}, which looks like a slip of {near[0]}; a selector "
                "that matches nothing is no error to Kubernetes.",
            )


def _namespace_by_name(policy: Policy) -> Iterator[Finding]:
    for field, key in _keys(policy):
        if field.endswith("podSelector") and key == NAMESPACE_NAME:
            yield Finding(
                Level.WARNING,
                field,
                f"speaks of {key}, a label of namespaces, not of pods; it belongs into a "
                "namespaceSelector.",
            )
        elif field.endswith("namespaceSelector") and key == "name":
            yield Finding(
                Level.WARNING,
                field,
                "speaks of a label `name`, which namespaces have only where somebody set it; "
                f"the one that the API server sets is {NAMESPACE_NAME}.",
            )


def _absent_labels(policy: Policy) -> Iterator[Finding]:
    for field, selector in _selectors(policy):
        for expression in selector.get("matchExpressions", []):
            if expression["operator"] == "NotIn":
                yield Finding(
                    Level.NOTE,
                    field,
                    f"with NotIn also matches what has no label {expression['key']} at all.",
                )


_LOOKS: tuple[Callable[[Policy], Iterator[Finding]], ...] = (
    _namespace_missing,
    _selector_missing,
    _types_missing,
    _types_without,
    _open_rule,
    _two_peers,
    _both_in_one,
    _empty_in_peer,
    _typo,
    _namespace_by_name,
    _absent_labels,
)
