"""The pins of `clusters/versions.toml`, read once."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from labsupport import paths
from labsupport.errors import WrongUse


@dataclass(frozen=True)
class Image:
    """An image by the name that a cluster asks for, with the registry's digest where known."""

    key: str
    name: str
    digest: str | None = None

    @property
    def reference(self) -> str:
        """What to pull: the name, and the digest where upstream publishes one."""
        return f"{self.name}@{self.digest}" if self.digest else self.name


@dataclass(frozen=True)
class Source:
    """An upstream manifest or chart inside a Go module."""

    module: str
    build: str
    path: str


@dataclass(frozen=True)
class Profile:
    """A CNI in one mode on one cluster."""

    name: str
    title: str
    mode: str
    version: str
    images: tuple[Image, ...]
    source: Source
    plugins: tuple[str, ...] = ()

    @property
    def cluster(self) -> str:
        """The kind cluster's name."""
        return f"netpol-lab-{self.name}"

    @property
    def folder(self) -> Path:
        """The profile's kind config and patches."""
        return paths.CLUSTERS / self.name


@cache
def _pins() -> dict[str, Any]:
    with (paths.CLUSTERS / "versions.toml").open("rb") as file:
        return tomllib.load(file)


def program(name: str) -> str:
    """The pinned version of a program: `program("kind")` is `v0.32.0`."""
    return _filled(_pins()["programs"][name])


def component(name: str) -> str:
    """The pinned version of a component: `component("kubernetes")` is `v1.36.1`."""
    return str(_pins()["components"][name])


def image(key: str) -> Image:
    """An image by its key in `versions.toml`."""
    entry = _pins()["images"][key]
    return Image(key, _filled(entry["name"]), entry.get("digest"))


def images() -> list[Image]:
    """Every image, the node image first."""
    return [image(key) for key in _pins()["images"]]


def profiles() -> list[Profile]:
    """Every profile, in the order of `versions.toml`."""
    return [profile(name) for name in _pins()["profiles"]]


def profile(name: str) -> Profile:
    """A profile by name.

    Raises:
        WrongUse: there is no such profile; the message lists those there are.
    """
    known = _pins()["profiles"]
    if name not in known:
        raise WrongUse(f"There is no profile {name!r}; choose from {', '.join(known)}.")
    entry = known[name]
    return Profile(
        name=name,
        title=entry["title"],
        mode=entry["mode"],
        version=component(entry["version"]),
        images=tuple(image(key) for key in entry["images"]),
        source=_source(name),
        plugins=tuple(entry.get("plugins", ())),
    )


def _source(profile: str) -> Source:
    with (paths.CLUSTERS / profile / "source.toml").open("rb") as file:
        return Source(**tomllib.load(file))


def _filled(text: str) -> str:
    """A pin with the versions of the components it names: `{calico}` is Calico's."""
    return str(text).format_map(_pins()["components"])
