"""What images are made of: every file a Dockerfile copies is in the recipe, and counts."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from labsupport import baseimage, docker, gobuild, images, recipes, versions
from labsupport.errors import MachineCannot, WrongUse
from labsupport.programs import ProgramFailed

KEYS = [one.key for one in recipes.recipes()]
WRAPPER = recipes.FOLDER / "runc-without-sys-resource"


def context_of(recipe):
    """The top of every path in an image's build context."""
    return {
        *(path.name for path in recipe.own_files()),
        *(f"bin/{name}" for name in recipe.programs),
        *recipe.shared,
        *recipe.files,
        *(["debian"] if recipe.debian else []),
    }


def test_every_image_of_every_profile_can_be_built():
    assert {image.key for image in versions.images()} <= set(KEYS)


@pytest.mark.parametrize("key", [key for key in KEYS if not recipes.recipe(key).on])
def test_what_a_dockerfile_copies_is_in_its_context_and_all_of_it_is_copied(key):
    recipe = recipes.recipe(key)
    dockerfile = (recipes.FOLDER / key / "Dockerfile").read_text()
    have = context_of(recipe) - {"Dockerfile"}
    used = set()
    for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE):
        for source in line.split()[:-1]:
            path = source.rstrip("/")
            found = {one for one in have if f"{one}/".startswith(f"{path}/")}
            found |= {one for one in have if path.startswith(f"{one}/")}
            assert found, f"{key} copies {source}, which its recipe does not name"
            used |= found
    assert used == have


@pytest.mark.parametrize("key", KEYS)
def test_inputs_name_the_content(key, tmp_path, monkeypatch):
    before = recipes.inputs(key)
    assert re.fullmatch(r"[0-9a-f]{16}", before)
    shutil.copytree(recipes.FOLDER, tmp_path / "images")
    monkeypatch.setattr(recipes, "FOLDER", tmp_path / "images")
    recipes.inputs.cache_clear()
    try:
        assert recipes.inputs(key) == before
        part = recipes.recipe(key).on or key
        with (tmp_path / "images" / part / "Dockerfile").open("a") as dockerfile:
            dockerfile.write("\n")
        recipes.inputs.cache_clear()
        assert recipes.inputs(key) != before
    finally:
        monkeypatch.undo()
        recipes.inputs.cache_clear()


def test_labels_tell_what_an_image_holds():
    labels = recipes.labels("flannel-cni-plugin")
    assert labels["netpol-lab.source"] == "modules"
    assert labels["netpol-lab.content"] == (
        "flannel=github.com/containernetworking/plugins/plugins/meta/flannel@v0.9.1"
    )
    assert (
        "kube-apiserver=k8s.io/kubernetes/cmd/kube-apiserver@"
        in (recipes.labels("node")["netpol-lab.content"])
    )


def test_the_node_image_lacks_the_plugins_upstreams_lacks():
    plugins = set(gobuild.builds()["cni"].programs) & set(recipes.recipe("node-base").programs)
    assert plugins == {"host-local", "loopback", "portmap", "ptp"}


def test_parts_of_the_node_image_take_no_name_of_upstreams():
    for key in recipes.recipe("node").parts:
        assert recipes.recipe(key).name == f"netpol-lab/{key}"


def test_no_recipe_or_dockerfile_names_a_registry_or_mirror():
    for dockerfile in recipes.FOLDER.glob("*/Dockerfile"):
        bases = set(re.findall(r"^FROM (\S+)", dockerfile.read_text(), re.MULTILINE))
        assert bases <= {"scratch", baseimage.NAME}


def test_host_packages_are_names():
    assert "debootstrap" in images.host_packages()


def test_needed_images_begin_with_the_node_and_repeat_nothing():
    needed = images.needed(["calico", "canal"])
    assert needed[0].key == "node"
    assert len(needed) == len(set(needed))
    assert {image.key for image in images.needed()} == {image.key for image in versions.images()}


