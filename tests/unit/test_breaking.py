"""Outages without a cluster: the data by the oracle, and what is undone, however it ends."""

import json
from contextlib import suppress
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport import (
    breaking,
    cases,
    clusterrecord,
    clusters,
    ground,
    outages,
    patches,
    paths,
    versions,
)
from labsupport.errors import CheckFailed, WrongUse
from labsupport.foresee import foresee
from labsupport.verdict import Expected

ALL = list(outages.load_all().values())
BY_POLICIES = [one for one in ALL if one.mended]


def differing(outage, policies):
    """Connections that the specification does not let be as wanted."""
    return [
        str(c)
        for c, word in outage.wanted.items()
        if foresee(policies, outage.cast, c).allowed != (word is Expected.ALLOWED)
    ]


def test_there_are_at_least_seven_and_each_points_at_a_case():
    assert len(ALL) >= 7
    assert {one.case for one in ALL} <= {case.id for case in cases.load()}


@pytest.mark.parametrize("outage", BY_POLICIES, ids=lambda one: one.id)
def test_policies_make_it_and_policies_end_it(outage):
    assert differing(outage, outage.given)
    assert not differing(outage, outage.mended)


@pytest.mark.parametrize(
    "outage",
    [one for one in ALL if not one.mended and "outage-shop/gateway" not in one.cast.pods],
    ids=lambda one: one.id,
)
def test_where_the_policies_are_right_something_else_is_wrong(outage):
    assert not differing(outage, outage.given)


def test_no_policy_reaches_a_pod_in_its_node_s_network():
    outage = outages.find("open-gateway")
    assert set(differing(outage, outage.given)) == {
        str(c) for c, word in outage.wanted.items() if word is Expected.DENIED
    }


@pytest.mark.parametrize("outage", ALL, ids=lambda one: one.id)
def test_the_symptom_does_not_tell_the_cause(outage):
    told = f"{outage.id} {outage.title} {outage.symptom}".lower()
    for word in ("hostnetwork", "enable-policy", "globalnetworkpolicy", "port 53", "enforces"):
        assert word not in told


json_objects = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
).filter(lambda value: isinstance(value, dict))


