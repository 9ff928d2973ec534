"""Build images without a registry: programs from Go modules over a base from Debian.

What exists already with the inputs it should have is skipped, so a second call takes
seconds and an interrupted one goes on.
"""

import contextlib
import functools
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from labsupport import baseimage, console, docker, gobuild, paths, recipes
from labsupport.errors import MachineCannot
from labsupport.recipes import FOLDER, INPUTS, SOURCE, Recipe

_CONTAINER = "netpol-lab-node-build-"  # the node image is committed from one named so


def up_to_date(key: str) -> bool:
    """Whether Docker has the image, built by the lab from exactly today's inputs."""
    made_of = recipes.recipe(key)
    return docker.labels(made_of.name).get(INPUTS) == recipes.inputs(key)


def build(keys: Iterable[str]) -> None:
    """Build those of these images that are missing or outdated.

    Raises:
        MachineCannot: a program, a right or room is missing, or Docker does not answer.
        LabError: a build failed.
    """
    with _alone():
        wanted = [key for key in dict.fromkeys(keys) if not up_to_date(key)]
        jobs = _jobs(wanted)
        for number, job in enumerate(jobs, start=1):
            job(f"[{number}/{len(jobs)}] ")
        if jobs:
            _tidy(wanted)


def _jobs(wanted: list[str]) -> list[Callable[[str], object]]:
    """What is to be done, in order; each is called with the words `[3/20] ` to show.

    Raises:
        MachineCannot: something on the host that one of them takes is missing.
    """
    parts = [part for key in wanted for part in recipes.recipe(key).parts if not up_to_date(part)]
    images = [recipes.recipe(key) for key in dict.fromkeys([*parts, *wanted])]
    builds = [name for name in recipes.builds(images) if not gobuild.is_built(name)]
    base = any(one.needs_base for one in images) and not _base_is_up_to_date()
    if base:
        baseimage.check_host()
    if any(gobuild.builds()[name].needs_c for name in builds) and not shutil.which("gcc"):
        raise MachineCannot(
            "`gcc`, which flannel and pause are built with, is not installed:"
            " `apt-get install gcc libc6-dev` as root installs it."
        )
    return [
        *([_build_base] if base else []),
        *(functools.partial(gobuild.build, name) for name in builds),
        *(functools.partial(_build_image, one) for one in images),
    ]


def _base_is_up_to_date() -> bool:
    base = recipes.base()
    return docker.labels(baseimage.NAME).get(INPUTS) == base.key and base.debs.is_dir()


def _build_base(step: str) -> None:
    base = recipes.base()
    with console.task(f"{step}making the base image from Debian packages", base.usual):
        baseimage.build(base, {INPUTS: base.key, SOURCE: "modules"})


def _build_image(made_of: Recipe, step: str) -> None:
    with console.task(f"{step}building image {made_of.name}", made_of.usual):
        if made_of.on:
            _commit(made_of)
        else:
            _docker_build(made_of)


def _docker_build(made_of: Recipe) -> None:
    """`docker build`, with the context streamed rather than copied together first."""
    labels = [f"--label={name}={value}" for name, value in recipes.labels(made_of.key).items()]

    def write(to: IO[bytes]) -> None:
        with tarfile.open(fileobj=to, mode="w|") as archive:
            for path, source in context(made_of):
                _add(archive, path, source)

    options = ("--quiet", "--force-rm", "--network=none", "--tag", made_of.name)
    docker.feed("build", *options, *labels, "-", write=write)


def context(made_of: Recipe) -> Iterator[tuple[str, Path]]:
    """The files of an image's build: the path in the context, the file on this machine."""
    for path in made_of.own_files():
        yield path.name, path
    for name in made_of.shared:
        yield name, FOLDER / name
    for name in made_of.programs:
        yield f"bin/{name}", gobuild.program(name)
    debs = recipes.base().debs
    for package in made_of.debian:
        for path in debs.glob(f"{package}_*.deb"):
            yield f"debian/{path.name}", path
    for to, source in made_of.files.items():
        found = gobuild.module_dir(source) / source.path
        if found.is_file():
            yield to, found
        for path in sorted(found.rglob("*")):
            if path.is_file():
                yield f"{to}/{path.relative_to(found)}", path


def _add(archive: tarfile.TarFile, path: str, source: Path) -> None:
    """Add a file owned by root and dated alike, so that the same content is the same layer.

    A Go module keeps no permissions: programs and scripts are told by how they begin.
    """
    with source.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        entry = tarfile.TarInfo(path)
        entry.size = os.fstat(file.fileno()).st_size
        entry.mode = 0o755 if start == b"\x7fELF" or start.startswith(b"#!") else 0o644
        archive.addfile(entry, file)


def _commit(made_of: Recipe) -> None:
    """Make the node image: the control plane's images imported in a running container."""
    on, container = recipes.recipe(made_of.on).name, f"{_CONTAINER}{os.getpid()}"
    images = [recipes.recipe(key).name for key in made_of.imports]

    def write(to: IO[bytes]) -> None:
        with subprocess.Popen(("docker", "save", *images), stdout=to) as saving:
            try:
                saving.wait()
            finally:
                saving.kill()

    _remove_containers()
    try:
        docker.feed(
            *("run", "--interactive", "--privileged", "--network=none", "--name", container),
            *("--entrypoint", "/kind/import", on),
            write=write,
        )
        config = (docker.inspect(on) or {})["Config"]
        changes = [f"ENTRYPOINT {json.dumps(config['Entrypoint'])}"]
        changes += [f"LABEL {k}={json.dumps(v)}" for k, v in recipes.labels(made_of.key).items()]
        docker.run("commit", *(f"--change={change}" for change in changes), container, made_of.name)
    finally:
        docker.run("rm", "--force", "--volumes", container)


def _remove_containers() -> None:
    """Remove what a killed build left behind."""
    left = docker.run("ps", "--all", "--quiet", "--filter", f"name=^/{_CONTAINER}").split()
    if left:
        docker.run("rm", "--force", "--volumes", *left)


def _tidy(built: list[str]) -> None:
    """Remove what the new images replace, and the parts of those that hold them."""
    for part in {part for key in built for part in recipes.recipe(key).parts}:
        docker.run("image", "rm", recipes.recipe(part).name)
    # Only images that have lost their name, that the lab built, and that nothing uses.
    docker.run("image", "prune", "--force", "--filter", f"label={SOURCE}=modules")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other process of this user builds images."""
    lock = FileLock(paths.cache() / "images.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        with console.task("waiting for another process that builds the images"):
            lock.acquire()
    try:
        yield
    finally:
        lock.release()
