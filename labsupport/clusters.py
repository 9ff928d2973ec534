"""Create, check and delete the lab's kind clusters; never one that the lab did not make."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from labsupport import (
    cast,
    clusterbuild,
    clusterrecord,
    cni,
    console,
    docker,
    images,
    outside,
    programs,
    stage,
    turns,
    versions,
)
from labsupport.clusterrecord import Record
from labsupport.errors import CheckFailed, LabError, WrongUse
from labsupport.kube import Kube
from labsupport.lane import Lane
from labsupport.probe import Prober
from labsupport.programs import run
from labsupport.versions import Profile

API_SECONDS = 120.0
"""How long a node that is started again has until its API server answers."""

# Seconds on 2 cores with nothing else running, for the progress bars.
USUAL = {"flannel": 60, "calico": 80, "cilium": 110, "canal": 90}


class State(StrEnum):
    """What exists of a profile's cluster."""

    ABSENT = "absent"
    FOREIGN = "not made by the lab"
    UNFINISHED = "unfinished"
    BROKEN = "broken"
    READY = "ready"


@dataclass(frozen=True)
class Status:
    """A profile's cluster as it is now, with a sentence where something is wrong."""

    profile: str
    cluster: str
    state: State
    detail: str = ""


def status(profile: Profile) -> Status:
    """Look at a profile's cluster: its containers, its API server, its nodes and their agents."""

    def answer(state: State, detail: str = "") -> Status:
        return Status(profile.name, profile.cluster, state, detail)

    nodes, record = clusterrecord.containers(profile), clusterrecord.read(profile)
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
    return answer(*_health(profile))


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
    with turns.lock():
        for profile in profiles:
            if recreate:
                _delete(profile)
            _up(profile)


def down(profiles: Sequence[Profile]) -> list[str]:
    """Delete the profiles' clusters and return the names of those there were.

    Raises:
        WrongUse: one of them was not made by the lab; none is deleted then.
    """
    with turns.lock():
        for profile in profiles:
            _refuse_foreign(status(profile))
        deleted = [profile.cluster for profile in profiles if _delete(profile)]
        if not any(map(clusterrecord.containers, versions.profiles())):
            outside.remove()
        return deleted


def lanes(profile: Profile, count: int = stage.LANES) -> list[Lane]:
    """The stage on a running cluster, with the host outside, ready for cases.

    Args:
        profile: whose cluster.
        count: how many copies of the stage.
    """
    made = stage.prepare(
        Kube(clusterrecord.kubeconfig(profile)), clusterrecord.node_names(profile), count
    )
    prober = Prober(outside.ContainerConversation)
    stage.add_outside(made, outside.ensure(cast.of_cases()), prober)
    return made


def _up(profile: Profile) -> None:
    now = status(profile)
    _refuse_foreign(now)
    record = clusterrecord.read(profile)
    if now.state is State.BROKEN:
        _refuse_outdated(profile, record or Record())
        _revive(profile, mend=True)
        now = status(profile)
    if now.state is State.BROKEN:
        raise CheckFailed(
            f"Cluster {profile.cluster} is broken: {now.detail}. "
            f"`./lab up --recreate {profile.name}` deletes it and makes it anew."
        )
    if now.state is State.READY:
        _refuse_outdated(profile, record or Record())
        console.say(f"[green]✓[/] {profile.cluster} is ready.")
        return
    with console.task(f"{profile.cluster}", usual=USUAL[profile.name]):
        if record and record.stage == clusterrecord.ADDED:
            from labsupport import policyaddon  # which marks clusters

            policyaddon.remove(profile)
        if record is None or record.stage == "creating":
            _delete(profile)  # what an interrupted attempt left
            clusterbuild.create(profile)
        clusterbuild.install(profile)
        console.say(f"  {profile.cluster}: sending packets between the nodes")
        stage.check(lanes(profile, 1))
        clusterrecord.mark(profile, "ready")


def _revive(profile: Profile, mend: bool) -> None:
    """Let nodes run again that Docker stopped or paused, and wait for what they ran.

    Args:
        profile: whose.
        mend: whether to install what the cluster is made of once more, over what is there.
    """
    kubeconfig = clusterrecord.kubeconfig(profile)
    with console.task(f"waiting for the nodes of {profile.cluster}"):
        try:
            _run_again(profile)
            if mend:
                cni.install(profile, kubeconfig)
            cni.wait(kubeconfig)
            _await_health(profile)
        except LabError as error:
            console.say(f"  {error}")


def _run_again(profile: Profile) -> None:
    """Let the nodes run, and wait until the API server answers, or for so long that it will not."""
    nodes = clusterrecord.containers(profile)
    for word, verb in (("paused", "unpause"), ("exited", "start")):
        names = [name for name, (_, state) in nodes.items() if state == word]
        if names:
            docker.run(verb, *names)
    deadline = time.monotonic() + API_SECONDS
    while not _answers(profile) and time.monotonic() < deadline:
        time.sleep(1)


def _await_health(profile: Profile) -> None:
    """Wait until what nodes and controllers say of the cluster is news of this start, and good.

    Until they run again, `cni.wait` hears from the API server what they said before they stopped.
    Pods that the CNI looks for in the wrong place are replaced.
    """
    deadline = time.monotonic() + cni.ROLLOUT_SECONDS
    while _health(profile)[0] is not State.READY and time.monotonic() < deadline:
        with suppress(Exception):  # whatever the client raises, it is asked again
            kube = Kube(clusterrecord.kubeconfig(profile))
            for pod in cni.mistaken(kube):
                kube.delete(pod)
        time.sleep(1)


def settle() -> None:
    """Wait until clusters that were paused, or stopped, are ready again; none is made."""
    with turns.lock():
        for profile in versions.profiles():
            record = clusterrecord.read(profile)
            if record and record.stage == "ready" and status(profile).state is State.BROKEN:
                _revive(profile, mend=False)


def _health(profile: Profile) -> tuple[State, str]:
    try:
        kube = Kube(clusterrecord.kubeconfig(profile))
        nodes = kube.list("v1", "Node")
        unready = cni.unready(kube, clusterrecord.started(profile))
        mistaken = cni.mistaken(kube)
    except Exception as error:  # whatever the client raises, the API server did not answer
        reason = str(error).strip().splitlines()[0][:120] if str(error).strip() else repr(error)
        return State.BROKEN, f"its API server does not answer ({reason})"
    for node in nodes:
        conditions = {c["type"]: c["status"] for c in node["status"]["conditions"]}
        if conditions.get("Ready") != "True":
            return State.BROKEN, f"node {node['metadata']['name']} is not ready"
    if unready:
        return State.BROKEN, unready
    if mistaken:
        name = mistaken[0]["metadata"]["name"]
        return State.BROKEN, f"its CNI looks for pod {name} at an address its node had before"
    return State.READY, ""


def _answers(profile: Profile) -> bool:
    try:
        Kube(clusterrecord.kubeconfig(profile)).version()
    except Exception:  # whatever the client raises
        return False
    return True


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
    if clusterrecord.containers(profile):
        with console.task(f"deleting {profile.cluster}"):
            run(
                programs.tool("kind"), "delete", "cluster", "--name", profile.cluster,
                "--kubeconfig", clusterrecord.kubeconfig(profile),
            )  # fmt: skip
    clusterrecord.kubeconfig(profile).unlink(missing_ok=True)
    clusterrecord.file(profile).unlink(missing_ok=True)
    return True
