"""Create, check and delete the lab's kind clusters.

A cluster is the lab's own when its record says so: `state/clusters/<profile>.json`, which
is written before kind is called and holds the node containers' ids afterwards. The lab
never deletes a cluster without a matching record. Clusters have kubeconfigs in the lab's
state folder; the user's own is not read or written.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from filelock import FileLock, Timeout

from labsupport import (
    cni,
    console,
    docker,
    gobuild,
    images,
    outside,
    paths,
    programs,
    report,
    stage,
    versions,
)
from labsupport.cases import cast
from labsupport.errors import CheckFailed, LabError, WrongUse
from labsupport.kube import Kube
from labsupport.lane import Lane
from labsupport.probe import Prober
from labsupport.programs import run
from labsupport.versions import Profile

# Seconds on 2 cores with nothing else running, for the progress bars.
USUAL = {"flannel": 60, "calico": 80, "cilium": 110, "canal": 90}

ADDED = "policy was added to it"
"""What is under way on a cluster that `policyaddon` changed; `up` takes it back."""


_PLENTY = 8  # processors


class State(StrEnum):
    """What exists of a profile's cluster."""

    ABSENT = "absent"
    FOREIGN = "not made by the lab"
    UNFINISHED = "unfinished"
    BROKEN = "broken"
    READY = "ready"


@dataclass
class Record:
    """What the lab knows of a cluster it made, for later runs and for reports.

    Attributes:
        stage: what was under way last: `creating`, `installing`, or nothing, `ready`.
        nodes: ids of the node containers by name.
        images: provenance of the images that it was made of, the node image first.
        manifest_sha256: of what its CNI was installed with.
    """

    stage: str = "creating"
    nodes: dict[str, str] = field(default_factory=dict)
    images: list[dict[str, str | None]] = field(default_factory=list)
    manifest_sha256: str = ""


@dataclass(frozen=True)
class Status:
    """A profile's cluster as it is now, with a sentence where something is wrong."""

    profile: str
    cluster: str
    state: State
    detail: str = ""


def kubeconfig(profile: Profile) -> Path:
    """The lab's own kubeconfig for a profile's cluster."""
    return paths.state() / "kubeconfigs" / f"{profile.name}.yaml"


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


def status(profile: Profile) -> Status:
    """Look at a profile's cluster: its containers, its API server, its nodes."""

    def answer(state: State, detail: str = "") -> Status:
        return Status(profile.name, profile.cluster, state, detail)

    nodes, record = _containers(profile), _record(profile)
    if not nodes:
        return answer(State.UNFINISHED if record else State.ABSENT)
    if record is None or (record.nodes and record.nodes != {n: i for n, (i, _) in nodes.items()}):
        return answer(
            State.FOREIGN,
            f"a kind cluster {profile.cluster} exists that this lab did not make; if it is not "
            f"needed, `kind delete cluster --name {profile.cluster}` removes it",
        )
    if record.stage != "ready":
        return answer(State.UNFINISHED, f"interrupted while {record.stage}")
    still = [(name, word) for name, (_, word) in nodes.items() if word != "running"]
    if still:
        name, word = still[0]
        return answer(State.BROKEN, f"node {name} is not running, it is {word}")
    return answer(*_api_health(profile))


def up(profiles: Sequence[Profile], recreate: bool = False) -> None:
    """Make sure that the profiles' clusters exist and that packets cross them.

    What is missing is created, what was interrupted goes on, what is ready is checked.

    Args:
        profiles: which.
        recreate: delete the lab's own clusters of these profiles first.

    Raises:
        CheckFailed: a cluster is broken; the message says how to make it anew.
        WrongUse: a cluster of that name exists that the lab did not make.
    """
    with lock():
        for profile in profiles:
            if recreate:
                _delete(profile)
            _up(profile)


def down(profiles: Sequence[Profile]) -> list[str]:
    """Delete the profiles' clusters and return the names of those there were.

    Raises:
        WrongUse: one of them was not made by the lab; none is deleted then.
    """
    with lock():
        for profile in profiles:
            _refuse_foreign(status(profile))
        deleted = [profile.cluster for profile in profiles if _delete(profile)]
        if not any(map(_containers, versions.profiles())):
            outside.remove()
        return deleted


