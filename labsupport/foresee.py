"""What the specification says of a connection between the pods of a cast.

The oracle judges endpoints; this makes them from a cast, and adds that a connection by
name needs an answer from the cluster's DNS first.
"""

from collections.abc import Iterable

from labsupport import oracle
from labsupport.cast import OUTSIDE, Cast
from labsupport.connection import Connection
from labsupport.oracle import Decision, Endpoint, Policy

# As CoreDNS is deployed by kubeadm, and so by kind
# (https://github.com/kubernetes/kubernetes/blob/v1.36.1/cmd/kubeadm/app/phases/addons/dns/manifests.go).
DNS = Endpoint(
    "the cluster's DNS",
    "kube-system",
    {"k8s-app": "kube-dns"},
    {"kubernetes.io/metadata.name": "kube-system"},
)
DNS_PORT = 53
HOST = "203.0.113.7"
"""Stands for the address of the host outside, which only a cluster knows (RFC 5737)."""


def foresee(policies: Iterable[Policy], cast: Cast, connection: Connection) -> Decision:
    """Whether a connection is allowed, and why.

    Args:
        policies: all NetworkPolicy objects there are.
        cast: the pods and namespaces.
        connection: by address, by the name of a Service, or through a node port that keeps
            the client's address, which is a connection to the pod. What happens on other
            ways is left open.
    """
    source, target = endpoint(cast, connection.source), endpoint(cast, connection.target)
    return between(policies, source, target, connection)


def between(
    policies: Iterable[Policy], source: Endpoint, target: Endpoint, connection: Connection
) -> Decision:
    """The same for two endpoints, whatever their names are in the connection."""
    assert connection.via in ("pod", "service name", "node port"), connection  # noqa: S101
    known = list(policies)
    if connection.via == "service name":
        resolved = oracle.decide(known, source, DNS, DNS_PORT, "UDP")
        if not resolved.allowed:
            return Decision(False, f"the name is not resolved: {resolved.why}")
    return oracle.decide(known, source, target, connection.port, connection.protocol)


def endpoint(cast: Cast, name: str) -> Endpoint:
    """A pod of the cast, or the host outside, as the oracle knows it.

    Policies do not select host-network pods.
    """
    if name == OUTSIDE:
        return Endpoint(name, address=HOST)
    pod = cast.pods[name]
    if pod.host_network:
        return Endpoint(name)
    own = {"kubernetes.io/metadata.name": pod.namespace}
    return Endpoint(
        name,
        pod.namespace,
        pod.labels,
        cast.namespaces[pod.namespace] | own,
        {(port, "TCP"): number for port, number in pod.named.items()},
    )
