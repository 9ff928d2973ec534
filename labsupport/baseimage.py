"""The file system under the built images: Debian, made by debootstrap.

A registry would hand out `debian:bookworm-slim`; without one, Debian's own tool makes
the same from Debian's packages. The packages' versions are those of the day.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from labsupport import docker, paths, programs
from labsupport.errors import LabError, MachineCannot
from labsupport.programs import ProgramFailed

NAME = "netpol-lab/base"
# Read by nothing in a container.
_SUPERFLUOUS = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "var/lib/apt/lists",
    "var/cache/apt",
)


@dataclass(frozen=True)
class Base:
    """What the base image is made of.

    `packages` are installed in it; `unpack` are fetched beside it for single images.
    """

    suite: str
    packages: tuple[str, ...]
    unpack: tuple[str, ...]
    usual: float = 90

    @property
    def key(self) -> str:
        """Names the content: the hash of the suite and the packages."""
        return hashlib.sha256(repr((self.suite, self.packages, self.unpack)).encode()).hexdigest()[
            :16
        ]

    @property
    def debs(self) -> Path:
        """The directory with the packages to unpack."""
        return paths.cache() / "debian" / self.key


def check_host() -> None:
    """Ask for what making the base image takes, before anything long begins.

    Raises:
        MachineCannot: debootstrap is missing, or this is not root.
    """
    if shutil.which("debootstrap") is None:
        raise MachineCannot(
            "`debootstrap`, which makes the base image, is not installed:"
            " `apt-get install debootstrap` as root installs it."
        )
    if os.geteuid() != 0:
        raise MachineCannot(
            "Only root can make the base image, for debootstrap changes owners of files:"
            " run this command as root."
        )


def build(base: Base, labels: dict[str, str]) -> None:
    """Make the base image and fetch the packages that single images unpack.

    Raises:
        MachineCannot: as `check_host`, and where no Debian mirror answers or room runs out.
    """
    check_host()
    shutil.rmtree(base.debs, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix="base-", dir=paths.cache()))
    try:
        root = scratch / "root"
        _debootstrap(base, root)
        _download(root, base.unpack, scratch / "debs")
        for directory in _SUPERFLUOUS:
            programs.run("find", root / directory, "-mindepth", "1", "-delete")
        (root / "etc/resolv.conf").unlink(missing_ok=True)  # the host's
        _import(root, labels)
        base.debs.parent.mkdir(parents=True, exist_ok=True)
        (scratch / "debs").rename(base.debs)
    finally:
        # Never follows a mount out of the directory, should one be left.
        programs.run("rm", "-rf", "--one-file-system", scratch)


def _debootstrap(base: Base, root: Path) -> None:
    include = ",".join(base.packages)
    _run("debootstrap", "--variant=minbase", f"--include={include}", base.suite, str(root))


def _download(root: Path, packages: tuple[str, ...], to: Path) -> None:
    """Fetch Debian packages by the new system's own apt, which checks their signatures."""
    inside = root / "debs"
    inside.mkdir()
    fetch = 'apt-get -q update && cd /debs && apt-get -q -o APT::Sandbox::User=root download "$@"'
    _run("chroot", str(root), "sh", "-c", fetch, "sh", *packages)
    shutil.move(inside, to)


def _run(*command: str) -> None:
    """Run a program in a mount namespace of its own, so that nothing stays mounted."""
    try:
        programs.run("unshare", "--mount", "--propagation", "private", *command)
    except ProgramFailed as failed:
        raise _explained(failed) from failed


def _explained(failed: ProgramFailed) -> LabError:
    text = failed.stderr
    if "No space left on device" in text:
        return MachineCannot(
            f"No space is left in {paths.cache()} for the base image, which needs 1 GiB for a"
            " while: make room and run the same command again."
        )
    if "Failed getting release file" in text or "Could not resolve" in text:
        return MachineCannot(
            f"No Debian mirror answers, which the base image is made from: {failed}"
        )
    return failed


def _import(root: Path, labels: dict[str, str]) -> None:
    changes = [f"--change=LABEL {name}={json.dumps(value)}" for name, value in labels.items()]

    def write(to: IO[bytes]) -> None:
        code = subprocess.run(("tar", "-C", str(root), "-c", "."), stdout=to).returncode
        if code not in (0, -signal.SIGPIPE):  # docker says itself why it closed the pipe
            raise LabError(f"`tar` could not read the base image's files in {root}.")

    docker.feed("import", *changes, "-", NAME, write=write)
