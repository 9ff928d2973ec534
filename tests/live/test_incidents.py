"""Notebook 10's outages and strangers on real clusters: seen as recorded, and nothing left."""

import pytest

from labsupport import breaking, ground, incidents, outages, verification, versions

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True)
def mended():
    """Nothing is broken before and after each test."""
    breaking.mend()
    yield
    breaking.mend()


@pytest.mark.parametrize("name", ["silent-front-end", "unlisted-visitor"])
def test_an_outage_shows_and_ends_and_leaves_nothing(calico, name):
    outage = outages.find(name)
    seen = incidents.visit(name, live=True)
    assert incidents.wrong(seen, "broken")
    assert incidents.wrong(seen, "over") == []
    kube = ground.kube(calico)
    left = {ns["metadata"]["name"] for ns in kube.list("v1", "Namespace")}
    assert not left & set(outage.cast.namespaces)
    assert not any(kube.exists(manifest) for manifest in outage.objects)
    assert breaking.damage() is None


def test_what_is_seen_is_recorded_and_read(calico, tmp_path):
    seen = incidents.run(outages.find("silent-front-end"), calico.name)
    incidents.record(seen, tmp_path)
    assert incidents.read("silent-front-end", tmp_path) == seen
    assert "networkpolicy.networking.k8s.io/api-from-frontend" in seen["evidence"][1]["output"]


def test_the_strangers_are_what_the_notebook_says(calico, flannel, tmp_path):
    for profile, verdict in ((calico, "enforced"), (flannel, "not enforced")):
        found = verification.measure(versions.profile(profile.name))
        assert {one["verdict"] for one in found["report"]["cases"]} == {verdict}
        assert bool(found["detected"]) == (verdict == "enforced")
        assert found["warning"] is None
        verification.record(found, tmp_path)
        assert verification.read(profile.name, tmp_path) == found
