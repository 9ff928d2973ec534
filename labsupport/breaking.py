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
    paths,
    programs,
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

ROLLOUT_SECONDS = 300


@dataclass
class Damage:
    """What was done to a cluster, and how to undo it.

    Attributes:
        outage: which.
        profile: on which cluster.
        nodes: ids of its node containers, which tell it from a later cluster.
        restore: changes that put the cluster's own configuration back.
    """

    outage: str
    profile: str
    nodes: dict[str, str]
    restore: list[Change] = field(default_factory=list)


def make(outage: Outage, name: str | None = None) -> Profile:
    """Break a cluster, and return whose.

    Args:
        outage: how.
        name: the profile; the first of the outage's that is ready where it is None.

    Raises:
        WrongUse: another outage is under way, or it cannot be made on this profile.
        CheckFailed: no cluster is ready, or packets do not cross it before anything is broken.
    """
    under_way = damage()
    if under_way:
        raise WrongUse(
            f"Outage {under_way.outage} is under way on {under_way.profile}; `./lab mend` first."
        )
    profile = _profile(outage, name)
    kube = ground.kube(profile)
    with _alone(outage), _task(f"breaking {profile.title}"):
        ground.make(kube, profile, outage.cast)
        ground.put(kube, outage.cast.namespaces, [])
        ground.control(ground.find(kube, outage.cast), list(outage.wanted))
        restore = [_inverse(kube, change) for change in outage.changes]
        nodes = clusterrecord.made_of(profile).nodes
        _write(Damage(outage.id, profile.name, nodes, restore))
        for change in outage.changes:
            _change(kube, change)
        ground.put(kube, outage.cast.namespaces, outage.given)
        for manifest in outage.objects:
            kube.apply(manifest)
    return profile


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
        for manifest in outage.objects:
            _delete(kube, manifest)
        for change in known.restore:
            _change(kube, change)
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


def inverse(current: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that takes a merge patch back.

    Args:
        current: the object before the patch.
        patch: the patch; fields that it sets and `current` lacks are removed again.
    """
    undo: dict[str, Any] = {}
    for key, value in patch.items():
        old = current.get(key)
        nested = isinstance(value, Mapping) and isinstance(old, Mapping)
        undo[key] = inverse(old, value) if nested else old  # type: ignore[arg-type]
    return undo


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


def _inverse(kube: Kube, change: Change) -> Change:
    """The change that takes a change back."""
    text = _kubectl(kube, "get", change.object, "-n", change.namespace, "-o", "json")
    undo = inverse(json.loads(text), change.patch)
    return Change(change.object, change.namespace, undo, change.restart)


def _change(kube: Kube, change: Change) -> None:
    """Patch, and let the workload that reads it start anew."""
    where = ("-n", change.namespace)
    patch = json.dumps(change.patch)
    _kubectl(kube, "patch", change.object, *where, "--type=merge", f"--patch={patch}")
    _kubectl(kube, "rollout", "restart", change.restart, *where)
    limit = f"--timeout={ROLLOUT_SECONDS}s"
    _kubectl(kube, "rollout", "status", change.restart, *where, limit)


def _delete(kube: Kube, manifest: Mapping[str, Any]) -> None:
    try:
        kube.delete(manifest)
    except KindUnknown:
        return  # the kind went, and its objects with it


def _kubectl(kube: Kube, *arguments: str) -> str:
    return programs.run(programs.tool("kubectl"), "--kubeconfig", kube.kubeconfig, *arguments)


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