def lanes(profile: Profile, count: int = stage.LANES) -> list[Lane]:
    """The stage on a running cluster, with the host outside, ready for cases.

    Args:
        profile: whose cluster.
        count: how many copies of the stage.
    """
    made = stage.prepare(Kube(kubeconfig(profile)), node_names(profile), count)
    prober = Prober(outside.ContainerConversation)
    stage.add_outside(made, outside.ensure(cast()), prober)
    return made


def _up(profile: Profile) -> None:
    now = status(profile)
    _refuse_foreign(now)
    if now.state is State.BROKEN:
        _revive(profile)
        now = status(profile)
    if now.state is State.BROKEN:
        raise CheckFailed(
            f"Cluster {profile.cluster} is broken: {now.detail}. "
            f"`./lab up --recreate {profile.name}` deletes it and makes it anew."
        )
    record = _record(profile)
    if now.state is State.READY:
        _refuse_outdated(profile, record or Record())
        console.say(f"[green]✓[/] {profile.cluster} is ready.")
        return
    with console.task(f"{profile.cluster}", usual=USUAL[profile.name]):
        if record and record.stage == ADDED:
            from labsupport import policyaddon  # which marks clusters

            policyaddon.remove(profile)
        if record is None or record.stage == "creating":
            _create(profile)
        _finish(profile)


def _create(profile: Profile) -> None:
    """Let kind make the nodes. What an interrupted attempt left is removed first."""
    _delete(profile)
    _write(profile, Record("creating"))
    kubeconfig(profile).parent.mkdir(exist_ok=True)
    console.say(f"  {profile.cluster}: creating two nodes")
    try:
        run(
            programs.tool("kind"), "create", "cluster",
            "--name", profile.cluster,
            "--image", versions.image("node").name,
            "--config", profile.folder / "kind.yaml",
            "--kubeconfig", kubeconfig(profile),
        )  # fmt: skip
    except programs.ProgramFailed as error:
        hint = " Too many inotify instances are in use; `./lab doctor` has the command."
        inotify = "Multi-User System" in error.stderr or "too many open files" in error.stderr
        raise CheckFailed(f"kind could not create it: {error}.{hint if inotify else ''}") from None
    _write(profile, Record("installing", {n: i for n, (i, _) in _containers(profile).items()}))


def _finish(profile: Profile) -> None:
    """Images, plugins, CNI and probe pods; every step can be done again."""
    record = _record(profile) or Record()
    record.images = [images.provenance(image) for image in images.needed([profile.name])]
    record.manifest_sha256 = cni.manifest_sha256(profile)
    _write(profile, record)
    console.say(f"  {profile.cluster}: loading images")
    load_images(profile, profile.images)
    for plugin in profile.plugins:
        for node in record.nodes:
            docker.run("cp", str(gobuild.program(plugin)), f"{node}:/opt/cni/bin/{plugin}")
    console.say(f"  {profile.cluster}: installing {profile.title} {profile.version}")
    cni.install(profile, kubeconfig(profile))
    cni.wait(kubeconfig(profile))
    console.say(f"  {profile.cluster}: sending packets between the nodes")
    stage.check(lanes(profile, 1))
    _write(profile, replace(record, stage="ready"))


def load_images(profile: Profile, chosen: Sequence[versions.Image]) -> None:
    """Load images as one archive, on all nodes at the same time."""
    archive = paths.cache() / f"{profile.cluster}.tar"
    try:
        images.save(chosen, archive)
        run(programs.tool("kind"), "load", "image-archive", archive, "--name", profile.cluster)
    finally:
        archive.unlink(missing_ok=True)


def _revive(profile: Profile) -> None:
    """Let nodes run again that Docker stopped or paused, and wait for what they ran."""
    nodes = _containers(profile)
    with console.task(f"waiting for the nodes of {profile.cluster}"):
        try:
            for word, verb in (("paused", "unpause"), ("exited", "start")):
                names = [name for name, (_, state) in nodes.items() if state == word]
                if names:
                    docker.run(verb, *names)
            cni.wait(kubeconfig(profile))
        except LabError as error:
            console.say(f"  {error}")


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
            for name, (_, state) in _containers(other).items():
                if state == "running":
                    paused.append(name)  # first: an interruption may come with the pause
                    if not docker.pause(name):
                        console.say(f"  {name} could not be paused and goes on beside.")
        yield
    finally:
        for name in paused:
            with suppress(LabError):  # it may not have been reached
                docker.run("unpause", name)


