"""Notebook 10's outages and strangers on real clusters: seen as recorded, and nothing left."""

import pytest

from labsupport import breaking, ground, incidents, outages, verification

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True)
def mended():
    """Nothing is broken before and after each test."""
    breaking.mend()
    yield
    breaking.mend()


@pytest.mark.parametrize(
    ("name", "policy"),
    [("silent-front-end", "api-from-frontend"), ("unlisted-visitor", None)],
)
def test_an_outage_shows_and_ends_and_leaves_nothing(calico, name, policy, tmp_path):
    outage = outages.find(name)
    seen = incidents.visit(name, live=True)
    assert seen["profile"] == calico.name
    assert incidents.wrong(seen, "broken")
    assert incidents.wrong(seen, "over") == []
    incidents.record(seen, tmp_path)
    assert incidents.read(name, tmp_path) == seen
    if policy:
        assert f"networkpolicy.networking.k8s.io/{policy}" in seen["evidence"][1]["output"]
    kube = ground.kube(calico)
    left = {ns["metadata"]["name"] for ns in kube.list("v1", "Namespace")}
    assert not left & set(outage.cast.namespaces)
    assert not any(kube.exists(manifest) for manifest in outage.objects)
    assert breaking.damage() is None


def test_the_strangers_are_what_the_notebook_says(calico, flannel, tmp_path):
    by_name = verification.visit(live=True)
    for called, profile, verdict in (
        ("first", calico, "enforced"),
        ("second", flannel, "not enforced"),
    ):
        found = by_name[called]
        assert found["profile"] == profile.name
        assert {one["verdict"] for one in found["report"]["cases"]} == {verdict}
        assert bool(found["detected"]) == (verdict == "enforced")
        assert found["warning"] is None
        verification.record(found, tmp_path)
        assert verification.read(profile.name, tmp_path) == found
