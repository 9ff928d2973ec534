"""Namespaces on a cluster for a learner to work in: pods to probe from, and policies.

Like a lane of the stage, except that the namespaces bear the names that texts call them
by, so that a learner's own kubectl and a selector by a namespace's name mean the same.
"""

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any

from labsupport import clusterrecord, clusters, manifests, stage, task
from labsupport.cast import Cast
from labsupport.connection import Connection
from labsupport.errors import CheckFailed
from labsupport.kube import Kube
from labsupport.lane import Lane
from labsupport.outcome import Observation, Outcome
from labsupport.probe import Prober
from labsupport.verdict import Expected
from labsupport.versions import Profile
from labsupport.waiter import Waiter

POLICY = ("networking.k8s.io/v1", "NetworkPolicy")

Policy = Mapping[str, Any]


class Ground(Lane):
    """A lane whose namespaces are called what they are called in the text."""

    def namespace(self, name: str) -> str:
        """The name itself."""
        return name


def kube(profile: Profile) -> Kube:
    """The client of a profile's cluster.

    Raises:
        CheckFailed: the cluster is not ready; the message says how to get it.
    """
    now = clusters.status(profile)
    if now.state is not clusters.State.READY:
        detail = f": {now.detail}" if now.detail else ""
        does = "mends" if now.state is clusters.State.BROKEN else "makes"
        raise CheckFailed(
            f"Cluster {now.cluster} is {now.state}{detail}; `./lab up {profile.name}` {does} it."
        )
    return Kube(clusterrecord.kubeconfig(profile))


def make(kube: Kube, profile: Profile, cast: Cast) -> None:
    """Make the namespaces, pods and Services that are missing, and wait until they are ready.

    Raises:
        CheckFailed: pods are not ready within the limit; the message says which.
    """
    _await_gone(kube, cast.namespaces, only_leaving=True)
    for name, labels in cast.namespaces.items():
        kube.apply(manifests.namespace(name, labels))
    nodes = clusterrecord.node_names(profile)
    deadline = time.monotonic() + stage.READY_SECONDS
    for pod in cast.pods.values():
        made = manifests.pod(pod.namespace, pod, cast, nodes)
        stage.apply_when_possible(kube, made, deadline)
        for service in manifests.services(pod.namespace, pod, cast):
            kube.apply(service)
    stage.await_ready(kube, [(p.namespace, p.name) for p in cast.pods.values()], deadline)


def find(kube: Kube, cast: Cast) -> Ground:
    """The ground as it is now: whoever is missing, or not running, is not in it."""
    there = {
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}": pod
        for pod in kube.list("v1", "Pod")  # whoever made them: a learner may have
        if stage.is_ready(pod)
    }
    addresses = {name: str(there[name]["status"]["podIP"]) for name in cast.pods if name in there}
    probers = {name: Prober(partial(kube.converse, *name.split("/"))) for name in addresses}
    return Ground(kube, 0, "", addresses=addresses, services={}, probers=probers, nodes=())


def policies(kube: Kube, namespaces: Collection[str]) -> list[dict[str, Any]]:
    """The NetworkPolicy objects in namespaces."""
    return [one for one in kube.list(*POLICY) if one["metadata"]["namespace"] in namespaces]


def put(kube: Kube, namespaces: Collection[str], wanted: Sequence[Policy]) -> None:
    """Let exactly these policies be in the namespaces.

    Raises:
        ApiRefused: the API server refuses one of them; those before it are there then.
    """
    keep = []
    for one in policies(kube, namespaces):
        same = next((policy for policy in wanted if task.alike([policy], [one])), None)
        if same is None:
            kube.delete(one)
        else:
            keep.append(same)
    for policy in wanted:
        if policy not in keep:
            kube.apply(policy)


def observe(ground: Ground, wanted: Mapping[Connection, Expected]) -> dict[Connection, Observation]:
    """Send packets until all is as wanted, or until the limit; what became of each.

    A connection whose source or target does not run cannot be tried: `PROBE_FAILED`.
    """
    lacking = {c: who for c in wanted if (who := ground.lacks(c))}
    possible = {c: word for c, word in wanted.items() if c not in lacking}
    seen = {
        c: Observation(Outcome.PROBE_FAILED, f"pod {who} does not run")
        for c, who in lacking.items()
    }
    if possible:
        with ThreadPoolExecutor(len(ground.probers)) as pool, closing(ground):
            seen |= Waiter(ground, pool, threading.Event()).settle(possible).seen
    return {c: seen[c] for c in wanted}


def control(ground: Ground, connections: Collection[Connection]) -> None:
    """Make sure that connections work while no policy is there; only then a timeout says anything.

    Raises:
        CheckFailed: one does not; the message names it.
    """
    seen = observe(ground, dict.fromkeys(connections, Expected.ALLOWED))
    for connection, saw in seen.items():
        if saw.outcome is not Outcome.ALLOWED:
            raise CheckFailed(
                f"{connection} does not work without any policy: {saw.outcome} ({saw.detail}), "
                "so nothing could be shown."
            )


def remove(kube: Kube, namespaces: Collection[str]) -> None:
    """Delete namespaces with all that is in them, and wait until they are gone.

    Raises:
        CheckFailed: they are not within the limit.
    """
    for name in namespaces:
        kube.delete(manifests.bare("Namespace", name))
    _await_gone(kube, namespaces)


def _await_gone(kube: Kube, namespaces: Collection[str], only_leaving: bool = False) -> None:
    """Wait for namespaces to be gone: all, or only those that are being deleted already."""
    deadline = time.monotonic() + stage.READY_SECONDS
    while True:
        left = [
            ns["metadata"]["name"]
            for ns in kube.list("v1", "Namespace", labels=manifests.STAGE_LABEL)
            if ns["metadata"]["name"] in namespaces
            and (ns["metadata"].get("deletionTimestamp") or not only_leaving)
        ]
        if not left:
            return
        if time.monotonic() > deadline:
            raise CheckFailed(
                f"Namespace {left[0]} is still being deleted after {stage.READY_SECONDS:.0f} s."
            )
        time.sleep(stage.POLL_SECONDS)
