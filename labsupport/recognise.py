"""Which CNI a cluster seems to run, by what its objects are called.

What is recognised is never what is measured: a name says which documentation applies, and
where the packets say otherwise, `contradiction` tells.
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from labsupport.kube import ApiRefused, Kube
from labsupport.verdict import Verdict


@dataclass(frozen=True)
class Product:
    """A CNI, how it is recognised, and what its own documentation says.

    Attributes:
        name: what it is called.
        daemonsets: names of its DaemonSets.
        groups: API groups that its CRDs are in.
        annotations: what its annotations of nodes begin with.
        enforces: whether its documentation says that NetworkPolicy is enforced, as it is
            installed by default; None where that depends on a setting.
        source: where it says so.
    """

    name: str
    daemonsets: tuple[str, ...]
    groups: tuple[str, ...]
    annotations: tuple[str, ...]
    enforces: bool | None
    source: str


# Canal comes before the two that it is made of, whose signs it shows too.
PRODUCTS = (
    Product(
        "Canal", ("canal", "rke2-canal"), (), (), True,
        "https://docs.tigera.io/calico/latest/getting-started/kubernetes/flannel/install-for-flannel",
    ),
    Product(
        "Calico", ("calico-node",), ("crd.projectcalico.org", "projectcalico.org"),
        ("projectcalico.org/",), True,
        "https://docs.tigera.io/calico/latest/network-policy/get-started/kubernetes-policy/kubernetes-network-policy",
    ),
    Product(
        "Cilium", ("cilium",), ("cilium.io",), ("network.cilium.io/",), True,
        "https://docs.cilium.io/en/stable/network/kubernetes/policy/",
    ),
    Product(
        "Flannel", ("kube-flannel-ds", "kube-flannel"), (), ("flannel.alpha.coreos.com/",), False,
        "https://github.com/flannel-io/flannel#networking-details",
    ),
    Product(
        "Weave Net", ("weave-net",), (), (), True,
        "https://github.com/weaveworks/weave/blob/master/site/kubernetes/kube-addon.md",
    ),
    Product(
        "Antrea", ("antrea-agent",), ("crd.antrea.io",), ("node.antrea.io/",), True,
        "https://antrea.io/docs/main/docs/antrea-network-policy/",
    ),
    Product(
        "AWS VPC CNI", ("aws-node",), ("crd.k8s.amazonaws.com",), (), None,
        "https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy-configure.html",
    ),
    Product(
        "Azure CNI", ("azure-cns", "azure-npm"), ("acn.azure.com",), (), None,
        "https://learn.microsoft.com/azure/aks/use-network-policies",
    ),
    Product(
        "GKE Dataplane V2", ("anetd",), (), (), True,
        "https://cloud.google.com/kubernetes-engine/docs/concepts/dataplane-v2",
    ),
    Product(
        "kube-router", ("kube-router",), (), ("kube-router.io/",), True,
        "https://www.kube-router.io/docs/",
    ),
    Product(
        "OVN-Kubernetes", ("ovnkube-node",), ("k8s.ovn.org",), ("k8s.ovn.org/",), True,
        "https://ovn-kubernetes.io/features/network-security-controls/network-policy/",
    ),
    Product(
        "kindnet", ("kindnet",), (), (), None,
        "https://github.com/kubernetes-sigs/kind/releases/tag/v0.24.0",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Recognised:
    """A product, by which sign, and its version where a sign has it."""

    product: Product
    sign: str
    version: str | None = None

    def __str__(self) -> str:
        version = f" {self.version}" if self.version else ""
        return f"{self.product.name}{version} ({self.sign})"


def look(kube: Kube) -> list[Recognised]:
    """Recognise CNIs by the DaemonSets, or by what a user with few rights may see."""
    daemonsets = _list(kube, "apps/v1", "DaemonSet") or _list(
        kube, "apps/v1", "DaemonSet", "kube-system"
    )
    if found := by_daemonsets(daemonsets):
        return found
    groups: set[str] = set()
    with contextlib.suppress(Exception):  # whatever hides them, another sign may be there
        groups = kube.groups()
    return by_signs(groups, _list(kube, "v1", "Node"))


def by_daemonsets(daemonsets: Iterable[dict[str, Any]]) -> list[Recognised]:
    """Recognise by DaemonSets; the version is the tag of the first container's image."""
    there = {one["metadata"]["name"]: one for one in daemonsets}
    found = []
    for product in PRODUCTS:
        for name in product.daemonsets:
            if name in there:
                where = there[name]["metadata"]["namespace"]
                sign = f"DaemonSet {where}/{name}"
                found.append(Recognised(product, sign, _version(there[name])))
                break
    return found


def by_signs(groups: Iterable[str], nodes: Iterable[dict[str, Any]]) -> list[Recognised]:
    """Recognise by API groups that are served and by annotations of nodes."""
    served = set(groups)
    annotations = [key for node in nodes for key in node["metadata"].get("annotations") or {}]
    found = []
    for product in PRODUCTS:
        group = next((one for one in product.groups if one in served), None)
        start = next((p for p in product.annotations if any(a.startswith(p) for a in annotations)),
                     None)  # fmt: skip
        if group:
            found.append(Recognised(product, f"API group {group}"))
        elif start:
            found.append(Recognised(product, f"nodes annotated {start}"))
    return found


def contradiction(found: Sequence[Recognised], verdicts: Iterable[Verdict]) -> str | None:
    """Where the packets contradict the documentation of what was recognised, in a sentence."""
    seen = set(verdicts)
    says = {one.product.enforces for one in found}
    names = " and ".join(one.product.name for one in found)
    sources = ", ".join(one.product.source for one in found)
    if True in says and seen & {Verdict.NOT_ENFORCED, Verdict.PARTLY}:
        return (
            f"{names} is recognised, which by its documentation enforces NetworkPolicy "
            f"({sources}), but here it was not fully enforced: look whether its agent runs on "
            "every node and whether policy is switched on."
        )
    if says == {False} and Verdict.ENFORCED in seen:
        return (
            f"{names} is recognised, which by its documentation does not enforce NetworkPolicy "
            f"({sources}), but something here does: a policy controller beside it, as in k3s."
        )
    return None


def _list(
    kube: Kube, version: str, kind: str, namespace: str | None = None
) -> list[dict[str, Any]]:
    """What may be listed; nothing where it may not."""
    try:
        return kube.list(version, kind, namespace=namespace)
    except ApiRefused:
        return []


def _version(daemonset: dict[str, Any]) -> str | None:
    image = str(daemonset["spec"]["template"]["spec"]["containers"][0]["image"])
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    return tag or None
