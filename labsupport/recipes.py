"""The images the lab can build, and what goes into each.

An image's inputs are hashed without reading what is large: programs and modules count
by the hash that pins them. The hash is a label of the built image, so asking whether
one is up to date is asking Docker for its labels.
"""

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from labsupport import baseimage, gobuild, paths, versions

FOLDER = paths.CLUSTERS / "images"
INPUTS = "netpol-lab.inputs"  # the label that only images built by the lab have
SOURCE = "netpol-lab.source"


@dataclass(frozen=True)
class Recipe:
    """What an image is made of; the fields are explained in `images.toml`."""

    key: str
    programs: tuple[str, ...] = ()
    files: dict[str, versions.Source] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    debian: tuple[str, ...] = ()
    on: str = ""
    imports: tuple[str, ...] = ()
    usual: float = field(default=5, repr=False)  # repr is hashed as what goes into the image

    @property
    def is_part(self) -> bool:
        """Whether the image is a part of the node image, which no cluster asks for."""
        return self.key not in {image.key for image in versions.images()}

    @property
    def name(self) -> str:
        """The image's name in Docker."""
        return f"netpol-lab/{self.key}" if self.is_part else versions.image(self.key).name

    @property
    def parts(self) -> tuple[str, ...]:
        """The images that must exist before this one is built, besides the base."""
        return (self.on, *self.imports) if self.on else ()

    def own_files(self) -> list[Path]:
        """The Dockerfile and what lies beside it."""
        folder = FOLDER / self.key
        return sorted(path for path in folder.glob("*") if path.is_file())

    @property
    def needs_base(self) -> bool:
        """Whether the Dockerfile starts from the base image."""
        dockerfile = FOLDER / self.key / "Dockerfile"
        return dockerfile.exists() and f"FROM {baseimage.NAME}" in dockerfile.read_text()


@cache
def _tables() -> dict[str, Any]:
    with (FOLDER / "images.toml").open("rb") as file:
        return tomllib.load(file)


@cache
def recipe(key: str) -> Recipe:
    """The recipe of an image by its key in `images.toml`."""
    table = dict(_tables()["images"][key])
    files = {to: versions.Source(**source) for to, source in table.pop("files", {}).items()}
    lists = {name: tuple(value) for name, value in table.items() if isinstance(value, list)}
    return Recipe(key, files=files, **{**table, **lists})


def recipes() -> list[Recipe]:
    """Every recipe, the parts of the node image first."""
    return [recipe(key) for key in _tables()["images"]]


def host_packages() -> list[str]:
    """The Debian packages that building takes on the host."""
    return list(_tables()["host"]["debian"])


def base() -> baseimage.Base:
    """What the base image is made of, with every package that an image unpacks."""
    table = _tables()["base"]
    unpack = {package for one in recipes() for package in one.debian}
    return baseimage.Base(
        table["suite"], tuple(table["packages"]), tuple(sorted(unpack)), table["usual"]
    )


@cache
def inputs(key: str) -> str:
    """Names the content of an image: the hash of all that goes into it."""
    made_of = recipe(key)
    parts = [repr(made_of)]
    parts += [f"{path.name}\n{path.read_text()}" for path in made_of.own_files()]
    parts += [(FOLDER / name).read_text() for name in made_of.shared]
    parts += [gobuild.key(name) for name in builds([made_of])]
    parts += [gobuild.sums(source.build) for source in made_of.files.values()]
    parts += [inputs(part) for part in made_of.parts]
    parts += [base().key] if made_of.needs_base else []
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def builds(made: Iterable[Recipe]) -> list[str]:
    """The builds whose programs these images hold, each once."""
    return list(dict.fromkeys(gobuild.build_of(name).name for one in made for name in one.programs))


def labels(key: str) -> dict[str, str]:
    """What a built image says of itself: its inputs, and where its content came from."""
    made_of = recipe(key)
    held = [made_of, *(recipe(part) for part in made_of.parts)]
    content = {name: gobuild.origin(name) for one in held for name in one.programs}
    return {
        INPUTS: inputs(key),
        SOURCE: "modules",
        "netpol-lab.content": "; ".join(f"{name}={origin}" for name, origin in content.items()),
    }
