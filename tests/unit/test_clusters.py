"""What the lab believes of its clusters, on containers that are made up."""

import json
import threading

import pytest

from labsupport import clusters, paths, versions
from labsupport.clusters import Record, State
from labsupport.errors import CheckFailed, WrongUse
from labsupport.programs import ProgramFailed

FLANNEL = versions.profile("flannel")


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "state", lambda: tmp_path)
    monkeypatch.setattr(clusters, "_api_health", lambda profile: (State.READY, ""))


def there(monkeypatch, **nodes):
    monkeypatch.setattr(clusters, "_containers", lambda profile: nodes)


def test_nothing_is_absent(monkeypatch):
    there(monkeypatch)
    assert clusters.status(FLANNEL).state is State.ABSENT


def test_a_cluster_without_a_record_is_not_ours(monkeypatch):
    there(monkeypatch, worker=("id", "running"))
    assert clusters.status(FLANNEL).state is State.FOREIGN


def test_a_cluster_with_other_containers_is_not_ours(monkeypatch):
    clusters._write(FLANNEL, Record("ready", {"worker": "old"}))
    there(monkeypatch, worker=("new", "running"))
    assert clusters.status(FLANNEL).state is State.FOREIGN


@pytest.mark.parametrize("act", [clusters.up, clusters.down])
def test_what_is_not_ours_is_never_touched(monkeypatch, act):
    there(monkeypatch, worker=("id", "running"))
    monkeypatch.setattr(clusters, "run", lambda *command, **_: pytest.fail(f"ran {command}"))
    with pytest.raises(WrongUse, match="this lab did not make"):
        act([FLANNEL])


def test_recreate_does_not_delete_what_is_not_ours(monkeypatch):
    there(monkeypatch, worker=("id", "running"))
    monkeypatch.setattr(clusters, "run", lambda *command, **_: pytest.fail(f"ran {command}"))
    with pytest.raises(WrongUse):
        clusters.up([FLANNEL], recreate=True)


def test_a_record_without_containers_is_unfinished(monkeypatch):
    clusters._write(FLANNEL, Record("creating"))
    there(monkeypatch)
    assert clusters.status(FLANNEL).state is State.UNFINISHED


def test_a_stopped_node_is_named(monkeypatch):
    clusters._write(FLANNEL, Record("ready", {"worker": "id"}))
    there(monkeypatch, worker=("id", "exited"))
    found = clusters.status(FLANNEL)
    assert (found.state, found.detail) == (State.BROKEN, "node worker is not running, it is exited")


def test_a_broken_cluster_is_named_with_the_way_out(monkeypatch):
    clusters._write(FLANNEL, Record("ready", {"worker": "id"}))
    there(monkeypatch, worker=("id", "running"))
    monkeypatch.setattr(clusters, "_api_health", lambda profile: (State.BROKEN, "no answer"))
    with pytest.raises(CheckFailed, match=r"no answer.*\./lab up --recreate flannel"):
        clusters.up([FLANNEL])


@pytest.mark.parametrize("text", ["", "{", '{"stage": "ready", "colour": "red"}', "[]"])
def test_a_damaged_record_is_named(monkeypatch, tmp_path, text):
    there(monkeypatch)
    file = tmp_path / "clusters" / "flannel.json"
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(CheckFailed) as error:
        clusters.status(FLANNEL)
    assert str(file) in str(error.value)


def test_a_record_is_read_as_it_was_written(tmp_path):
    clusters._write(FLANNEL, Record("ready", {"worker": "id"}))
    assert clusters._record(FLANNEL) == Record("ready", {"worker": "id"})
    assert json.loads((tmp_path / "clusters" / "flannel.json").read_text())["stage"] == "ready"


def test_the_second_process_says_whom_it_waits_for(capsys):
    """Two threads with file locks of their own stand for two processes."""
    inside, leave, second_in = threading.Event(), threading.Event(), threading.Event()

    def first():
        with clusters.lock():
            inside.set()
            leave.wait(10)

    def second():
        with clusters.lock():
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
    monkeypatch.setattr(clusters.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(clusters.docker, "run", lambda *words: calls.append(words))
    monkeypatch.setattr(
        clusters, "_containers", lambda profile: {f"{profile.name}-worker": ("id", "running")}
    )
    return calls


def test_the_others_are_paused_and_go_on_whatever_happens(running):
    with pytest.raises(RuntimeError), clusters.alone(FLANNEL):
        raise RuntimeError
    workers = ["calico-worker", "cilium-worker", "canal-worker"]
    assert running == [(verb, name) for verb in ("pause", "unpause") for name in workers]


def test_a_node_that_cannot_be_paused_goes_on_beside(running, monkeypatch, capsys):
    def refuse(*words):
        running.append(words)
        if words == ("pause", "cilium-worker"):
            raise ProgramFailed(("docker", *words), 1, "unable to freeze")

    monkeypatch.setattr(clusters.docker, "run", refuse)
    with clusters.alone(FLANNEL):
        assert running.count(("pause", "cilium-worker")) == 3
        assert running[-1] == ("pause", "canal-worker")
    assert "cilium-worker could not be paused" in capsys.readouterr().err
