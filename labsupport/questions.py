"""What `./lab verify` asks a cluster: two cases, and the three pods that they are played on."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labsupport.cases import Case, Step
from labsupport.connection import Connection
from labsupport.lane import Lane
from labsupport.pods import PORT
from labsupport.verdict import Expected
from labsupport.visit import POD_LABEL, PODS, RUN_LABEL, Visit

GROUP = "verify"
_SPECIFICATION = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"


@dataclass(frozen=True)
class _OneNamespace(Lane):
    """The three pods as a lane: all in one namespace, with names of this visit."""

    visit: Visit | None = None

    def localise(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """A policy under this visit's name, that selects this visit's pod and no other."""
        assert self.visit is not None  # noqa: S101 (a default is needed after Lane's own)
        moved = copy.deepcopy(dict(manifest))
        moved["spec"]["podSelector"]["matchLabels"][RUN_LABEL] = self.visit.name
        return self.visit.labelled(moved, self.visit.called(moved["metadata"]["name"]))


def questions() -> list[Case]:
    """The two cases that every cluster is asked."""
    return [
        _case(
            "ingress", "Ingress",
            denied="verify/client -> verify/no-ingress",
            allowed="verify/no-ingress -> verify/client",
        ),
        _case(
            "egress", "Egress",
            denied="verify/no-egress -> verify/client",
            allowed="verify/no-ingress -> verify/no-egress",
        ),
    ]  # fmt: skip


def lanes(visit: Visit) -> list[Lane]:
    """The three pods twice, for two cases that do not touch each other's connections."""
    addresses = {f"verify/{word}": address for word, address in visit.addresses.items()}
    probers = {f"verify/{word}": visit.prober(word) for word in PODS}
    return [
        _OneNamespace(visit.kube, n, "", dict(addresses), {}, dict(probers), (), visit=visit)
        for n in (1, 2)
    ]


def _case(direction: str, kind: str, denied: str, allowed: str) -> Case:
    """A case that denies one pod everything in one direction."""
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"deny-{direction}"},
        "spec": {
            "podSelector": {"matchLabels": {POD_LABEL: f"no-{direction}"}},
            "policyTypes": [kind],
        },
    }
    expected = {
        Connection.parse(f"{denied}:{PORT}"): Expected.DENIED,
        Connection.parse(f"{allowed}:{PORT}"): Expected.ALLOWED,
    }
    return Case(
        id=f"verify-{direction}",
        group=GROUP,
        title=f"{kind} is enforced",
        shows=f"Whether a policy that allows no {direction} keeps packets from a pod.",
        why="A policy is accepted and listed whether or not anything enforces it.",
        source=_SPECIFICATION,
        question=f"How do you show that {direction} policies are enforced on a cluster?",
        steps=(Step(f"deny all {direction} of one pod", (policy,), expected),),
    )
