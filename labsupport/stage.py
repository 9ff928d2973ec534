"""The pods that cases play on, prepared once a cluster and used again by every case.

The stage exists in several copies, called lanes, with namespaces of their own:
independent cases run in different lanes at the same time.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any

from labsupport import cases, cast, manifests
from labsupport.cast import OUTSIDE, Cast, Pod
from labsupport.connection import Connection
from labsupport.errors import CheckFailed
from labsupport.kube import ApiRefused, Kube
from labsupport.lane import CASE_LABEL, Lane, called
from labsupport.outcome import Outcome
from labsupport.probe import Prober

LANES = 12
"""As many cases at once: on 2 cores the specification takes Flannel 81 s and Cilium 73 s so, with
eight 109 s and 85 s."""
PREFIX = "lab"
READY_SECONDS = 180.0
POLL_SECONDS = 0.5

Names = Mapping[tuple[str, str], str]
"""Something of each pod or Service, by its real namespace and its name."""


def prepare(
    kube: Kube,
    nodes: Sequence[str],
    lanes: int = LANES,
    prefix: str = PREFIX,
    image: str | None = None,
    actors: Cast | None = None,
) -> list[Lane]:
    """Make the stage's pods on a cluster, or find them as they were left.

    What an interrupted run left is removed: its objects, its late pods, its labels.

    Args:
        kube: the cluster.
        nodes: names of the two nodes the stage is spread over.
        lanes: how many copies.
        prefix: what the names of the stage's namespaces begin with.
        image: agnhost's, where it is not the pinned one.
        actors: who is on stage, where not everyone is.

    Raises:
        CheckFailed: the pods are not ready within the limit; the message says which.
    """
    actors, numbers = actors or cast.of_cases(), range(1, lanes + 1)
    if prefix == PREFIX:  # a stage under another name is new, and the lab's own is not to be met
        sweep(kube)
        replace_restarted(kube)
    for namespace, name in _namespaces(actors, prefix, numbers):
        kube.apply(manifests.namespace(namespace, actors.namespaces[name]))
    deadline = time.monotonic() + READY_SECONDS
    awaited = []
    for pod, namespace in _pods(actors, prefix, numbers):
        if pod.late:
            kube.delete(manifests.pod(namespace, pod, actors, nodes, image))
            continue
        apply_when_possible(kube, manifests.pod(namespace, pod, actors, nodes, image), deadline)
        for service in manifests.services(namespace, pod, actors):
            kube.apply(service)
        awaited.append((namespace, pod.name))
    ready = await_ready(kube, awaited, deadline)
    services = _service_addresses(kube, actors, nodes)
    return [
        Lane(
            kube,
            number,
            prefix,
            addresses={name: ready[place] for name, place in places.items()},
            services=_of_lane(services, places),
            probers={name: Prober(partial(kube.converse, *at)) for name, at in places.items()},
            nodes=nodes,
            image=image,
        )
        for number in numbers
        for places in [_places(actors, prefix, number)]
    ]


def start(lane: Lane, name: str) -> None:
    """Start a pod in a lane, wait until it is ready, and let the lane know it.

    Raises:
        CheckFailed: it is not ready within the limit.
    """
    pod = cast.of_cases().pods[name]
    namespace = lane.namespace(pod.namespace)
    deadline = time.monotonic() + READY_SECONDS
    made = manifests.pod(namespace, pod, cast.of_cases(), lane.nodes, lane.image)
    apply_when_possible(lane.kube, made, deadline)
    place = namespace, pod.name
    lane.addresses[name] = await_ready(lane.kube, [place], deadline)[place]
    lane.probers[name] = Prober(partial(lane.kube.converse, *place))


def end(lane: Lane, name: str) -> None:
    """Remove a pod from a lane, and wait until it is gone."""
    pod = cast.of_cases().pods[name]
    namespace = lane.namespace(pod.namespace)
    if name in lane.probers:
        lane.probers.pop(name).close()
    lane.addresses.pop(name, None)
    manifest = manifests.bare("Pod", pod.name, namespace)
    lane.kube.delete(manifest)
    deadline = time.monotonic() + READY_SECONDS
    while lane.kube.exists(manifest) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def relabel(lane: Lane, what: str, labels: Mapping[str, str | None]) -> None:
    """Set or remove labels of `pod shop/api` or `namespace shop` in a lane."""
    kind, _, name = what.partition(" ")
    if kind == "pod":
        namespace, _, pod = name.partition("/")
        lane.kube.label(manifests.bare("Pod", pod, lane.namespace(namespace)), labels)
    else:
        lane.kube.label(manifests.bare("Namespace", lane.namespace(name)), labels)


def restore(lane: Lane, what: str) -> None:
    """Give the stage's own labels back after `relabel`, by new pods.

    A CNI that derives identities from labels may go on with the old ones for as long as it
    took to see the new ones, and the next case would meet them. A new pod has no past.
    """
    kind, _, name = what.partition(" ")
    if kind == "namespace":
        lane.kube.apply(manifests.namespace(lane.namespace(name), cast.of_cases().namespaces[name]))
    pods = [pod for pod in list(lane.probers) if name in (pod, pod.partition("/")[0])]
    for pod in pods:
        end(lane, pod)
    for pod in pods:
        start(lane, pod)


def check(lanes: Sequence[Lane]) -> None:
    """Wait until every pod of the first lane reaches every other, by address and by name.

    Pods that run and nodes that are ready do not show that packets cross; this does.

    Raises:
        CheckFailed: some connection does not work within the limit; the message names it.
    """
    pods = [
        name for name, pod in cast.of_cases().pods.items() if not pod.late and not pod.host_network
    ]
    connections = [
        Connection(source, target, cast.of_cases().ports["TCP"][0], via=via)
        for source in pods
        for target in pods
        for via in ("pod", "service name")
        if source != target
    ]
    deadline = time.monotonic() + READY_SECONDS
    with ThreadPoolExecutor(len(pods)) as pool, closing(lanes[0]) as lane:
        while connections:
            seen = lane.observe(connections, pool, timeout=2)
            connections = [c for c in connections if seen[c].outcome is not Outcome.ALLOWED]
            if connections and time.monotonic() > deadline:
                first = connections[0]
                raise CheckFailed(
                    f"{first} does not work on the new cluster: {seen[first].outcome} "
                    f"({seen[first].detail})."
                )


def sweep(kube: Kube) -> None:
    """Delete what cases of an interrupted run left: every object that bears their label."""
    kinds = {(m["apiVersion"], m["kind"]) for case in cases.load() for m in case.policies}
    kinds.add(("v1", "Pod"))  # those that `timing` starts
    for version, kind in sorted(kinds):
        if kube.serves({"apiVersion": version, "kind": kind}):
            for left in kube.list(version, kind, labels=CASE_LABEL):
                kube.delete(left)


def replace_restarted(kube: Kube) -> None:
    """Delete the stage's pods that were started again in place, and wait until they are gone.

    After a restart of its node, a CNI may know such a pod by what it was before: Cilium's agent
    then warns `could not take ownership of existing ciliumendpoint`, the other node keeps an
    identity that is not the pod's, and packets that policies allow are dropped. A new pod has
    no past.

    Raises:
        CheckFailed: they are not gone within the limit.
    """
    old = {
        (pod["metadata"]["name"], pod["metadata"]["namespace"])
        for pod in kube.list("v1", "Pod", labels=manifests.STAGE_LABEL)
        if any(c["restartCount"] for c in pod.get("status", {}).get("containerStatuses", []))
    }
    for place in sorted(old):
        kube.delete(manifests.bare("Pod", *place))
    deadline = time.monotonic() + READY_SECONDS
    while old:
        pods = kube.list("v1", "Pod", labels=manifests.STAGE_LABEL)
        old &= {(pod["metadata"]["name"], pod["metadata"]["namespace"]) for pod in pods}
        if old and time.monotonic() > deadline:
            name, namespace = min(old)
            raise CheckFailed(
                f"Pod {name} in {namespace} is not gone {READY_SECONDS:.0f} s after it was deleted."
            )
        if old:
            time.sleep(POLL_SECONDS)


def await_ready(
    kube: Kube, places: Sequence[tuple[str, str]], deadline: float
) -> dict[tuple[str, str], str]:
    """Poll until pods of the stage are ready; their addresses by namespace and name.

    Raises:
        CheckFailed: they are not when `time.monotonic()` reaches the deadline.
    """
    wanted = set(places)
    while True:
        pods = {
            (p["metadata"]["namespace"], p["metadata"]["name"]): p
            for p in kube.list("v1", "Pod", labels=manifests.STAGE_LABEL, patient=True)
        }
        ready = {
            place: str(pod["status"]["podIP"])
            for place, pod in pods.items()
            if place in wanted and is_ready(pod)
        }
        if len(ready) == len(wanted):
            return ready
        if time.monotonic() > deadline:
            late = sorted(wanted - set(ready))
            raise CheckFailed(
                f"{len(late)} of {len(wanted)} probe pods are not ready after "
                f"{READY_SECONDS:.0f} s, such as {late[0][1]} in {late[0][0]}; "
                f"look with `kubectl --kubeconfig {kube.kubeconfig} get pods -A`."
            )
        time.sleep(POLL_SECONDS)


def _namespaces(actors: Cast, prefix: str, numbers: range) -> dict[tuple[str, str], None]:
    """Each namespace once: its real name and what cases call it."""
    return {
        (called(name, prefix, number), name): None
        for number in numbers
        for name in actors.namespaces
    }


def _pods(actors: Cast, prefix: str, numbers: range) -> Iterator[tuple[Pod, str]]:
    """Each pod once, with its real namespace."""
    for namespace, name in _namespaces(actors, prefix, numbers):
        for pod in actors.pods.values():
            if pod.namespace == name:
                yield pod, namespace


def _places(actors: Cast, prefix: str, number: int) -> dict[str, tuple[str, str]]:
    """Real namespace and name of each pod of a lane that is there from the start."""
    return {
        name: (called(pod.namespace, prefix, number), pod.name)
        for name, pod in actors.pods.items()
        if not pod.late
    }


def _of_lane(services: Names, places: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """The addresses of a lane's Services, as `Lane.services` has them."""
    found = {}
    for (namespace, key), address in services.items():
        way, pod, port = (*key.split(" "), "")[:3]
        for name, place in places.items():
            if place == (namespace, pod):
                found[f"{way} {name}{port}"] = address
    return found


