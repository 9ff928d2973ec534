"""Whether a cluster's own workloads are ready, by what its API server would say."""

import pytest

from labsupport import cni


class Cluster:
    def __init__(self, daemonsets=(), deployments=()):
        self.objects = {"DaemonSet": list(daemonsets), "Deployment": list(deployments)}

    def list(self, version, kind):
        assert version == "apps/v1"
        return self.objects[kind]


def agent(ready, namespace="kube-flannel"):
    return {
        "metadata": {"namespace": namespace, "name": "agent"},
        "status": {"desiredNumberScheduled": 2, "numberReady": ready},
    }


def dns(**status):
    return {"metadata": {"namespace": "kube-system", "name": "coredns"}, "status": status}


def test_all_ready():
    full = dns(replicas=2, readyReplicas=2)
    assert cni.unready(Cluster([agent(2)], [full])) is None
    assert cni.unready(Cluster()) is None


@pytest.mark.parametrize("ready", [0, 1])
def test_an_agent_that_does_not_run_is_named(ready):
    found = cni.unready(Cluster([agent(ready)]))
    assert found == f"{ready} of 2 pods of kube-flannel/agent are ready"


def test_no_ready_pod_at_all_leaves_the_field_out():
    found = cni.unready(Cluster([], [dns(replicas=2, unavailableReplicas=2)]))
    assert found == "0 of 2 pods of kube-system/coredns are ready"


def test_what_users_run_is_not_the_clusters():
    assert cni.unready(Cluster([agent(0, namespace="shop")])) is None
