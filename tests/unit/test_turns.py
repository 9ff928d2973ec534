"""One process at a time, one cluster at a time, on nodes that are made up."""

import threading

import pytest

from labsupport import clusterrecord, paths, turns, versions
from labsupport.programs import ProgramFailed

FLANNEL = versions.profile("flannel")


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "state", lambda: tmp_path)


def test_the_second_process_says_whom_it_waits_for(capsys):
    """Two threads with file locks of their own stand for two processes."""
    inside, leave, second_in = threading.Event(), threading.Event(), threading.Event()

    def first():
        with turns.lock():
            inside.set()
            leave.wait(10)

    def second():
        with turns.lock():
            second_in.set()

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert inside.wait(10)
    threads[1].start()
    assert not second_in.wait(0.3)
    leave.set()
    assert second_in.wait(10)
    for thread in threads:
        thread.join()
    assert "Waiting for process" in capsys.readouterr().err


@pytest.fixture
def running(monkeypatch):
    """One node a cluster that runs; the list takes what Docker is asked to do."""
    calls = []
    monkeypatch.setattr(turns.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(turns.docker, "run", lambda *words: calls.append(words))
    monkeypatch.setattr(
        clusterrecord, "containers", lambda profile: {f"{profile.name}-worker": ("id", "running")}
    )
    return calls


def test_the_others_are_paused_and_go_on_whatever_happens(running):
    with pytest.raises(RuntimeError), turns.alone(FLANNEL):
        raise RuntimeError
    workers = ["calico-worker", "cilium-worker", "canal-worker"]
    assert running == [(verb, name) for verb in ("pause", "unpause") for name in workers]


def test_a_node_that_cannot_be_paused_goes_on_beside(running, monkeypatch, capsys):
    def refuse(*words):
        running.append(words)
        if words == ("pause", "cilium-worker"):
            raise ProgramFailed(("docker", *words), 1, "unable to freeze")

    monkeypatch.setattr(turns.docker, "run", refuse)
    with turns.alone(FLANNEL):
        assert running.count(("pause", "cilium-worker")) == 3
        assert running[-1] == ("pause", "canal-worker")
    assert "cilium-worker could not be paused" in capsys.readouterr().err
