"""What programs are built from is pinned, and a build is known by what goes into it."""

import re
import shutil

import pytest

from labsupport import gobuild, paths, programs, versions
from labsupport.errors import LabError, MachineCannot
from labsupport.programs import ProgramFailed


def test_every_build_names_a_module_that_pins_its_packages():
    for build in gobuild.builds().values():
        for name in build.programs:
            assert re.fullmatch(r".+@v\d+\.\d+\.\d+\S*", gobuild.origin(name))


def test_no_program_is_built_twice():
    names = [name for build in gobuild.builds().values() for name in build.programs]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("folder", "module", "pin"),
    [
        ("kind", "sigs.k8s.io/kind", versions.program("kind")),
        ("helm", "helm.sh/helm/v3", versions.program("helm")),
        ("kubernetes", "k8s.io/kubernetes", versions.component("kubernetes")),
        ("kubernetes", "k8s.io/kubernetes", versions.program("kubectl")),
        ("flannel", "github.com/flannel-io/flannel", versions.component("flannel")),
        ("cilium", "github.com/cilium/cilium", versions.component("cilium")),
        ("cni", "github.com/containernetworking/plugins", versions.component("cni-plugins")),
        ("containerd", "github.com/containerd/containerd/v2", versions.component("containerd")),
    ],
)
def test_go_mod_and_versions_toml_pin_the_same(folder, module, pin):
    assert gobuild.required(folder, module) == pin


def test_the_longest_module_path_holds_a_package():
    # go.mod also requires github.com/projectcalico/calico/lib/std
    origin = gobuild.origin("calico-node")
    assert origin.startswith("github.com/projectcalico/calico/node/cmd/calico-node@")


def test_versions_are_filled_into_ldflags():
    flags = gobuild.builds()["kubectl"].ldflags
    assert f"gitVersion={versions.program('kubectl')}" in flags
    assert "gitMinor=36" in flags
    assert not any("{" in build.ldflags for build in gobuild.builds().values())


def test_every_go_mod_is_satisfied_by_the_pinned_toolchain():
    pinned = tuple(map(int, versions.program("go").split(".")))
    for go_mod in (paths.CLUSTERS / "images/go").glob("*/go.mod"):
        needed = re.search(r"^go (\S+)$", go_mod.read_text(), re.MULTILINE)
        assert tuple(map(int, needed[1].split("."))) <= pinned, go_mod


def test_a_change_of_a_pin_or_a_stub_is_another_build(tmp_path, monkeypatch):
    shutil.copytree(gobuild.IMAGES, tmp_path / "images")
    monkeypatch.setattr(gobuild, "IMAGES", tmp_path / "images")
    keys = {gobuild.key("flannel")}
    for file in ("go.sum", "go.mod", "tencentvpc/v20170312/vpc.go"):
        with (tmp_path / "images/go/flannel" / file).open("a") as changed:
            changed.write("\n")
        keys.add(gobuild.key("flannel"))
    assert len(keys) == 4


def test_how_long_a_build_takes_is_no_part_of_it():
    build = gobuild.builds()["kind"]
    assert "usual" not in repr(build)


def test_unknown_program():
    with pytest.raises(LabError, match="builds no program named 'nonesuch'"):
        gobuild.program("nonesuch")


def test_a_failure_leaves_nothing_half_made(tmp_path):
    home = tmp_path / "programs" / "key"
    with pytest.raises(IsADirectoryError), gobuild._new(home) as new:
        new.write_text("fails, for it is a directory")
    assert list(home.parent.iterdir()) == []


def test_the_second_of_two_builders_keeps_what_the_first_made(tmp_path):
    home = tmp_path / "key"
    with gobuild._new(home) as second:
        (second / "program").write_text("second")
        with gobuild._new(home) as first:
            (first / "program").write_text("first")
    assert (home / "program").read_text() == "first"
    assert list(tmp_path.iterdir()) == [home]


def test_a_new_build_replaces_the_old_one_and_nothing_else(tmp_path):
    for name in ("0123456789abcdef", "fedcba9876543210", "tmp_another"):
        (tmp_path / name).mkdir()
    gobuild._remove_outdated(tmp_path / "fedcba9876543210")
    assert {path.name for path in tmp_path.iterdir()} == {"fedcba9876543210", "tmp_another"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("write /x: no space left on device", "No space is left"),
        ("dial tcp: lookup proxy.example: no such host", "Go module proxy"),
        ("No module named pip", "pip to install it with"),
    ],
)
def test_failures_of_the_machine_are_told_as_such(said, told):
    with pytest.raises(MachineCannot, match=told), gobuild._explained():
        raise ProgramFailed(("go", "build"), 1, said)


def test_a_compile_error_stays_what_it_is():
    with pytest.raises(ProgramFailed, match=r"undefined: x"), gobuild._explained():
        raise ProgramFailed(("go", "build"), 1, "main.go:1: undefined: x")


def test_a_go_too_old_to_fetch_the_toolchain_is_not_taken(tmp_path):
    for version, minor in (("go1.19.8", (1, 19)), ("go1.26.8", (1, 26)), ("devel", ())):
        program = tmp_path / version
        program.write_text(f"#!/bin/sh\necho go version {version} linux/amd64\n")
        program.chmod(0o755)
        assert gobuild._minor(str(program)) == minor


def test_lab_tools_are_all_built():
    for name in programs._VERSION_COMMANDS:
        assert name in gobuild.build_of(name).programs