def _service_addresses(
    kube: Kube, actors: Cast, nodes: Sequence[str]
) -> dict[tuple[str, str], str]:
    """The Services' addresses, by namespace and `clusterip NAME` or `nodeport NAME :PORT`."""
    inside = {
        node["metadata"]["name"]: next(
            a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"
        )
        for node in kube.list("v1", "Node")
    }
    found = {}
    for service in kube.list("v1", "Service", labels=manifests.STAGE_LABEL):
        meta, spec = service["metadata"], service["spec"]
        pod, _, way = meta["name"].partition("-")
        if not way:
            found[meta["namespace"], f"clusterip {pod}"] = spec["clusterIP"]
            continue
        own = next(p.node for p in actors.pods.values() if p.name == pod)
        node = inside[nodes[own if way == "local" else 1 - own]]
        word = "nodeport" if way == "local" else "nodeport-cluster"
        for port in spec["ports"]:
            if port["protocol"] == "TCP":
                key = f"{word} {pod} :{port['port']}"
                found[meta["namespace"], key] = f"{node}:{port['nodePort']}"
    return found


def add_outside(lanes: Sequence[Lane], address: str, prober: Prober) -> None:
    """Let lanes know a host outside the cluster."""
    for lane in lanes:
        lane.addresses[OUTSIDE] = address
        lane.probers[OUTSIDE] = prober


def apply_when_possible(kube: Kube, manifest: dict[str, Any], deadline: float) -> None:
    """Apply a pod, with patience for what passes by itself.

    A new namespace refuses pods until its service account exists (403, 404), and a pod
    left by an older version of the lab cannot be changed, only made anew (422).
    """
    while True:
        try:
            return kube.apply(manifest)
        except ApiRefused as error:
            if error.status not in (403, 404, 422) or time.monotonic() > deadline:
                raise
            if error.status == 422:
                kube.delete(manifest)
            time.sleep(POLL_SECONDS)


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether a pod is ready, and not about to go."""
    conditions = pod.get("status", {}).get("conditions", [])
    leaving = pod["metadata"].get("deletionTimestamp")
    return not leaving and any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
