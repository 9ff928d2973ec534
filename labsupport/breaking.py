"""Break a cluster of the lab on purpose, look whether it is mended, and mend it.

Everything that has to be undone is written to a file before the first change, so an
interrupted `./lab break` can be mended like a whole one, and `./lab mend` can be repeated.
"""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from labsupport import (
    attempt,
    clusterrecord,
    clusters,
    console,
    ground,
    outages,
    patches,
    paths,
    report,
    turns,
    versions,
)
from labsupport.answer import State
from labsupport.attempt import Attempt
from labsupport.errors import CheckFailed, WrongUse
from labsupport.kube import KindUnknown, Kube
from labsupport.outages import Change, Outage
from labsupport.outcome import Outcome
from labsupport.versions import Profile


@dataclass
class Damage:
    """What was done to a cluster, and how to undo it.

    Attributes:
        outage: which.
        profile: on which cluster.
        nodes: ids of its node containers, which tell it from a later cluster.
        restore: changes that put the cluster's own configuration back.
        passing: whether whoever broke it mends it in the same breath, as `incidents` does; it
            is then nobody's work that is lost when the next one mends it first.
    """

    outage: str
    profile: str
    nodes: dict[str, str]
    restore: list[Change] = field(default_factory=list)
    passing: bool = False


def make(outage: Outage, name: str | None = None, passing: bool = False) -> Profile:
    """Break a cluster, and return whose.

    Args:
        outage: how.
        name: the profile; the first of the outage's that is ready where it is None.
        passing: whether the caller mends it in the same breath.

    Raises:
        WrongUse: another outage is under way, or it cannot be made on this profile.
        CheckFailed: no cluster is ready, or packets do not cross it before anything is broken.
    """
    refuse_a_second()
    profile = _profile(outage, name)
    kube = ground.kube(profile)
    with _alone(outage), _task(f"breaking {profile.title}"):
        nodes = clusterrecord.made_of(profile).nodes
        done = Damage(outage.id, profile.name, nodes, passing=passing)
        _write(done)
        ground.make(kube, profile, outage.cast)
        ground.put(kube, outage.cast.namespaces, [])
        ground.control(ground.find(kube, outage.cast), list(outage.wanted))
        done.restore = [patches.inverse_of(kube, change) for change in outage.changes]
        _write(done)
        for change in outage.changes:
            patches.apply(kube, change)
        ground.put(kube, outage.cast.namespaces, outage.given)
        for manifest in outage.objects:
            kube.apply(manifest)
    return profile


def refuse_a_second() -> None:
    """Stop where an outage is under way: there is one at a time.

    Raises:
        WrongUse: there is one.
    """
    under_way = damage()
    if under_way:
        raise WrongUse(
            f"Outage {under_way.outage} is under way on {under_way.profile}; `./lab mend` first."
        )


def check() -> Attempt:
    """Whether the outage under way is over, by packets.

    Raises:
        WrongUse: there is none.
        CheckFailed: its cluster is not ready.
    """
    known = _known()
    outage, profile = outages.find(known.outage), versions.profile(known.profile)
    kube = ground.kube(profile)
    seen = ground.observe(ground.find(kube, outage.cast), outage.wanted)
    rows = attempt.rows(outage.wanted, seen, "live")
    wrong = [row for row in rows if not row.right]
    broken = next((row for row in wrong if row.observed == Outcome.PROBE_FAILED), None)
    if broken:
        why = f"{broken.connection} cannot be tried: {broken.detail}."
        return Attempt(State.NOT_CHECKED, why, "live", rows)
    if wrong:
        sentence = (
            f"The outage goes on: {len(wrong)} of {len(rows)} connections on {profile.title} are "
            f"not as they should be, such as {wrong[0].connection}."
        )
        return Attempt(State.NOT_YET, sentence, "live", rows)
    sentence = f"All {len(rows)} connections on {profile.title} are as they should be, by packets."
    return Attempt(State.SOLVED, sentence, "live", rows)


