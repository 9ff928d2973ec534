"""Whose turn it is: one process at a time uses the clusters, and one cluster the machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from filelock import FileLock, Timeout

from labsupport import clusterrecord, console, docker, paths, versions
from labsupport.errors import LabError
from labsupport.versions import Profile

_PLENTY = 8  # processors


@contextmanager
def lock() -> Iterator[None]:
    """Let one process at a time use the clusters; others wait and say for whom."""
    file = paths.state() / "clusters.lock"
    holder = paths.state() / "clusters.lock.holder"
    mutex = FileLock(file)
    try:
        mutex.acquire(timeout=0)
    except Timeout:
        who = holder.read_text() if holder.exists() else "another process"
        console.say(f"Waiting for {who}, which is using the clusters.")
        mutex.acquire()
    try:
        holder.write_text(f"process {os.getpid()}")
        yield
    finally:
        holder.unlink(missing_ok=True)
        mutex.release()


@contextmanager
def alone(profile: Profile) -> Iterator[None]:
    """Give one cluster the machine: the lab's others are paused until the block ends.

    Four clusters that only wait take most of two processors, so that what is measured
    beside them is the waiting. With eight processors and more, nothing is paused. A node
    that Docker cannot pause goes on: the measurement is slower then, not wrong.
    """
    others = [p for p in versions.profiles() if p != profile]
    paused: list[str] = []
    try:
        for other in others if (os.cpu_count() or 1) < _PLENTY else ():
            for name, (_, state) in clusterrecord.containers(other).items():
                if state == "running":
                    paused.append(name)  # first: an interruption may come with the pause
                    if not docker.pause(name):
                        console.say(f"  {name} could not be paused and goes on beside.")
        yield
    finally:
        for name in paused:
            with suppress(LabError):  # it may not have been reached
                docker.run("unpause", name)
