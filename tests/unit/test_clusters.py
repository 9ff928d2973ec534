"""What the lab believes of its clusters, on containers that are made up."""

import json

import pytest

from labsupport import clusterbuild, clusterrecord, clusters, paths, versions
from labsupport.clusterrecord import Record
from labsupport.clusters import State
from labsupport.errors import CheckFailed, WrongUse

FLANNEL = versions.profile("flannel")


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "state", lambda: tmp_path)
    monkeypatch.setattr(clusters, "_health", lambda profile: (State.READY, ""))


def there(monkeypatch, **nodes):
    monkeypatch.setattr(clusterrecord, "containers", lambda profile: nodes)


def test_nothing_is_absent(monkeypatch):
    there(monkeypatch)
    assert clusters.status(FLANNEL).state is State.ABSENT


def test_a_cluster_without_a_record_is_not_ours(monkeypatch):
    there(monkeypatch, worker=("id", "running"))
    assert clusters.status(FLANNEL).state is State.FOREIGN


def test_a_cluster_with_other_containers_is_not_ours(monkeypatch):
    clusterrecord.write(FLANNEL, Record("ready", {"worker": "old"}))
    there(monkeypatch, worker=("new", "running"))
    assert clusters.status(FLANNEL).state is State.FOREIGN


@pytest.mark.parametrize("act", [clusters.up, clusters.down])
def test_what_is_not_ours_is_never_touched(monkeypatch, act):
    there(monkeypatch, worker=("id", "running"))
    for made_by in (clusters, clusterbuild):
        monkeypatch.setattr(made_by, "run", lambda *command, **_: pytest.fail(f"ran {command}"))
    with pytest.raises(WrongUse, match="this lab did not make"):
        act([FLANNEL])


def test_recreate_does_not_delete_what_is_not_ours(monkeypatch):
    there(monkeypatch, worker=("id", "running"))
    for made_by in (clusters, clusterbuild):
        monkeypatch.setattr(made_by, "run", lambda *command, **_: pytest.fail(f"ran {command}"))
    with pytest.raises(WrongUse):
        clusters.up([FLANNEL], recreate=True)


def test_a_record_without_containers_is_unfinished(monkeypatch):
    clusterrecord.write(FLANNEL, Record("creating"))
    there(monkeypatch)
    assert clusters.status(FLANNEL).state is State.UNFINISHED


def test_a_stopped_node_is_named(monkeypatch):
    clusterrecord.write(FLANNEL, Record("ready", {"worker": "id"}))
    there(monkeypatch, worker=("id", "exited"))
    found = clusters.status(FLANNEL)
    assert (found.state, found.detail) == (State.BROKEN, "node worker is not running, it is exited")


def test_a_broken_cluster_is_named_with_the_way_out(monkeypatch):
    clusterrecord.write(FLANNEL, Record("ready", {"worker": "id"}))
    there(monkeypatch, worker=("id", "running"))
    monkeypatch.setattr(clusters, "_health", lambda profile: (State.BROKEN, "no answer"))
    monkeypatch.setattr(clusters, "_refuse_outdated", lambda profile, record: None)
    mended = []
    monkeypatch.setattr(clusters, "_revive", lambda profile, mend: mended.append(mend))
    with pytest.raises(CheckFailed, match=r"no answer.*\./lab up --recreate flannel"):
        clusters.up([FLANNEL])
    assert mended == [True]


def test_another_versions_parts_are_not_installed_over_a_broken_cluster(monkeypatch):
    clusterrecord.write(FLANNEL, Record("ready", {"worker": "id"}))
    there(monkeypatch, worker=("id", "running"))
    monkeypatch.setattr(clusters, "_health", lambda profile: (State.BROKEN, "no answer"))
    monkeypatch.setattr(clusters.images, "needed", lambda names: [versions.image("calico-node")])
    monkeypatch.setattr(clusters, "_revive", lambda *_, **__: pytest.fail("installed"))
    with pytest.raises(CheckFailed, match="another version of the lab"):
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
    clusterrecord.write(FLANNEL, Record("ready", {"worker": "id"}))
    assert clusterrecord.read(FLANNEL) == Record("ready", {"worker": "id"})
    assert json.loads((tmp_path / "clusters" / "flannel.json").read_text())["stage"] == "ready"