def test_ensure_knows_its_sources():
    with pytest.raises(WrongUse, match="registry, modules or auto, not from 'ftp'"):
        images.ensure(["flannel"], "ftp")


@pytest.mark.parametrize(
    ("name", "registry"),
    [
        ("kindest/node:v1", "docker.io"),
        ("busybox", "docker.io"),
        ("quay.io/calico/node:v1", "quay.io"),
        ("localhost:5000/x", "localhost:5000"),
    ],
)
def test_registry_of_a_name(name, registry):
    assert images._registry(name) == registry


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("write /x: no space left on device", "Docker has no space left"),
        ("Cannot connect to the Docker daemon at unix:///x.", "Docker does not answer"),
        ("error during connect: EOF", "Docker does not answer"),
    ],
)
def test_failures_of_docker_are_told_with_what_to_do(said, told):
    explained = docker.explain(ProgramFailed(("docker", "build"), 1, said))
    assert isinstance(explained, MachineCannot)
    assert told in str(explained)
    assert "run the same command again" in str(explained)


def test_a_failed_build_stays_what_it_is():
    failed = ProgramFailed(("docker", "build"), 1, "COPY failed: no such file")
    assert docker.explain(failed) is failed


def test_without_debootstrap_the_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineCannot, match="apt-get install debootstrap"):
        baseimage.check_host()


def test_the_base_image_takes_root(monkeypatch, tmp_path):
    (tmp_path / "debootstrap").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(MachineCannot, match="as root"):
        baseimage.check_host()


# --- the OCI runtime for a machine without CAP_SYS_RESOURCE


def run_wrapper(folder, *arguments):
    """Run the wrapper beside a runc that only prints what it was called with."""
    wrapper = shutil.copy(WRAPPER, folder / "runc")
    real = folder / "runc.real"
    real.write_text('#!/bin/sh\necho "$@"\n')
    real.chmod(0o755)
    done = subprocess.run([wrapper, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def has_sys_resource():
    status = Path("/proc/self/status").read_text()
    bounding = re.search(r"^CapBnd:\s*(\w+)", status, re.MULTILINE)
    return bool(int(bounding[1], 16) >> 24 & 1)


PROCESS = {
    "capabilities": {"bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE"], "ambient": []},
    "oomScoreAdj": -999,
    "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1048576, "soft": 1048576}],
    "args": ["sh", "-c", "echo 'quoted \"text\" and\ta tab'"],
}


@pytest.mark.skipif(not shutil.which("jq"), reason="needs jq")
@pytest.mark.parametrize("flag", ["--bundle", "-b"])
def test_a_bundle_asks_only_for_what_the_machine_can_grant(tmp_path, flag):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"process": PROCESS, "hostname": "x"}))
    called = run_wrapper(tmp_path, "create", flag, str(tmp_path), "id")
    assert called == f"create {flag} {tmp_path} id"
    check(json.loads(config.read_text())["process"])


@pytest.mark.skipif(not shutil.which("jq"), reason="needs jq")
def test_an_exec_asks_only_for_what_the_machine_can_grant(tmp_path):
    config = tmp_path / "process.json"
    config.write_text(json.dumps(PROCESS))
    run_wrapper(tmp_path, "exec", "--process", str(config), "id")
    check(json.loads(config.read_text()))


def check(process):
    if has_sys_resource():
        assert process == PROCESS
    else:
        assert process["capabilities"] == {"bounding": ["CAP_CHOWN"], "ambient": []}
        assert process["oomScoreAdj"] == 0
        assert "rlimits" not in process
    assert process["args"] == PROCESS["args"]


def test_other_commands_pass_as_they_are(tmp_path):
    assert run_wrapper(tmp_path, "kill", "id", "9") == "kill id 9"


@pytest.mark.skipif(not shutil.which("jq"), reason="needs jq")
def test_a_broken_spec_is_left_to_runc(tmp_path):
    config = tmp_path / "config.json"
    config.write_text("{ not json")
    run_wrapper(tmp_path, "create", "--bundle", str(tmp_path), "id")
    assert config.read_text() == "{ not json"
