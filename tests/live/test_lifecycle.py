"""Creating, losing, reviving and deleting clusters, as it happens to users."""

import json
import os
import signal
import subprocess
import sys
from ipaddress import ip_address

from labsupport import clusterrecord, clusters, policyaddon, programs, turns, versions
from labsupport.clusters import State
from labsupport.kube import Kube
from tests.live.conftest import ROOT
from tests.live.polling import poll

ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "flannel"},
}


def start_up(profile):
    return subprocess.Popen(
        [sys.executable, "-m", "labsupport", "up", profile.name],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def test_up_on_ready_clusters_changes_nothing(lab):
    before = {p.name: clusterrecord.containers(p) for p in versions.profiles()}
    assert lab("up").returncode == 0
    assert {p.name: clusterrecord.containers(p) for p in versions.profiles()} == before


def test_status_for_a_program(lab):
    states = json.loads(lab("status", "--json").stdout)
    assert {one["profile"]: one["state"] for one in states} == {
        profile.name: "ready" for profile in versions.profiles()
    }


def test_clusters_of_another_lab_are_left_alone(lab, tmp_path):
    """To a lab with another state folder, these clusters are somebody else's."""
    elsewhere = {"XDG_STATE_HOME": str(tmp_path / "elsewhere")}
    assert "not made by the lab" in lab("status", env=elsewhere).stdout
    for command in (["down"], ["up", "flannel"], ["up", "--recreate", "flannel"]):
        done = lab(*command, env=elsewhere)
        assert done.returncode == 2
        assert "this lab did not make" in done.stderr
    assert {clusters.status(p).state for p in versions.profiles()} == {State.READY}


def test_stopped_nodes_are_named_and_started_again(lab, flannel):
    """As after the machine's own restart; what the API server says of before is not believed."""
    programs.run("docker", "stop", "netpol-lab-flannel-worker")
    status = lab("status")
    assert status.returncode == 1
    assert "node netpol-lab-flannel-worker is not running, it is exited" in status.stdout
    assert "mend: ./lab up flannel" in status.stdout
    programs.run("docker", "stop", "netpol-lab-flannel-control-plane")
    done = lab("up", "flannel")
    assert done.returncode == 0, done.stderr
    assert clusters.status(flannel).state is State.READY


def test_cilium_knows_its_own_pods_after_nodes_changed_addresses(lab, tmp_path):
    """Else CoreDNS is nobody to it, and a policy that allows DNS by labels cuts DNS off.

    Whether Cilium mistakes the pods depends on who is up first, so that it cannot be waited for.
    """
    cilium = versions.profile("cilium")
    nodes = sorted(clusterrecord.containers(cilium), key=_address)
    before = [_address(node) for node in nodes]
    programs.run("docker", "stop", *nodes)
    for node in reversed(nodes):  # whoever starts first takes the first address that is free
        programs.run("docker", "start", node)
    assert [_address(node) for node in nodes] != before
    done = lab("up", "cilium")
    assert done.returncode == 0, done.stderr
    assert clusters.status(cilium).state is State.READY
    measured = lab("run", "cilium", "--live", "--case", "cilium-fqdn", "--out", tmp_path)
    told = measured.stdout + measured.stderr
    assert "cilium-fqdn: enforced" in told, told


def _address(node):
    form = "{{.NetworkSettings.Networks.kind.IPAddress}}"
    return ip_address(programs.run("docker", "inspect", "--format", form, node).strip())


def test_an_agent_that_cannot_start_is_named_and_installed_again(lab, flannel):
    """Without its ClusterRole Flannel runs until its next start, and the nodes stay Ready."""
    kube = Kube(clusterrecord.kubeconfig(flannel))
    kube.delete(ROLE)
    policyaddon.delete_pods(kube, lambda pod: pod["metadata"]["namespace"] == "kube-flannel")
    poll(lambda: clusters.status(flannel).state is State.BROKEN)
    assert "pods of kube-flannel/kube-flannel-ds are ready" in lab("status").stdout
    done = lab("up", "flannel")
    assert done.returncode == 0, done.stderr
    assert clusters.status(flannel).state is State.READY
    assert kube.exists(ROLE)


def test_a_killed_up_is_taken_up_again(lab, flannel):
    """Killed with all its children while kind makes the nodes; the next up finishes."""
    assert lab("down", "flannel").returncode == 0
    killed = start_up(flannel)
    poll(lambda: clusterrecord.containers(flannel))
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    killed.stderr.close()
    assert clusters.status(flannel).state is State.UNFINISHED
    done = lab("up", "flannel")
    assert done.returncode == 0, done.stderr
    assert clusters.status(flannel).state is State.READY


def test_two_ups_at_once_take_turns(flannel):
    with turns.lock():
        second = start_up(flannel)
        first_line = second.stderr.readline()
    _, rest = second.communicate(timeout=120)
    assert f"Waiting for process {os.getpid()}" in first_line
    assert second.returncode == 0, rest
