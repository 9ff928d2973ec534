"""The images that clusters run: pulled or built, with one result.

Both ways end in images of the same name and version, so nothing after this knows which
was taken; reports ask `provenance`.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from labsupport import console, docker, imagebuild, machine, recipes, versions
from labsupport.errors import LabError, MachineCannot, WrongUse
from labsupport.programs import ProgramFailed
from labsupport.recipes import host_packages as host_packages
from labsupport.versions import Image

Source = Literal["registry", "modules"]


def build(images: Iterable[Image] | None = None) -> None:
    """Build the images that are missing or outdated from Go modules and Debian packages.

    Args:
        images: those wanted, all by default.

    Raises:
        MachineCannot: a program, a right or room is missing, or Docker does not answer.
        LabError: a build failed.
    """
    wanted = versions.images() if images is None else images
    imagebuild.build(image.key for image in wanted)


def pull(images: Iterable[Image]) -> None:
    """Pull the images by digest where one is pinned, and give them their names.

    Raises:
        MachineCannot: a registry does not answer or does not have an image.
    """
    wanted = list(images)
    for number, image in enumerate(wanted, start=1):
        with console.task(f"[{number}/{len(wanted)}] pulling {image.name}", 30):
            try:
                docker.run("pull", "--quiet", image.reference)
            except ProgramFailed as failed:
                said = failed.stderr.strip().splitlines() or ["no answer"]
                raise MachineCannot(
                    f"{image.name} cannot be pulled ({said[-1]}); `--images modules` builds the"
                    " images where no registry can be reached."
                ) from failed
            if image.digest:
                repository = image.name.rpartition(":")[0]
                docker.run("tag", f"{repository}@{image.digest}", image.name)


def can_pull() -> str | None:
    """Why images cannot be pulled, in a few seconds at most, or None where they can.

    Asks each registry for one image's manifest; without a registry in DNS the answer
    takes a fraction of a second.
    """
    for image in {_registry(image.name): image for image in versions.images()}.values():
        registry = _registry(image.name)
        # Docker itself speaks plain HTTP to the loopback address, and to nobody else.
        plain = ["--insecure"] if registry.startswith(("127.", "localhost")) else []
        try:
            docker.run("manifest", "inspect", *plain, image.reference, timeout=8)
        except ProgramFailed as failed:
            said = failed.stderr.strip().splitlines() or ["no answer"]
            # The cause stands last, but for the image that is named already.
            why = said[-1].removesuffix(image.reference).rstrip(": ").rpartition(": ")[2]
            return f"{registry} does not hand out {image.name}: {why}"
        except LabError as failed:
            return str(failed)
    return None


def at_hand(image: Image) -> bool:
    """Whether Docker has the image as it should be: as pinned, or built from today's recipe."""
    found = docker.inspect(image.name)
    if found is None:
        return False
    if recipes.INPUTS in (found["Config"].get("Labels") or {}):
        return imagebuild.up_to_date(image.key)
    digests = [reference.partition("@")[2] for reference in found.get("RepoDigests") or []]
    return not image.digest or not digests or image.digest in digests


def needed(profiles: Iterable[str] | None = None) -> list[Image]:
    """The images of these profiles' clusters, all by default, the node image first."""
    chosen = versions.profiles() if profiles is None else map(versions.profile, profiles)
    images = [versions.image("node"), *(image for one in chosen for image in one.images)]
    return list(dict.fromkeys(images))


def missing(profiles: Iterable[str] | None = None) -> list[Image]:
    """Those of `needed` that are not at hand."""
    return [image for image in needed(profiles) if not at_hand(image)]


def ensure(profiles: Iterable[str] | None = None, source: str = "auto") -> Source:
    """Have the images of these profiles' clusters, and say where they are from.

    Args:
        profiles: names of profiles, all by default.
        source: `registry` pulls and `modules` builds what is not from there already;
            `auto` uses what is at hand, then pulls, and builds where nothing can be pulled.

    Returns:
        `registry` where every image was pulled, else `modules`.

    Raises:
        WrongUse: there is no such source.
        LabError: the images can neither be pulled nor built.
    """
    images = needed(profiles)
    if source == "modules":
        build(images)
    elif source == "registry":
        pull([image for image in images if not at_hand(image) or source_of(image) != "registry"])
    elif source == "auto":
        _pull_or_build([image for image in images if not at_hand(image)])
    else:
        raise WrongUse(f"Images come from registry, modules or auto, not from {source!r}.")
    return "registry" if all(source_of(image) == "registry" for image in images) else "modules"


def source_of(image: Image) -> Source | None:
    """Whether Docker's image of this name was pulled or built, or None where it has none."""
    found = docker.inspect(image.name)
    if found is None:
        return None
    return "modules" if recipes.INPUTS in (found["Config"].get("Labels") or {}) else "registry"


def provenance(image: Image) -> dict[str, str | None]:
    """What a report says of an image: name, id, registry digest, source.

    Raises:
        LabError: Docker has no image of this name.
    """
    found = docker.inspect(image.name)
    if found is None:
        raise LabError(f"Docker has no image {image.name}; `./lab up` or `./lab images` gets it.")
    source = source_of(image)
    # Docker's containerd image store invents a digest for what was never in a registry.
    references = found.get("RepoDigests") or [] if source == "registry" else []
    digests = [reference.partition("@")[2] for reference in references]
    return {
        "name": image.name,
        "id": found["Id"],
        "digest": digests[0] if digests else None,
        "source": source,
    }


def save(images: Iterable[Image], archive: Path) -> None:
    """Write images into one archive, as `docker load` and kind read it.

    Where Docker may keep several platforms in an image, the archive has to name one, or
    kind cannot import it (https://github.com/kubernetes-sigs/kind/issues/3795).
    """
    engine = _engine()
    several = engine.store.startswith("containerd")
    one = ["--platform", _platform(engine)] if several else []
    docker.run("save", *one, "--output", str(archive), *(image.name for image in images))


def load(archive: Path) -> None:
    """Give Docker the images of an archive that `save` wrote."""
    docker.run("load", "--quiet", "--input", str(archive))


def platform() -> str:
    """What Docker's images here run on, such as `linux/amd64`."""
    return _platform(_engine())


def _engine() -> machine.Docker:
    return machine.read_docker(json.loads(docker.run("info", "--format", "{{json .}}")))


def _platform(engine: machine.Docker) -> str:
    return "linux/arm64" if engine.arch == "aarch64" else "linux/amd64"


def _pull_or_build(images: list[Image]) -> None:
    if not images:
        return
    refusal = can_pull()
    if refusal is None:
        try:
            return pull(images)
        except LabError as failed:
            refusal = str(failed)
    console.say(f"Building the images, for they cannot be pulled: {refusal}")
    build(images)


def _registry(name: str) -> str:
    """The registry of an image's name: `quay.io`, or Docker Hub where none is named."""
    first, slash, _ = name.partition("/")
    return first if slash and ("." in first or ":" in first) else "docker.io"
