"""Whether a cluster's own workloads are ready, by what its API server would say."""

from datetime import UTC, datetime

import pytest

from labsupport import cni

STARTED = {"worker": datetime(2026, 11, 27, 1, 30, 30, 500_000, tzinfo=UTC)}
BEFORE, AFTER = "2026-11-27T01:30:29Z", "2026-11-27T01:30:30Z"


class Cluster:
    def __init__(self, *objects):
        self.objects = objects

    def serves(self, manifest):
        return any(one["kind"] == manifest["kind"] for one in self.objects)

    def list(self, version, kind):
        versions = {"Pod": "v1", "CiliumEndpoint": "cilium.io/v2"}
        assert version == versions.get(kind, "apps/v1")
        return [one for one in self.objects if one["kind"] == kind]


def metadata(name, namespace):
    return {"name": name, "namespace": namespace, "labels": {"app": name, "hash": "1"}}


def agents(namespace="kube-flannel"):
    """A DaemonSet for two nodes, whose controller has not looked again since they were ready."""
    return {
        "kind": "DaemonSet",
        "metadata": metadata("agent", namespace),
        "spec": {"selector": {"matchLabels": {"app": "agent"}}},
        "status": {"desiredNumberScheduled": 2, "numberReady": 2},
    }


def dns():
    return {
        "kind": "Deployment",
        "metadata": metadata("coredns", "kube-system"),
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "coredns"}}},
        "status": {},
    }


def pod(name="agent", ready=True, begun=AFTER, node="worker", namespace="kube-flannel"):
    state = {"running": {"startedAt": begun}} if begun else {"waiting": {}}
    return {
        "kind": "Pod",
        "metadata": metadata(name, namespace),
        "spec": {"nodeName": node},
        "status": {
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"state": state}],
        },
    }


def unscheduled():
    return {"kind": "Pod", "metadata": metadata("agent", "kube-flannel"), "spec": {}}


def test_all_ready():
    names = [pod("coredns", namespace="kube-system")] * 2
    assert cni.unready(Cluster(agents(), pod(), pod(), dns(), *names), STARTED) is None
    assert cni.unready(Cluster(), STARTED) is None


@pytest.mark.parametrize(
    "pods", [[], [pod(ready=False)], [pod(ready=False, begun=None)], [unscheduled()]]
)
def test_an_agent_that_does_not_run_is_named(pods):
    found = cni.unready(Cluster(agents(), pod(), *pods), STARTED)
    assert found == "1 of 2 pods of kube-flannel/agent are ready"


def test_a_deployment_without_a_pod_is_named():
    found = cni.unready(Cluster(dns(), pod()), STARTED)
    assert found == "0 of 2 pods of kube-system/coredns are ready"


def test_what_users_run_is_not_the_clusters():
    theirs = pod(ready=False, begun=BEFORE, namespace="shop")
    assert cni.unready(Cluster(agents("shop"), theirs), STARTED) is None


def test_a_restarted_nodes_old_word_is_not_believed():
    found = cni.unready(Cluster(agents(), pod(), pod(begun=BEFORE)), STARTED)
    assert found == "node worker was started and has not yet reported its pods"


def at(node, kind="Pod", namespace="kube-system"):
    """A pod on a node with this address, or what Cilium keeps of it."""
    status = {"hostIP": node} if node else {}
    if kind == "CiliumEndpoint":
        status = {"networking": {"node": node}} if node else {}
    return {"kind": kind, "metadata": metadata("coredns", namespace), "status": status}


def test_a_pod_that_cilium_looks_for_where_its_node_was_is_found():
    pod = at("172.18.0.7")
    assert cni.mistaken(Cluster(pod, at("172.18.0.8", "CiliumEndpoint"))) == [pod]


@pytest.mark.parametrize("node", ["172.18.0.7", None])
@pytest.mark.parametrize("recorded", ["172.18.0.7", None])
def test_pods_that_cilium_knows_rightly_or_are_new_are_not(node, recorded):
    assert cni.mistaken(Cluster(at(node), at(recorded, "CiliumEndpoint"))) == []
    assert cni.mistaken(Cluster(at(node))) == []


def test_pods_of_users_are_not_replaced():
    theirs = at("172.18.0.7", namespace="shop"), at("172.18.0.8", "CiliumEndpoint", "shop")
    assert cni.mistaken(Cluster(*theirs)) == []
