"""Pulling, from a real registry on the loopback address; other registries may be out of reach."""

import contextlib
import os
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from labsupport import docker, gobuild, images, paths, versions
from labsupport.errors import LabError
from labsupport.versions import Image
from tests.live.polling import poll

MODULE = Path(__file__).parent / "registry"


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """Upstream's own registry, built from its Go module; the address it answers at."""
    program = paths.cache() / "test-registry"
    subprocess.run(
        [gobuild.go(), "build", "-o", program,
         "github.com/distribution/distribution/v3/cmd/registry"],
        cwd=MODULE, check=True,
    )  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    folder = tmp_path_factory.mktemp("registry")
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nhttp: {{addr: {address}}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder / 'data'}}}}}\n"
    )
    server = subprocess.Popen(
        [program, "serve", config], env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip

    def answers():
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"http://{address}/v2/", timeout=1).status == 200

    try:
        poll(answers, limit=30)
        yield address
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def pushed(registry):
    """An image that only the registry has, and its digest there."""
    name = f"{registry}/lab/tiny:1"
    dockerfile = b"FROM scratch\nENV MADE_FOR=the-pull-test\n"
    docker.feed("build", "--quiet", "--tag", name, "-", write=lambda to: to.write(dockerfile))
    docker.run("push", name)
    digest = docker.inspect(name)["RepoDigests"][0].partition("@")[2]
    docker.run("image", "rm", "--force", name)
    yield Image("tiny", name, digest)
    with contextlib.suppress(LabError):
        docker.run("image", "rm", "--force", name, f"{name}@{digest}")


def test_a_pinned_image_is_pulled_by_digest_and_has_its_name(pushed):
    assert docker.inspect(pushed.name) is None
    images.pull([pushed])
    told = images.provenance(pushed)
    assert (told["name"], told["source"], told["digest"]) == (
        pushed.name,
        "registry",
        pushed.digest,
    )


def test_an_image_without_a_digest_is_pulled_by_tag(pushed):
    images.pull([Image("tiny", pushed.name)])
    assert images.provenance(pushed)["digest"] == pushed.digest


def test_what_the_registry_does_not_have_is_named(pushed):
    wrong = Image("tiny", pushed.name, f"sha256:{'0' * 64}")
    with pytest.raises(LabError, match="0000"):
        images.pull([wrong])


def test_whether_images_can_be_pulled(pushed, monkeypatch):
    monkeypatch.setattr(versions, "images", lambda: [pushed])
    assert images.can_pull() is None
    missing = Image("none", pushed.name.replace("tiny", "none"))
    monkeypatch.setattr(versions, "images", lambda: [missing])
    assert "does not hand out" in images.can_pull()
