"""`./lab verify` on real clusters, as somebody would who has never seen the lab."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time

import pytest
import yaml

from labsupport import clusterrecord, clusters, report, turns
from labsupport.kube import Kube
from labsupport.visit import PREFIX, RUN_LABEL
from tests.live.conftest import ROOT
from tests.live.polling import poll

GONE = [
    ("v1", "Namespace"), ("v1", "Pod"), ("networking.k8s.io/v1", "NetworkPolicy"),
]  # fmt: skip


def command(profile, *arguments):
    config = clusterrecord.kubeconfig(profile)
    return [sys.executable, "-m", "labsupport", "verify", "--kubeconfig", str(config), *arguments]


def verify(profile, *arguments):
    return subprocess.run(command(profile, *arguments), cwd=ROOT, capture_output=True, text=True)


def left(kube):
    """What any visit left, by its names."""
    return [
        one["metadata"]["name"]
        for version, kind in GONE
        for one in kube.list(version, kind)
        if one["metadata"]["name"].startswith(PREFIX)
    ]


def assert_nothing_left(kube):
    poll(lambda: not left(kube), limit=60)


@contextlib.contextmanager
def namespace(kube, labels=None):
    """A namespace of somebody else."""
    name = f"team-{secrets.token_hex(3)}"
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    kube.apply({**made, "metadata": {"name": name, "labels": labels or {}}})
    account = {"apiVersion": "v1", "kind": "ServiceAccount"}
    account["metadata"] = {"name": "default", "namespace": name}
    poll(lambda: kube.exists(account))
    try:
        yield name
    finally:
        kube.delete(made)


@pytest.fixture
def kube(calico):
    return Kube(clusterrecord.kubeconfig(calico))


def as_user(kube, profile, name, role, folder):
    """A kubeconfig with a role in a namespace and no right anywhere else."""
    where = {"name": "user", "namespace": name}
    kube.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": where})
    rbac = "rbac.authorization.k8s.io"
    kube.apply(
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": where,
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", **where}],
        }
    )
    token = kube.token(name, "user", 600)
    config = yaml.safe_load(clusterrecord.kubeconfig(profile).read_text())
    config["users"][0]["user"] = {"token": token}
    path = folder / "config"
    path.write_text(yaml.safe_dump(config))
    return path


def test_calico_enforces_and_nothing_is_left(calico, kube, tmp_path):
    out, xml = tmp_path / "report.json", tmp_path / "junit.xml"
    done = verify(calico, "--json", "--out", str(out), "--junit", str(xml))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer["verdicts"].values()) == {"enforced"}
    assert answer["recognised"][0].startswith("Calico v3")
    assert answer["warning"] is None
    assert report.read(out)["environment"]["nodes"] == 2
    assert 'failures="0" errors="0"' in xml.read_text()
    assert_nothing_left(kube)


def test_flannel_does_not_and_ends_with_1(flannel):
    done = verify(flannel, "--json")
    assert done.returncode == 1, done.stderr
    assert set(json.loads(done.stdout)["verdicts"].values()) == {"not enforced"}
    assert_nothing_left(Kube(clusterrecord.kubeconfig(flannel)))


def test_a_namespaces_admin_can_and_an_editor_without_the_right_is_told(calico, kube, tmp_path):
    with namespace(kube) as name:
        config = as_user(kube, calico, name, "admin", tmp_path)
        done = verify(calico, "--kubeconfig", str(config), "--namespace", name)
        assert done.returncode == 0, done.stderr
        assert left(kube) == []
        refused = verify(calico, "--kubeconfig", str(config))
        assert refused.returncode == 3
        assert "may not create, patch, list and delete namespaces" in refused.stderr
    with namespace(kube) as name:
        config = as_user(kube, calico, name, "view", tmp_path)
        refused = verify(calico, "--kubeconfig", str(config), "--namespace", name)
        assert refused.returncode == 3
        assert f'create, patch and delete pods in "{name}"' in refused.stderr


def test_pod_security_restricted_takes_the_pods(calico, kube):
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    with namespace(kube, labels) as name:
        done = verify(calico, "--namespace", name)
        assert done.returncode == 0, done.stderr


def test_a_policy_that_was_there_before_makes_it_inconclusive(calico, kube):
    with namespace(kube) as name:
        kube.apply(
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": "theirs", "namespace": name},
                "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
            }
        )
        done = verify(calico, "--namespace", name)
        assert done.returncode == 3
        assert "policies in the namespace already: theirs" in done.stdout
        assert len(kube.list("networking.k8s.io/v1", "NetworkPolicy", namespace=name)) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["Namespace", "NetworkPolicy"])
def test_an_interruption_leaves_nothing(calico, kube, number, moment):
    version = dict((kind, version) for version, kind in GONE)[moment]
    running = subprocess.Popen(command(calico), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        poll(lambda: kube.list(version, moment, RUN_LABEL), limit=60)
        running.send_signal(number)
        running.send_signal(number)  # impatience must not keep it from tidying up
        _, said = running.communicate(timeout=90)
    finally:
        running.kill()
    assert running.returncode == 130, said
    assert_nothing_left(kube)


def test_what_a_killed_run_left_is_swept_by_the_next(calico, kube):
    running = subprocess.Popen(command(calico), cwd=ROOT, stderr=subprocess.DEVNULL)
    poll(lambda: kube.list("v1", "Pod", RUN_LABEL), limit=60)
    running.kill()
    running.wait()
    assert left(kube)
    hasty = (
        "from labsupport import visit; visit.KILLED_AFTER_SECONDS = 1\n"
        "import sys; from labsupport.cli import app; app(sys.argv[1:])"
    )
    arguments = command(calico)[3:]
    time.sleep(2)  # for the clock of the cluster, which counts in seconds
    done = subprocess.run(
        [sys.executable, "-c", hasty, *arguments],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Removing what a killed run left" in done.stderr
    assert_nothing_left(kube)


def test_an_image_that_does_not_exist_is_named(calico, kube):
    done = verify(calico, "--image", "registry.invalid/agnhost:1")
    assert done.returncode == 3
    assert "image registry.invalid/agnhost:1 cannot be pulled" in done.stderr
    assert_nothing_left(kube)


def test_a_refusal_is_told_in_the_clusters_words(calico, kube):
    with namespace(kube) as name:
        kube.apply(
            {
                "apiVersion": "v1",
                "kind": "ResourceQuota",
                "metadata": {"name": "none", "namespace": name},
                "spec": {"hard": {"pods": "1"}},
            }
        )
        done = verify(calico, "--namespace", name)
        assert done.returncode == 3
        assert "exceeded quota" in done.stderr
        assert left(kube) == []


def test_an_unreachable_server_is_one_sentence(calico, tmp_path):
    config = yaml.safe_load(clusterrecord.kubeconfig(calico).read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))
    done = verify(calico, "--kubeconfig", str(path))
    assert done.returncode == 3
    *told, last = done.stderr.splitlines()
    assert last.startswith("error: The cluster of the current context cannot be reached")
    assert all("reaching the cluster" in line for line in told)


def test_the_users_kubeconfig_is_used_by_default_and_not_written(calico, tmp_path):
    users = tmp_path / "config"
    users.write_bytes(clusterrecord.kubeconfig(calico).read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "labsupport", "verify"],
        cwd=ROOT, env={**os.environ, "KUBECONFIG": str(users)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert users.read_bytes() == clusterrecord.kubeconfig(calico).read_bytes()


def test_the_whole_specification(calico, kube, tmp_path):
    out = tmp_path / "report.json"
    with turns.alone(calico):
        done = verify(calico, "--full", "--out", str(out))
    clusters.settle()
    assert done.returncode == 0, done.stdout + done.stderr
    assert report.read(out)["summary"]["enforced"] > 10
    assert_nothing_left(kube)
