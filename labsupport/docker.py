"""The `docker` command: what the lab asks of it, and what its failures mean."""

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from typing import IO, Any, cast

from labsupport import programs
from labsupport.errors import LabError, MachineCannot
from labsupport.programs import ProgramFailed

_PAUSE_TRIES = 3


def run(*arguments: str, timeout: float | None = None) -> str:
    """Run `docker` with these arguments and return what it printed.

    Raises:
        MachineCannot: Docker does not answer, or has no room left.
        ProgramFailed: any other failure.
    """
    try:
        return programs.run("docker", *arguments, timeout=timeout)
    except ProgramFailed as failed:
        raise explain(failed) from failed


def pause(name: str) -> bool:
    """Pause a container; say whether it could be done.

    Freezing a control group of version 1 is a matter of luck while its processes fork, and
    runc leaves it running when it gives up (https://github.com/opencontainers/runc/pull/2791).
    """
    for _ in range(_PAUSE_TRIES):
        try:
            run("pause", name)
        except ProgramFailed:
            continue
        return True
    return False


def feed(*arguments: str, write: Callable[[IO[bytes]], None]) -> str:
    """Run `docker` while `write` fills its standard input; return what it printed.

    Raises:
        MachineCannot: as `run`.
        ProgramFailed: as `run`.
    """
    command = ("docker", *arguments)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                env={**os.environ, **builder()},
            )
        except FileNotFoundError:
            raise MachineCannot("`docker` is not installed; `./lab engine` installs it.") from None
        stdin = cast(IO[bytes], child.stdin)
        try:
            # docker may end early, and says below why
            with contextlib.suppress(BrokenPipeError), stdin:
                write(stdin)
        except BaseException:
            child.kill()
            raise
        finally:
            code = child.wait()
        out.seek(0)
        err.seek(0)
        if code:
            text = err.read().decode(errors="replace") + out.read().decode(errors="replace")[-2000:]
            raise explain(ProgramFailed(command, code, text))
        return out.read().decode(errors="replace")


def inspect(name: str) -> dict[str, Any] | None:
    """What Docker knows of an image, or None where it has none of that name.

    https://docs.docker.com/reference/cli/docker/image/inspect/
    """
    try:
        found: list[dict[str, Any]] = json.loads(run("image", "inspect", name, timeout=60))
    except ProgramFailed as failed:
        if "no such image" in failed.stderr.lower():
            return None
        raise
    return found[0]


def labels(name: str) -> dict[str, str]:
    """An image's labels; none where there is no such image."""
    return ((inspect(name) or {}).get("Config") or {}).get("Labels") or {}


@cache
def builder() -> dict[str, str]:
    """What `docker build` needs in its environment.

    BuildKit, in the daemon where the base image is; the older builder where the
    buildx plugin is not installed, which `docker build` would otherwise insist on.
    """
    try:
        programs.run("docker", "buildx", "version", timeout=30)
    except LabError:
        return {"DOCKER_BUILDKIT": "0"}
    return {"BUILDX_BUILDER": "default"}


def explain(failed: ProgramFailed) -> LabError:
    """The failure in words a user can act on, where the machine is to blame."""
    text = failed.stderr.lower()
    if "no space left on device" in text:
        return MachineCannot(
            "Docker has no space left; the lab's images take about 8 GiB: make room (`docker system"
            " df` shows what takes it) and run the same command again, which goes on from here."
        )
    if any(sign in text for sign in _GONE):
        return MachineCannot(
            "Docker does not answer: start it (`./lab engine` does so where nothing else"
            " would) and run the same command again, which goes on from here."
        )
    return failed


_GONE = (
    "cannot connect to the docker daemon",
    "is the docker daemon running",
    "error during connect",
    "connection refused",
    "unexpected eof",
    "use of closed network connection",
)
