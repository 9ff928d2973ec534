"""What a workshop hands out: one archive, with which a machine needs no container registry.

It holds the lab itself, the images that its clusters run, kind, kubectl and helm, CNI plugins
and the CNIs' manifests: no registry, no Go and no module proxy is needed where it is loaded.
Python's packages still come from PyPI.
"""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from labsupport import archive, cni, console, gobuild, images, paths, programs, versions
from labsupport.errors import MachineCannot, WrongUse
from labsupport.versions import Profile

NAME = "netpol-lab-workshop.tar.gz"
TOP = "netpol-lab"
"""The folder in the archive that holds the lab itself."""
_PROGRAMS = ("kind", "kubectl", "helm")
# Seconds on 2 cores, for the progress bars.
_WRITE_SECONDS = 240
_READ_SECONDS = 120


def export(profiles: Sequence[Profile], out: Path) -> Path:
    """Write the archive into a folder, and return its path.

    Raises:
        MachineCannot: there is no room or no right to write.
        LabError: a program is missing and cannot be built.
    """
    path = out / NAME
    with (
        console.task(f"writing {path}", _WRITE_SECONDS),
        tempfile.TemporaryDirectory(dir=paths.cache(), prefix="workshop-") as scratch,
    ):
        folder = Path(scratch)
        chosen = images.needed([profile.name for profile in profiles])
        images.save(chosen, folder / "images.tar")
        files = {
            **{f"{TOP}/{name}": file for name, file in _lab(folder / TOP).items()},
            **_programs(profiles),
            **_manifests(profiles),
            "images.tar": folder / "images.tar",
        }
        facts = {
            "platform": images.platform(),
            "commit": _commit(),
            "profiles": [profile.name for profile in profiles],
            "images": [image.name for image in chosen],
        }
        archive.write(path, files, facts)
    return path


def command(path: Path) -> str:
    """The one command that a participant runs, in the folder where the archive is."""
    return f"tar -xzf {path.name} {TOP} && {TOP}/lab workshop --load {path.name}"


def load(path: Path) -> list[str]:
    """Take in an archive: images into Docker, programs and manifests into the cache.

    Returns:
        The names of the profiles whose clusters can be made now.

    Raises:
        WrongUse: the archive cannot be read, is damaged, or belongs to another version of
            the lab.
        MachineCannot: Docker does not answer, runs on another kind of processor, or there is
            no room.
    """
    here = images.platform()
    reading = console.task(f"loading {path}", _READ_SECONDS)
    with reading, archive.unpacked(path) as (manifest, folder):
        if manifest["platform"] != here:
            raise MachineCannot(
                f"{path} holds images for {manifest['platform']}, and Docker here runs {here}; "
                "`./lab up` gets its own."
            )
        profiles = [versions.profile(name) for name in manifest["profiles"]]
        _ensure_same_pins(path, manifest["images"], profiles, folder)
        for build in sorted((folder / "programs").iterdir()):
            gobuild.take_in(build.name, build / gobuild.key(build.name))
        for profile in profiles:
            _keep(folder / "upstream" / profile.name, cni.handed_out(profile))
        images.load(folder / "images.tar")
    return [profile.name for profile in profiles]


def _ensure_same_pins(
    path: Path, names: list[str], profiles: Sequence[Profile], folder: Path
) -> None:
    """Stop where this lab's pins are not those of the lab that wrote the archive."""
    wanted = [image.name for image in images.needed([profile.name for profile in profiles])]
    builds = list((folder / "programs").glob("*"))
    if (
        names != wanted
        or not {build.name for build in builds} >= set(_PROGRAMS)
        or not all(map(_is_whole, builds))
        or not all((folder / "upstream" / profile.name).exists() for profile in profiles)
    ):
        raise WrongUse(
            f"{path} was written by another version of the lab than this one; take the lab that "
            f"is in it: {command(path)}"
        )


def _is_whole(folder: Path) -> bool:
    """Whether a folder holds all programs of a build, as this lab would build them."""
    build = gobuild.builds().get(folder.name)
    if build is None:
        return False
    inside = (folder / gobuild.key(folder.name)).glob("*")
    return {file.name for file in inside} == set(build.programs)


def _keep(found: Path, home: Path) -> None:
    """Put a manifest, or a chart's folder, where `cni` looks for it."""
    if home.exists():
        return
    with tempfile.TemporaryDirectory(dir=paths.cache(), prefix="workshop-") as scratch:
        new = Path(scratch) / "new"
        _ = shutil.copytree(found, new) if found.is_dir() else shutil.copy(found, new)
        home.parent.mkdir(parents=True, exist_ok=True)
        new.rename(home)


def _lab(folder: Path) -> dict[str, Path]:
    """The lab's own files by their paths: what git tracks, or all where there is no git."""
    if _commit():
        programs.run(
            "git", "archive", "--format=tar", "--output", folder.with_suffix(".tar"), "HEAD",
            cwd=paths.ROOT,
        )  # fmt: skip
        folder.mkdir()
        shutil.unpack_archive(folder.with_suffix(".tar"), folder, filter="data")
        if programs.run("git", "status", "--porcelain", cwd=paths.ROOT).strip():
            console.say("Changes that are not committed are not in the archive.")
    else:
        ignored = [line.strip("/") for line in (paths.ROOT / ".gitignore").read_text().split()]
        shutil.copytree(paths.ROOT, folder, ignore=shutil.ignore_patterns(".git", *ignored))
    return {str(f.relative_to(folder)): f for f in sorted(folder.rglob("*")) if f.is_file()}


def _commit() -> str | None:
    """The commit that is checked out; None where the lab is no checkout of its own."""
    if not (paths.ROOT / ".git").exists():
        return None
    return programs.run("git", "rev-parse", "HEAD", cwd=paths.ROOT).strip()


def _programs(profiles: Sequence[Profile]) -> dict[str, Path]:
    """Programs, by the build and the key that the lab keeps them under."""
    found = {name: programs.tool(name) for name in _PROGRAMS}
    plugins = [gobuild.build_of(name) for profile in profiles for name in profile.plugins]
    found |= {name: gobuild.program(name) for build in plugins for name in build.programs}
    return {
        f"programs/{build}/{gobuild.key(build)}/{name}": file.resolve()
        for name, file in found.items()
        for build in [gobuild.build_of(name).name]
    }


def _manifests(profiles: Sequence[Profile]) -> dict[str, Path]:
    """Upstream's manifest or chart of each profile."""
    found: dict[str, Path] = {}
    for profile in profiles:
        upstream, name = cni.upstream(profile), f"upstream/{profile.name}"
        if upstream.is_dir():
            inside = (file for file in sorted(upstream.rglob("*")) if file.is_file())
            found |= {f"{name}/{file.relative_to(upstream)}": file for file in inside}
        else:
            found[name] = upstream
    return found
