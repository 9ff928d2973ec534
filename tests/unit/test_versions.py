"""Every version is pinned once: what must name one again agrees with the pin."""

import pytest
import yaml

from labsupport import paths, versions
from labsupport.errors import WrongUse

GO = paths.CLUSTERS / "images" / "go"


def test_canal_runs_the_flannel_of_the_flannel_profile():
    patch = yaml.safe_load((versions.profile("canal").folder / "kustomization.yaml").read_text())
    image = patch["images"][0]
    assert f"{image['newName']}:{image['newTag']}" == versions.image("flannel").name


def test_pins_are_filled_in():
    assert versions.image("calico-node").name == "quay.io/calico/node:v3.31.0"
    assert versions.program("kubectl") == versions.component("kubernetes")
    assert "{" not in "".join(image.reference for image in versions.images())


def test_every_profile_is_whole():
    for profile in versions.profiles():
        assert (profile.folder / "kind.yaml").exists()
        patches = [profile.folder / name for name in ("kustomization.yaml", "values.yaml")]
        assert sum(patch.exists() for patch in patches) == 1
        assert (GO / profile.source.build / "go.sum").exists()


def test_the_clusters_differ_by_their_cni_alone():
    configs = {(profile.folder / "kind.yaml").read_text() for profile in versions.profiles()}
    assert len(configs) == 1


def test_an_unknown_profile_is_answered_with_those_there_are():
    with pytest.raises(WrongUse, match="flannel, calico, cilium, canal"):
        versions.profile("weave")
