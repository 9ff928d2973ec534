"""Clusters of the lab as strangers: verified, compared with their names, recorded."""

import json

import pytest

from labsupport import clusters, paths, verification
from labsupport.errors import CheckFailed, WrongUse
from tests.unit.fake_incidents import verified


def test_packets_and_names_are_kept_side_by_side(monkeypatch, tmp_path):
    found = verified(monkeypatch, tmp_path)
    assert {one["verdict"] for one in found["report"]["cases"]} == {"enforced"}
    assert verification.agents(found) == ["calico-kube-controllers", "2 calico-node"]
    assert [(one["name"], one["version"]) for one in found["recognised"]] == [("Calico", "v1.2.3")]
    assert found["warning"] is None


def test_a_contradiction_is_kept(monkeypatch, tmp_path):
    found = verified(monkeypatch, tmp_path, "cilium", enforces=())
    assert "by its documentation enforces NetworkPolicy" in found["warning"]


@pytest.mark.parametrize(
    ("pod", "name"),
    [
        ("cilium-x8k2p", "cilium"),
        ("cilium-envoy-x8k2p", "cilium-envoy"),
        ("cilium-operator-7f9c8d7b6-x8k2p", "cilium-operator"),
        ("weave-operator-x8k2p", "weave-operator"),
    ],
)
def test_what_is_random_in_a_pods_name_is_left_out(pod, name):
    assert verification.agents({"detected": [f"{pod}   1/1   Running   0   9m"]}) == [name]


def test_a_verification_that_is_recorded_is_read_again(monkeypatch, tmp_path):
    found = verified(monkeypatch, tmp_path)
    path = verification.record(found, tmp_path)
    assert path == tmp_path / "verify" / "calico.json"
    monkeypatch.setenv("NETPOL_LAB_RECORDINGS", str(tmp_path))
    with pytest.raises(WrongUse, match=r"no recording; `\./lab verify --record`"):
        verification.visit(live=False)  # of the second
    monkeypatch.setattr(verification, "STRANGERS", {"first": "calico"})
    assert verification.visit(live=False) == {"first": found}


def test_a_verdict_that_was_changed_by_hand_is_refused(monkeypatch, tmp_path):
    found = verified(monkeypatch, tmp_path)
    path = verification.record(found, tmp_path)
    found["report"]["cases"][0]["verdict"] = "not enforced"
    path.write_text(json.dumps(found))
    with pytest.raises(WrongUse, match="report: summary"):
        verification.read("calico", tmp_path)
    with pytest.raises(WrongUse, match="report: summary"):
        verification.record(found, tmp_path)


def test_a_stranger_that_is_not_there_is_told(monkeypatch):
    absent = clusters.Status("calico", "netpol-lab-calico", clusters.State.ABSENT, "")
    monkeypatch.setattr(clusters, "status", lambda _: absent)
    with pytest.raises(CheckFailed, match=r"`\./lab up calico` makes it"):
        verification.visit(live=True)


@pytest.mark.parametrize("which", verification.STRANGERS)
def test_what_ships_is_what_the_notebook_says(which):
    """What the prose of notebook 10 refers to, of recordings of real runs."""
    profile = verification.STRANGERS[which]
    if not (paths.RECORDINGS / verification.FOLDER / f"{profile}.json").exists():
        pytest.skip("not recorded; `./lab verify --record` does it")
    found = verification.read(profile, paths.RECORDINGS)
    assert not found["lab"]["dirty"]
    seen = {one["verdict"] for one in found["report"]["cases"]}
    assert seen == {"enforced" if which == "first" else "not enforced"}
    assert bool(found["detected"]) == (which == "first")
    assert found["warning"] is None
