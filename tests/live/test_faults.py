"""Faults on real clusters: the verdict is right or inconclusive, and nothing is left behind."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from labsupport import cases, clusterrecord, clusters, runner
from labsupport.kube import Kube
from labsupport.verdict import Verdict

DENY = next(case for case in cases.load() if case.id == "deny-all-ingress")


def policies(lane):
    listed = lane.kube.list("networking.k8s.io/v1", "NetworkPolicy")
    return [p for p in listed if p["metadata"]["namespace"].startswith(f"lab{lane.number}-")]


def run(lane, apply=runner.through_api):
    with ThreadPoolExecutor(8) as pool:
        return runner.run_case(lane, DENY, pool, apply=apply)


@pytest.fixture
def lane(calico):
    return clusters.lanes(calico)[0]


def test_enforcement_taken_away_is_seen(lane):
    """The policy is deleted behind the runner's back: a check that could not fail would pass."""

    def apply_and_lose(lane, case, manifest):
        answer = runner.through_api(lane, case, manifest)
        lane.kube.delete(manifest)
        return answer

    assert run(lane, apply_and_lose)["verdict"] == Verdict.NOT_ENFORCED


def test_a_probe_pod_that_dies_makes_the_case_inconclusive(lane, calico):
    namespace = lane.namespace("warehouse")
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stock", "namespace": namespace}}

    def apply_and_kill(lane, case, manifest):
        lane.kube.delete(pod)
        return runner.through_api(lane, case, manifest)

    result = run(lane, apply_and_kill)
    assert result["verdict"] == Verdict.INCONCLUSIVE
    assert policies(lane) == []
    restored = clusters.lanes(calico)[0]
    assert run(restored)["verdict"] == Verdict.ENFORCED


def test_a_refused_policy_is_inconclusive_and_says_why(lane):
    def apply_nonsense(lane, case, manifest):
        return runner.through_api(
            lane, case, {**manifest, "spec": {**manifest["spec"], "policyTypes": ["Sideways"]}}
        )

    result = run(lane, apply_nonsense)
    assert result["verdict"] == Verdict.INCONCLUSIVE
    assert "Sideways" in result["reason"]


def test_what_a_killed_run_left_is_swept(lane, calico):
    lane.kube.apply(lane.localise(DENY.policies[0]))
    assert policies(lane)
    assert policies(clusters.lanes(calico)[0]) == []


def test_an_interrupted_run_removes_its_policies(calico):
    lanes = clusters.lanes(calico)
    applied = threading.Event()

    def apply_and_break(lane, case, manifest):
        runner.through_api(lane, case, manifest)
        applied.set()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.run(lanes, cases.load()[:2], lambda case, verdict: None, apply_and_break)
    assert applied.is_set()
    assert [policies(lane) for lane in lanes] == [[] for _ in lanes]


def test_the_lab_does_not_read_the_users_kubeconfig(calico, monkeypatch, tmp_path):
    users = tmp_path / "config"
    users.write_text("not a kubeconfig")
    monkeypatch.setenv("KUBECONFIG", str(users))
    assert Kube(clusterrecord.kubeconfig(calico)).version().startswith("v")
    assert users.read_text() == "not a kubeconfig"
