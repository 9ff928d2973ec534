"""What is taken off a node again, by what a real node with Felix's rules printed."""

import json
from pathlib import Path

import pytest

from labsupport import clusterbuild, clusterrecord, clusters, policyaddon, versions
from labsupport.errors import CheckFailed

SAVED = (Path(__file__).parent / "data" / "anatomy" / "calico-iptables-with.txt").read_text()
FLANNEL = versions.profile("flannel")
NODES = {"netpol-lab-flannel-worker": "0123"}


def test_every_rule_and_chain_of_felix_is_removed_and_nothing_else():
    lines = policyaddon._removals(SAVED)["filter"]
    declared = [line for line in lines if line.startswith(":")]
    deleted = [line for line in lines if line.startswith("-D ")]
    assert [line.split()[0][1:] for line in declared] == [
        line.split()[1] for line in lines if line.startswith("-X ")
    ]
    assert all(line.startswith(":cali-") for line in declared)
    # Its rules in the kernel's own chain; kube-proxy's beside them stay.
    assert len(deleted) == 3
    assert all(line.startswith("-D FORWARD ") and '"cali:' in line for line in deleted)
    assert len(lines) == len(declared) * 2 + len(deleted)


def test_a_table_without_felix_is_left_alone():
    assert list(policyaddon._removals(SAVED)) == ["filter"]
    assert policyaddon._removals("") == {}


def test_the_manifest_is_canals_without_flannel(monkeypatch):
    seen = []
    monkeypatch.setattr(policyaddon.cni, "render", lambda profile: seen.append(profile) or "")
    policyaddon.manifest()
    (profile,) = seen
    assert profile.source == versions.profile("canal").source
    assert (profile.folder / "kustomization.yaml").exists()


@pytest.fixture
def facts(tmp_path, monkeypatch):
    """Where a node's facts are kept, for a cluster that has them or was made anew since."""
    monkeypatch.setattr(policyaddon.paths, "state", lambda: tmp_path)
    monkeypatch.setattr(
        clusterrecord, "made_of", lambda _profile: clusterrecord.Record(stage="ready", nodes=NODES)
    )
    file = tmp_path / "policy-addon" / "flannel.json"
    file.parent.mkdir()

    def write(text):
        file.write_text(text)
        return file

    return write


def test_facts_of_another_cluster_mean_nothing(facts):
    assert not policyaddon.is_added(FLANNEL)
    facts(json.dumps({"since": "", "cluster": {"other": "4567"}, "nodes": {}}))
    assert not policyaddon.is_added(FLANNEL)
    policyaddon.remove(FLANNEL)
    facts(json.dumps({"since": "", "cluster": NODES, "nodes": {}}))
    assert policyaddon.is_added(FLANNEL)


def test_damaged_facts_say_how_to_go_on(facts):
    facts("{")
    with pytest.raises(CheckFailed, match="up --recreate flannel"):
        policyaddon.remove(FLANNEL)


def test_no_node_is_changed_before_its_facts_are_on_disk(facts, monkeypatch):
    order = []
    ready = clusters.Status("flannel", FLANNEL.cluster, clusters.State.READY)
    monkeypatch.setattr(clusters, "status", lambda _profile: ready)
    monkeypatch.setattr(clusterrecord, "mark", lambda _profile, stage: order.append(stage))
    monkeypatch.setattr(clusterbuild, "load_images", lambda *_: order.append("images"))
    monkeypatch.setattr(policyaddon, "manifest", lambda: "")
    monkeypatch.setattr(policyaddon, "_kubectl", lambda *_, **__: order.append("apply"))
    monkeypatch.setattr(policyaddon.cni, "wait", lambda _kubeconfig: None)

    def look(_profile):
        assert order == []
        return {"node": {}}

    monkeypatch.setattr(policyaddon, "look", look)
    policyaddon.add(FLANNEL)
    assert policyaddon.is_added(FLANNEL)
    assert order == [clusterrecord.ADDED, "images", "apply"]


def test_a_cluster_that_is_not_ready_is_not_changed(facts, monkeypatch):
    absent = clusters.Status("flannel", FLANNEL.cluster, clusters.State.UNFINISHED)
    monkeypatch.setattr(clusters, "status", lambda _profile: absent)
    with pytest.raises(CheckFailed, match="up flannel"):
        policyaddon.add(FLANNEL)
    assert not policyaddon.is_added(FLANNEL)