def settle() -> None:
    """Wait until clusters that were paused, or stopped, are ready again; none is made."""
    with lock():
        for profile in versions.profiles():
            record = _record(profile)
            if record and record.stage == "ready" and status(profile).state is State.BROKEN:
                _revive(profile)


def _api_health(profile: Profile) -> tuple[State, str]:
    try:
        nodes = Kube(kubeconfig(profile)).list("v1", "Node")
    except Exception as error:  # whatever the client raises, the API server did not answer
        reason = str(error).strip().splitlines()[0][:120] if str(error).strip() else repr(error)
        return State.BROKEN, f"its API server does not answer ({reason})"
    for node in nodes:
        conditions = {c["type"]: c["status"] for c in node["status"]["conditions"]}
        if conditions.get("Ready") != "True":
            return State.BROKEN, f"node {node['metadata']['name']} is not ready"
    return State.READY, ""


def mark(profile: Profile, stage: str) -> None:
    """Note what is under way on a cluster: `ready`, or `ADDED` while it is another's.

    Raises:
        CheckFailed: the lab has no cluster of this profile.
    """
    _write(profile, replace(made_of(profile), stage=stage))


def made_of(profile: Profile) -> Record:
    """What a cluster was made of when it was made, which Docker's images may not be any more.

    Raises:
        CheckFailed: the lab has no cluster of this profile.
    """
    record = _record(profile)
    if record is None:
        raise CheckFailed(f"There is no cluster {profile.cluster}; `./lab up {profile.name}`.")
    return record


def _refuse_outdated(profile: Profile, record: Record) -> None:
    """Stop where the lab's pins have changed since: the report would name the wrong versions."""
    pinned = [image.name for image in images.needed([profile.name])]
    used = [image["name"] for image in record.images]
    if used != pinned or record.manifest_sha256 != cni.manifest_sha256(profile):
        raise CheckFailed(
            f"Cluster {profile.cluster} was made by another version of the lab, with other "
            f"images or settings. `./lab up --recreate {profile.name}` makes it anew."
        )


def _refuse_foreign(now: Status) -> None:
    if now.state is State.FOREIGN:
        raise WrongUse(f"Nothing was changed: {now.detail}.")


def _delete(profile: Profile) -> bool:
    """Delete the lab's own cluster with its kubeconfig and record; False if there was none."""
    now = status(profile)
    _refuse_foreign(now)
    if now.state is State.ABSENT:
        return False
    if _containers(profile):
        with console.task(f"deleting {profile.cluster}"):
            run(
                programs.tool("kind"), "delete", "cluster", "--name", profile.cluster,
                "--kubeconfig", kubeconfig(profile),
            )  # fmt: skip
    kubeconfig(profile).unlink(missing_ok=True)
    _record_file(profile).unlink(missing_ok=True)
    return True


def _containers(profile: Profile) -> dict[str, tuple[str, str]]:
    """The cluster's node containers by name: id, and state in Docker's word for it.

    kind labels them (https://github.com/kubernetes-sigs/kind/blob/v0.32.0/pkg/cluster/internal/providers/common/constants.go).
    """
    lines = docker.run(
        "ps", "--all", "--no-trunc",
        "--filter", f"label=io.x-k8s.kind.cluster={profile.cluster}",
        "--format", "{{.Names}} {{.ID}} {{.State}}",
    ).splitlines()  # fmt: skip
    rows = sorted(line.split() for line in lines)
    return {name: (identity, state) for name, identity, state in rows}


def node_names(profile: Profile) -> list[str]:
    """The worker first: it is the node without the control plane's load."""
    return sorted(_containers(profile), reverse=True)


def _record_file(profile: Profile) -> Path:
    return paths.state() / "clusters" / f"{profile.name}.json"


def _record(profile: Profile) -> Record | None:
    try:
        return Record(**json.loads(_record_file(profile).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        raise CheckFailed(
            f"{_record_file(profile)} is damaged; delete it, and "
            f"`kind delete cluster --name {profile.cluster}` if that cluster exists."
        ) from None


def _write(profile: Profile, record: Record) -> None:
    report.write_file(_record_file(profile), json.dumps(asdict(record)).encode())