def merge(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def clean(value):
    """Without null and without what is empty, which an object of the API does not tell apart."""
    if not isinstance(value, dict):
        return value
    kept = {key: clean(inner) for key, inner in value.items() if inner is not None}
    return {key: inner for key, inner in kept.items() if inner != {}}


@given(json_objects, json_objects)
def test_the_inverse_takes_a_merge_patch_back(current, patch):
    current = merge({}, current)
    undo = patches.inverse(current, patch)
    assert clean(merge(merge(current, patch), undo)) == clean(current)


class Cluster:
    """Notes what is done; fails at the step it is told to."""

    def __init__(self, fail=None):
        self.done, self.fail = [], fail

    def step(self, *what):
        if what[0] == self.fail:
            raise KeyboardInterrupt
        self.done.append(what)


@pytest.fixture
def cluster(monkeypatch, tmp_path):
    made = Cluster()
    ready = SimpleNamespace(state=clusters.State.READY)
    monkeypatch.setattr(paths, "state", lambda: tmp_path)
    monkeypatch.setattr(clusters, "status", lambda _: ready)
    monkeypatch.setattr(clusterrecord, "made_of", lambda _: SimpleNamespace(nodes={"n": "1"}))
    kube = SimpleNamespace(
        apply=lambda manifest: made.step("apply", manifest["kind"]),
        delete=lambda manifest: made.step("delete", manifest["kind"]),
    )
    monkeypatch.setattr(ground, "kube", lambda _: kube)
    for name in ("make", "control", "remove"):
        monkeypatch.setattr(ground, name, lambda *_, name=name: made.step(name))
    monkeypatch.setattr(ground, "find", lambda *_: None)
    monkeypatch.setattr(ground, "put", lambda _k, _n, what: made.step("put", len(what)))
    config = json.dumps({"data": {"enable-policy": "default"}})

    def kubectl(_kube, *arguments):
        made.step("kubectl", *arguments)
        return config

    monkeypatch.setattr(patches, "kubectl", kubectl)
    return made


def test_what_was_broken_is_mended_and_mending_repeats(cluster):
    outage = outages.find("open-since-tuesday")
    assert breaking.make(outage).name == "cilium"
    assert breaking.damage().restore[0].patch == {"data": {"enable-policy": "default"}}
    cluster.done.clear()
    assert breaking.mend() == "cilium"
    patches = [words for words in cluster.done if "patch" in words]
    assert '--patch={"data": {"enable-policy": "default"}}' in patches[0]
    assert ("remove",) in cluster.done
    assert breaking.mend() is None


@pytest.mark.parametrize("name", [one.id for one in ALL])
def test_the_file_is_written_before_the_first_change(cluster, monkeypatch, name):
    outage = outages.find(name)
    config = json.dumps({"data": {}})
    steps = iter([config])  # the configuration can be read, and nothing more

    def kubectl(*_):
        try:
            return next(steps)
        except StopIteration:
            raise KeyboardInterrupt from None

    with monkeypatch.context() as patched:
        patched.setattr(patches, "kubectl", kubectl)
        cluster.fail = "apply"
        with suppress(KeyboardInterrupt):
            breaking.make(outage)
    cluster.fail = None
    assert breaking.damage().outage == name
    with pytest.raises(WrongUse, match="mend"):
        breaking.make(outage)
    assert breaking.mend()
    assert breaking.damage() is None


def test_what_was_broken_is_ended_once_and_its_pods_stay(cluster):
    breaking.make(outages.find("open-since-tuesday"), passing=True)
    assert breaking.damage().passing
    cluster.done.clear()
    breaking.end()
    assert sum("patch" in words for words in cluster.done) == 1
    assert ("remove",) not in cluster.done
    cluster.done.clear()
    breaking.mend()
    assert cluster.done == [("remove",)]


def test_policies_and_objects_are_ended(cluster):
    breaking.make(outages.find("silent-front-end"))
    breaking.end()
    assert cluster.done[-1] == ("put", 1)
    breaking.mend()
    breaking.make(outages.find("unlisted-visitor"))
    breaking.end()
    assert cluster.done[-1] == ("delete", "GlobalNetworkPolicy")


def test_what_policies_cannot_end_is_told(cluster):
    breaking.make(outages.find("open-gateway"))
    with pytest.raises(WrongUse, match="Run the pod without hostNetwork"):
        breaking.end()


def test_a_cluster_on_which_packets_fail_is_mended(cluster):
    cluster.fail = "control"
    with suppress(KeyboardInterrupt):
        breaking.make(outages.find("uninvited-guest"))
    cluster.fail = None
    assert breaking.mend() == "calico"
    assert ("remove",) in cluster.done


def test_an_interrupted_mend_is_not_forgotten(cluster):
    breaking.make(outages.find("uninvited-guest"))
    cluster.fail = "remove"
    with pytest.raises(KeyboardInterrupt):
        breaking.mend()
    cluster.fail = None
    assert breaking.mend() == "calico"


def test_a_cluster_that_is_gone_needs_no_mending(cluster, monkeypatch):
    breaking.make(outages.find("uninvited-guest"))
    cluster.done.clear()
    monkeypatch.setattr(clusterrecord, "made_of", lambda _: SimpleNamespace(nodes={"n": "2"}))
    assert breaking.mend() == "calico"
    assert cluster.done == []


def test_a_damaged_file_is_told(cluster, tmp_path):
    (tmp_path / "outage.json").write_text("{")
    with pytest.raises(CheckFailed, match="is damaged"):
        breaking.mend()


def test_where_it_can_be_made(cluster, monkeypatch):
    with pytest.raises(WrongUse, match="on cilium, not on calico"):
        breaking.make(outages.find("open-since-tuesday"), "calico")
    absent = SimpleNamespace(state=clusters.State.ABSENT)
    monkeypatch.setattr(clusters, "status", lambda _: absent)
    with pytest.raises(CheckFailed, match="lab up cilium"):
        breaking.make(outages.find("open-since-tuesday"))
    assert breaking.damage() is None


def test_without_an_outage_there_is_nothing_to_check(cluster):
    with pytest.raises(WrongUse, match="No outage"):
        breaking.check()


def test_every_profile_of_an_outage_exists():
    known = {profile.name for profile in versions.profiles()}
    assert all(set(one.profiles) <= known for one in ALL)
