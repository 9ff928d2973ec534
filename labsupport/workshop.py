"""A workshop's room: the machine checked, every image at hand, the clusters made."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from labsupport import clusters, console, doctor, images
from labsupport.errors import MachineCannot
from labsupport.versions import Profile


@dataclass
class Clock:
    """What was done, and the seconds that each step took."""

    steps: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Take the time of a block."""
        begun = time.monotonic()
        yield
        self.steps.append((name, time.monotonic() - begun))

    def lines(self) -> list[str]:
        """A line a step, and their sum where there are several."""
        told = self.steps
        if len(told) > 1:
            told = [*told, ("together", sum(seconds for _, seconds in told))]
        return [f"{name:<24}{console.seconds(seconds):>14}" for name, seconds in told]


def prepare(profiles: Sequence[Profile], source: str, clock: Clock) -> None:
    """Check this machine, have every image, and make the clusters.

    Args:
        profiles: whose clusters.
        source: as for `images.ensure`.
        clock: what the steps are noted in.

    Raises:
        MachineCannot: live clusters cannot run here.
        LabError: images can neither be pulled nor built, or a cluster is broken.
    """
    with clock.step("machine checked"):
        _check_machine()
    with clock.step("images at hand"):
        images.ensure([profile.name for profile in profiles], source)
    with clock.step("clusters ready"):
        clusters.up(profiles)


def _check_machine() -> None:
    with console.task("looking at this machine", usual=3):
        found = doctor.examine()
    # Missing images are built, which is what the next step is for.
    blocking = [one for one in found if one.state == "blocking" and one.name != "images"]
    if blocking:
        said = "; ".join(f"{one.name}: {one.detail}" for one in blocking)
        raise MachineCannot(f"Live clusters cannot run here: {said}. `./lab doctor` says more.")
