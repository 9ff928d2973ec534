"""`./lab test`: style, types, the fast tests, and on a machine with Docker the live ones."""

import subprocess
import sys

from labsupport import console, machine, paths, versions
from labsupport.errors import CheckFailed

_BY_HAND = {
    "tests/live/test_anatomy.py": "it takes eight minutes, most of them for conversions",
    "tests/live/test_breaking.py": "it restarts Cilium's agents twice and takes seven minutes",
}
"""Tests that `./lab test` leaves out, and why."""

_LIVE = ("02", "03")
"""The notebooks that it runs on the clusters: all of them take a quarter of an hour."""


def run(fast: bool) -> None:
    """Run everything that can run here and print it as it goes.

    Raises:
        CheckFailed: something failed; all of it was run first, but the live tests only
            where the fast ones passed.
    """
    failed = [
        name
        for name, command in {
            "style": ["ruff", "check", "."],
            "format": ["ruff", "format", "--check", "."],
            "types": ["mypy"],
            # A file's tests stay on one of the two processes, for some share what they make.
            "fast tests": ["pytest", "tests/unit", "-n", "2", "--dist", "loadfile"],
            "notebooks, recorded": ["labsupport", "notebooks", "--recorded"],
            "kernels": ["pytest", "tests/notebooks", "-n", "2"],
            "browser": ["pytest", "tests/browser", "-rs"],  # says why where it cannot run
        }.items()
        if not _passes(name, command)
    ]
    if failed:
        raise CheckFailed(f"These failed, see above: {', '.join(failed)}.")
    docker, trouble = machine.docker()
    if fast or docker is None:
        why = "--fast was given" if fast else f"Docker does not answer ({trouble})"
        console.say(f"Live tests: not run, because {why}.")
        return
    from labsupport import clusters, images

    images.ensure([profile.name for profile in versions.profiles()], "auto")
    clusters.up(versions.profiles())
    left_out = [f"--ignore={path}" for path in _BY_HAND]
    failed = [
        name
        for name, command in {
            "live tests": ["pytest", "tests/live", "--timeout=1200", "--durations=15", *left_out],
            "notebooks, live": ["labsupport", "notebooks", "--live", *_LIVE],
        }.items()
        if not _passes(name, command)
    ]
    for path, why in _BY_HAND.items():
        console.say(f"{path}: not run, because {why}; run it with pytest by itself.")
    console.say(f"Other notebooks than {' and '.join(_LIVE)}: not run on clusters; "
                "`./lab notebooks --live` runs all.")  # fmt: skip
    if failed:
        raise CheckFailed(f"These failed, see above: {', '.join(failed)}.")


def _passes(name: str, command: list[str]) -> bool:
    console.say(f"[bold]{name}[/]: {' '.join(command)}")
    done = subprocess.run([sys.executable, "-m", *command], cwd=paths.ROOT)
    return done.returncode == 0
