"""Faults on real clusters: the verdict is right or inconclusive, and nothing is left behind."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from labsupport import cases, clusterrecord, clusters, docker, repeated, runner, versions
from labsupport.clusters import State
from labsupport.kube import Kube
from labsupport.verdict import Verdict
from tests.live.polling import poll

DENY = next(case for case in cases.load() if case.id == "deny-all-ingress")


RIGHT = (Verdict.ENFORCED, Verdict.INCONCLUSIVE)


def end_container(node, name):
    """End a container on a node, which the node's kubelet then starts again."""
    ctr = ("exec", node, "ctr", "--namespace", "k8s.io")
    label = f'labels."io.kubernetes.container.name"=={name}'
    known = docker.run(*ctr, "containers", "ls", "--quiet", label).split()
    for running in set(docker.run(*ctr, "tasks", "ls", "--quiet").split()) & set(known):
        docker.run(*ctr, "tasks", "kill", "--signal", "SIGKILL", running)


def policies(lane):
    listed = lane.kube.list("networking.k8s.io/v1", "NetworkPolicy")
    return [p for p in listed if p["metadata"]["namespace"].startswith(f"lab{lane.number}-")]


def run(lane, apply=runner.through_api):
    with ThreadPoolExecutor(8) as pool:
        return runner.run_case(lane, DENY, pool, apply=apply)


@pytest.fixture
def lane(calico):
    return clusters.lanes(calico, 1)[0]


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
    restored = clusters.lanes(calico, 1)[0]
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
    assert policies(clusters.lanes(calico, 1)[0]) == []


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


def test_a_run_that_was_interrupted_can_be_taken_up_again(lane):
    def apply_and_break(lane, case, manifest):
        runner.through_api(lane, case, manifest)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(lane, apply_and_break)
    assert run(lane)["verdict"] == Verdict.ENFORCED


def test_a_verdict_that_comes_and_goes_is_called_unstable(lane):
    def apply_and_lose(lane, case, manifest):
        answer = runner.through_api(lane, case, manifest)
        lane.kube.delete(manifest)
        return answer

    runs = [[run(lane)], [run(lane, apply_and_lose)], [run(lane)]]
    [merged] = repeated.merge(runs)
    assert merged["verdict"] == Verdict.UNSTABLE
    assert merged["reason"] == "Of 3 runs, 2 enforced and 1 not enforced; the evidence has each."


def test_an_api_server_that_is_restarted_leaves_no_policy_behind(lane):
    """It is ended while its answer counts: the policy is in force, and has to be removed."""

    def apply_and_restart(lane, case, manifest):
        answer = runner.through_api(lane, case, manifest)
        end_container("netpol-lab-calico-control-plane", "kube-apiserver")
        return answer

    assert run(lane, apply_and_restart)["verdict"] in RIGHT
    assert policies(lane) == []
    assert run(lane)["verdict"] == Verdict.ENFORCED


@pytest.mark.parametrize(
    ("profile", "agent"), [("calico", "calico-node"), ("cilium", "cilium-agent")]
)
def test_an_agent_that_dies_and_comes_back_gives_no_wrong_verdict(profile, agent):
    lane = clusters.lanes(versions.profile(profile), 1)[0]

    def apply_and_kill(lane, case, manifest):
        answer = runner.through_api(lane, case, manifest)
        end_container(f"netpol-lab-{profile}-worker", agent)
        return answer

    assert run(lane, apply_and_kill)["verdict"] in RIGHT
    assert policies(lane) == []
    poll(lambda: clusters.status(versions.profile(profile)).state is State.READY)
    assert run(lane)["verdict"] == Verdict.ENFORCED


def test_a_paused_node_makes_the_case_inconclusive(lane, calico):
    node = "netpol-lab-calico-worker"

    def apply_and_pause(lane, case, manifest):
        answer = runner.through_api(lane, case, manifest)
        assert docker.pause(node)
        return answer

    try:
        assert run(lane, apply_and_pause)["verdict"] == Verdict.INCONCLUSIVE
        assert policies(lane) == []
    finally:
        docker.run("unpause", node)
    clusters.up([calico])
    assert run(clusters.lanes(calico, 1)[0])["verdict"] == Verdict.ENFORCED


def test_the_lab_does_not_read_the_users_kubeconfig(calico, monkeypatch, tmp_path):
    users = tmp_path / "config"
    users.write_text("not a kubeconfig")
    monkeypatch.setenv("KUBECONFIG", str(users))
    assert Kube(clusterrecord.kubeconfig(calico)).version().startswith("v")
    assert users.read_text() == "not a kubeconfig"
