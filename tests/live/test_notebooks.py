"""Notebooks on real clusters: what they leave, and that they fail when enforcement does."""

import contextlib
import os
import subprocess
import sys
import threading

import pytest

from labsupport import clusterrecord, notebooks
from labsupport.errors import LabError
from labsupport.kube import Kube
from labsupport.lane import CASE_LABEL
from labsupport.lesson import Lesson

POLICY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "left-by-a-notebook", "namespace": "shop"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
}


@pytest.fixture
def lesson(monkeypatch):
    """Opens a lesson in live mode, each time as another kernel would."""
    monkeypatch.setenv("NETPOL_LAB_MODE", "live")
    yield lambda: Lesson("77")
    Lesson("77").finish()


def policies(kube):
    return [
        one["metadata"]["name"]
        for one in kube.list("networking.k8s.io/v1", "NetworkPolicy", labels=CASE_LABEL)
    ]


def test_a_cell_can_be_run_again_and_after_a_restart(lesson, calico):
    kube = Kube(clusterrecord.kubeconfig(calico))
    first = lesson()
    first.apply("calico", POLICY)
    first.apply("calico", POLICY)
    assert policies(kube) == ["left-by-a-notebook"]
    restarted = lesson()  # the first kernel never came to `finish`
    assert policies(kube) == []
    assert restarted.measure("deny-all", "calico")["verdict"] == "enforced"
    assert restarted.measure("deny-all", "calico")["verdict"] == "enforced"
    assert policies(kube) == []


def test_a_policy_deleted_behind_its_back_fails_the_notebook(calico):
    kube, stop = Kube(clusterrecord.kubeconfig(calico)), threading.Event()

    def delete():
        while not stop.wait(0.2):
            with contextlib.suppress(LabError):
                for left in kube.list("networking.k8s.io/v1", "NetworkPolicy", CASE_LABEL):
                    kube.delete(left)

    thread = threading.Thread(target=delete)
    thread.start()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--nbval", "-p", "no:cacheprovider", "--timeout=0",
             str(notebooks.find(["01"])[0])],
            env={**os.environ, **notebooks.environment("live")}, capture_output=True, text=True,
        )  # fmt: skip
    finally:
        stop.set()
        thread.join()
    assert done.returncode == 1, done.stdout
    assert "Cell outputs differ" in done.stdout
    assert "still worked" in done.stdout
