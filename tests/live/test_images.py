"""Images are built for real: an interruption costs little, a second call next to nothing."""

import os
import subprocess
import sys

import pytest

from labsupport import docker, imagebuild, images, paths, recipes, versions
from labsupport.errors import MachineCannot


@pytest.fixture
def pause():
    """The smallest image, which the lab keeps only until the node image is built."""
    name = recipes.recipe("pause").name
    docker.run("image", "rm", "--force", name)
    yield name
    docker.run("image", "rm", "--force", name)


def test_every_image_tells_where_it_is_from():
    for image in versions.images():
        told = images.provenance(image)
        assert told["name"] == image.name
        assert told["id"].startswith("sha256:")
        assert told["source"] in ("modules", "registry")
        assert (told["digest"] is None) == (told["source"] == "modules")


def test_what_is_at_hand_is_used_as_it_is():
    before = [docker.inspect(image.name)["Id"] for image in images.needed()]
    assert images.missing() == []
    assert images.ensure() in ("modules", "registry")
    assert [docker.inspect(image.name)["Id"] for image in images.needed()] == before


def test_an_image_is_built_once(pause):
    imagebuild.build(["pause"])
    built = docker.inspect(pause)
    imagebuild.build(["pause"])
    assert docker.inspect(pause)["Id"] == built["Id"]
    assert docker.labels(pause)[recipes.INPUTS] == recipes.inputs("pause")
    assert "pause.c@" in docker.labels(pause)["netpol-lab.content"]


def test_an_image_of_other_inputs_is_built_again(pause):
    imagebuild.build(["pause"])
    docker.feed(
        *("build", "--quiet", "--tag", pause, f"--label={recipes.INPUTS}=old", "-"),
        write=lambda to: to.write(f"FROM {pause}\n".encode()) and None,
    )
    assert not imagebuild.up_to_date("pause")
    imagebuild.build(["pause"])
    assert imagebuild.up_to_date("pause")


def test_a_killed_build_is_taken_up_again(pause):
    code = "from labsupport import imagebuild; imagebuild.build(['pause'])"
    killed = subprocess.Popen([sys.executable, "-c", code], cwd=paths.ROOT, stderr=subprocess.PIPE)
    killed.stderr.readline()  # it has begun
    killed.kill()
    killed.wait()
    imagebuild.build(["pause"])
    assert imagebuild.up_to_date("pause")


def test_a_second_builder_waits_for_the_first(pause):
    code = "from labsupport import imagebuild; imagebuild.build(['pause'])"
    both = [subprocess.Popen([sys.executable, "-c", code], cwd=paths.ROOT) for _ in range(2)]
    assert [one.wait(timeout=100) for one in both] == [0, 0]
    assert imagebuild.up_to_date("pause")


def test_docker_that_does_not_answer_is_told_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    for ask in (images.missing, images.build, lambda: images.ensure(["flannel"], "registry")):
        with pytest.raises(MachineCannot, match="Docker does not answer"):
            ask()


def test_docker_that_stops_half_way_is_told(tmp_path, monkeypatch):
    """A docker that reads a little of its input and then loses its daemon."""
    program = tmp_path / "docker"
    program.write_text(
        "#!/bin/sh\nhead -c 100 >/dev/null\n"
        "echo 'error during connect: Post \"http://docker/build\": unexpected EOF' >&2\nexit 1\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(MachineCannot, match="Docker does not answer"):
        docker.feed("import", "-", "x", write=lambda to: to.write(bytes(10_000_000)) and None)


def test_whether_images_can_be_pulled_is_answered():
    answer = images.can_pull()
    assert answer is None or "does not hand out" in answer
