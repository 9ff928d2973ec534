"""What a workshop's participant gets on a shared cluster, and may do there.

A participant is an admin of namespaces with a prefix, such as `p01-shop`, and nothing
anywhere else. Pod Security keeps pods from the nodes, quotas keep one participant from
taking the cluster. The service accounts live in a namespace of their own, where no
participant has a right, so that nobody can prolong a token.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LABEL = "netpol-lab/workshop"
"""On everything that a workshop makes; its value is the participant."""
ACCOUNTS = "netpol-lab-workshop"
"""The namespace of the service accounts."""
PLACES = ("shop", "clients", "verify")
"""Namespaces of each participant: two to write policies in, and one to measure in."""
MOST = 30
"""Participants: their pods have to fit on one node, which takes 110
(https://kubernetes.io/docs/setup/best-practices/cluster-large/)."""

_RBAC = "rbac.authorization.k8s.io"
# https://kubernetes.io/docs/concepts/security/pod-security-standards/ has the levels. Baseline
# keeps pods from the nodes; restricted is what the lab's own pods keep to, and only warns.
_POD_SECURITY = {
    "pod-security.kubernetes.io/enforce": "baseline",
    "pod-security.kubernetes.io/warn": "restricted",
}
# `./lab verify` takes three pods of 500 millicores and 128 MiB at most.
_QUOTA = {
    "pods": "10",
    "requests.cpu": "500m",
    "requests.memory": "640Mi",
    "limits.cpu": "5",
    "limits.memory": "1280Mi",
    "services": "10",
    "services.nodeports": "0",
    "services.loadbalancers": "0",
    "persistentvolumeclaims": "0",
    "secrets": "10",
    "configmaps": "10",
    "count/networkpolicies.networking.k8s.io": "30",
    "count/deployments.apps": "5",
    "count/jobs.batch": "5",
}
# What a container gets that asks for nothing; without it the quota would refuse it.
_DEFAULTS = {
    "type": "Container",
    "defaultRequest": {"cpu": "10m", "memory": "32Mi"},
    "default": {"cpu": "500m", "memory": "128Mi"},
}


@dataclass(frozen=True)
class Participant:
    """One participant, by number from 1."""

    number: int

    @property
    def name(self) -> str:
        """The namespaces' prefix without its dash, and the service account: `p01`."""
        return f"p{self.number:02}"

    @property
    def namespaces(self) -> list[str]:
        """The participant's namespaces."""
        return [f"{self.name}-{place}" for place in PLACES]

    @property
    def subject(self) -> dict[str, str]:
        """The participant's service account, as a RoleBinding names it."""
        return {"kind": "ServiceAccount", "name": self.name, "namespace": ACCOUNTS}

    def objects(self) -> list[dict[str, Any]]:
        """Everything that is made for a participant, in the order in which it can be."""
        made = [_object("v1", "ServiceAccount", self.name, self.name, ACCOUNTS)]
        for place in self.namespaces:
            made += [
                _object("v1", "Namespace", place, self.name, labels=_POD_SECURITY),
                _object("v1", "ResourceQuota", "workshop", self.name, place, spec={"hard": _QUOTA}),
                _object(
                    "v1", "LimitRange", "workshop", self.name, place, spec={"limits": [_DEFAULTS]}
                ),
                # The role `admin` includes networking.k8s.io/networkpolicies and pods/exec
                # (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles).
                _object(
                    f"{_RBAC}/v1",
                    "RoleBinding",
                    "workshop",
                    self.name,
                    place,
                    roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": "admin"},
                    subjects=[self.subject],
                ),
            ]
        return made


def accounts() -> dict[str, Any]:
    """The namespace of the service accounts."""
    return _object("v1", "Namespace", ACCOUNTS, "accounts")


def kubeconfig(
    who: Participant, clusters: Mapping[str, Mapping[str, Any]], tokens: Mapping[str, str]
) -> dict[str, Any]:
    """A kubeconfig with a context for each cluster, called as its profile.

    Args:
        who: the participant.
        clusters: the clusters' entries of their own kubeconfigs, by profile.
        tokens: the participant's token on each.
    """
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": next(iter(clusters)),
        "clusters": [{"name": name, "cluster": dict(one)} for name, one in clusters.items()],
        "users": [
            {"name": f"{who.name}-{name}", "user": {"token": tokens[name]}} for name in clusters
        ],
        "contexts": [
            {
                "name": name,
                "context": {
                    "cluster": name,
                    "user": f"{who.name}-{name}",
                    "namespace": who.namespaces[0],
                },
            }
            for name in clusters
        ],
    }


def _object(
    version: str,
    kind: str,
    name: str,
    whose: str,
    namespace: str | None = None,
    labels: Mapping[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    where = {"namespace": namespace} if namespace else {}
    meta = {"name": name, **where, "labels": {LABEL: whose, **(labels or {})}}
    return {"apiVersion": version, "kind": kind, "metadata": meta, **more}
