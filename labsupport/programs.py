"""Run other programs, and find the ones the lab needs in the pinned version.

The lab drives `docker`, `kind`, `kubectl` and `helm` as the commands they are, so
that a learner can type what the lab typed: `verbose = True` prints each one.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from labsupport import console, versions
from labsupport.errors import LabError, MachineCannot

verbose = False


class ProgramFailed(LabError):
    """A program ended with an error; carries what it printed."""

    def __init__(self, command: tuple[str, ...], code: int, stderr: str) -> None:
        self.code = code
        self.stderr = stderr
        last = [line for line in stderr.strip().splitlines() if line.strip()][-3:]
        said = "; ".join(last) or "it printed nothing"
        super().__init__(f"`{shlex.join(command)[:200]}` failed with exit code {code}: {said}")


def run(
    *command: str | Path,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
) -> str:
    """Run a program and return its standard output.

    Args:
        command: the program and its arguments; no shell is involved.
        stdin: text for its standard input, which is empty otherwise.
        env: variables set on top of this process's own.
        cwd: the directory to run it in.
        timeout: seconds after which it is ended.

    Raises:
        ProgramFailed: it ended with an error or ran out of time.
        MachineCannot: it is not installed.
    """
    words = tuple(str(word) for word in command)
    if verbose:
        console.say(f"[dim]$ {shlex.join(words)}[/]")
    try:
        done = subprocess.run(
            words,
            input=stdin or "",
            env={**os.environ, **(env or {})},
            cwd=cwd,
            timeout=timeout,
            capture_output=True,
            text=True,
            errors="replace",
        )
    except FileNotFoundError:
        raise MachineCannot(
            f"`{words[0]}` is not installed; `./lab doctor` says what to do."
        ) from None
    except subprocess.TimeoutExpired as expired:
        raise ProgramFailed(words, -1, f"no answer within {expired.timeout:.0f} s") from None
    if done.returncode:
        raise ProgramFailed(words, done.returncode, done.stderr or done.stdout)
    return done.stdout


_VERSION_COMMANDS = {
    "kind": ("version",),
    "kubectl": ("version", "--client"),
    "helm": ("version", "--short"),
}


def installed_version(name: str) -> str | None:
    """The version of `kind`, `kubectl` or `helm` on the PATH, such as `v0.32.0`.

    None where it is missing or does not say.
    """
    if shutil.which(name) is None:
        return None
    try:
        text = run(name, *_VERSION_COMMANDS[name], timeout=30)
    except LabError:
        return None
    match = re.search(r"v\d+\.\d+\.\d+\S*", text)
    return match.group() if match else None


@cache
def tool(name: str) -> Path:
    """The program `kind`, `kubectl` or `helm` in exactly the pinned version.

    The one on the PATH where its version is the pinned one, else the lab's own, built
    from its Go module and cached.

    Raises:
        MachineCannot: it can neither be found nor built.
    """
    from labsupport import gobuild  # gobuild runs programs itself

    if installed_version(name) == versions.program(name):
        return Path(shutil.which(name) or name)
    return gobuild.program(name)