def end() -> None:
    """Do what ends the outage under way and leave its pods, so that packets can tell.

    Raises:
        WrongUse: there is none, or its end is nothing that the lab can do by itself.
        CheckFailed: its cluster is not ready.
    """
    known = _known()
    outage, profile = outages.find(known.outage), versions.profile(known.profile)
    if not outage.can_end:
        raise WrongUse(f"The lab cannot end {outage.id} by itself: {outage.way_out}")
    kube = ground.kube(profile)
    with _alone(outage):
        _put_back(kube, outage, known)
        if outage.mended:
            ground.put(kube, outage.cast.namespaces, outage.mended)
    known.restore = []  # so that mending does not restart the workloads once more
    _write(known)


def mend() -> str | None:
    """Undo the outage under way, whole or half made; may be repeated.

    Returns:
        The profile of the cluster, or None where there was nothing to mend.

    Raises:
        CheckFailed: the cluster is not ready; nothing is forgotten then.
    """
    known = damage()
    if known is None:
        return None
    profile = versions.profile(known.profile)
    if not _same_cluster(profile, known):
        _file().unlink(missing_ok=True)  # what was broken went with its cluster
        return profile.name
    kube = ground.kube(profile)
    outage = outages.find(known.outage)
    with _alone(outage), _task(f"mending {profile.title}"):
        _put_back(kube, outage, known)
        ground.remove(kube, outage.cast.namespaces)
    _file().unlink(missing_ok=True)
    return profile.name


def damage() -> Damage | None:
    """The outage under way, or None.

    Raises:
        CheckFailed: the file about it is damaged; the message says what to do.
    """
    try:
        data = json.loads(_file().read_text())
        restore = [Change(**change) for change in data.pop("restore")]
        return Damage(restore=restore, **data)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise CheckFailed(
            f"{_file()} is damaged, so it is not known what is broken. Delete it, and "
            "`./lab up --recreate PROFILE` for the cluster that was broken."
        ) from None


def _profile(outage: Outage, name: str | None) -> Profile:
    if name is not None:
        if name not in outage.profiles:
            can = ", ".join(outage.profiles)
            raise WrongUse(f"Outage {outage.id} can be made on {can}, not on {name}.")
        return versions.profile(name)
    for one in outage.profiles:
        if clusters.status(versions.profile(one)).state is clusters.State.READY:
            return versions.profile(one)
    raise CheckFailed(
        f"No cluster of {', '.join(outage.profiles)} is ready; "
        f"`./lab up {outage.profiles[0]}` makes one."
    )


def _same_cluster(profile: Profile, known: Damage) -> bool:
    """Whether the cluster that was broken still exists."""
    if clusters.status(profile).state is clusters.State.ABSENT:
        return False
    return clusterrecord.made_of(profile).nodes == known.nodes


def _put_back(kube: Kube, outage: Outage, known: Damage) -> None:
    """Undo what was done outside the outage's own namespaces."""
    for manifest in outage.objects:
        _delete(kube, manifest)
    for change in known.restore:
        patches.apply(kube, change)


def _delete(kube: Kube, manifest: Mapping[str, Any]) -> None:
    try:
        kube.delete(manifest)
    except KindUnknown:
        return  # the kind went, and its objects with it


def _known() -> Damage:
    known = damage()
    if known is None:
        raise WrongUse("No outage is under way; `./lab break --list` shows what there is.")
    return known


def _alone(outage: Outage) -> AbstractContextManager[None]:
    """Keep measurements off a cluster whose own configuration changes.

    The other outages touch nothing that measurements use.
    """
    return turns.lock() if outage.changes else nullcontext()


def _task(text: str) -> AbstractContextManager[None]:
    """Show progress without saying what is done: that would give the cause away."""
    return console.task(text, usual=20)


def _file() -> Path:
    return paths.state() / "outage.json"


def _write(done: Damage) -> None:
    report.write_file(_file(), json.dumps(asdict(done), indent=1).encode())
