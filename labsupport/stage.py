"""The pods that cases play on, prepared once a cluster and used again by every case.

The stage exists in several copies, called lanes, with namespaces of their own:
independent cases run in different lanes at the same time.
"""

import copy
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from labsupport import versions
from labsupport.cases import Cast, Connection, Pod, cast
from labsupport.errors import CheckFailed
from labsupport.kube import ApiRefused, Kube
from labsupport.outcome import Observation, Outcome
from labsupport.probe import Prober, Target

LANES = 6
STAGE_LABEL = "netpol-lab/stage"
POD_LABEL = "netpol-lab/pod"
READY_SECONDS = 180.0
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Lane:
    """One copy of the stage."""

    kube: Kube
    number: int
    addresses: Mapping[str, str]
    probers: Mapping[str, Prober]

    def namespace(self, name: str) -> str:
        """What a case's namespace is called in this lane."""
        return _called(name, self.number)

    def localise(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """A case's object, moved into this lane's namespace."""
        moved = copy.deepcopy(dict(manifest))
        moved["metadata"]["namespace"] = self.namespace(moved["metadata"]["namespace"])
        return moved

    def observe(
        self, connections: Sequence[Connection], pool: Executor, timeout: float
    ) -> dict[Connection, Observation]:
        """Try connections, all source pods at the same time.

        Args:
            connections: what to try.
            pool: as many source pods as it has threads are asked at once.
            timeout: seconds for each attempt.
        """
        sources: dict[str, list[Connection]] = {}
        for connection in connections:
            sources.setdefault(connection.source, []).append(connection)
        results = pool.map(lambda source: self._try(source, sources[source], timeout), sources)
        return {c: seen for part in results for c, seen in part.items()}

    def close(self) -> None:
        """End the execs that probing left open."""
        for prober in self.probers.values():
            prober.close()

    def _try(
        self, source: str, connections: Sequence[Connection], timeout: float
    ) -> dict[Connection, Observation]:
        targets = [self._target(connection) for connection in connections]
        seen = self.probers[source].probe(targets, timeout)
        return dict(zip(connections, seen, strict=True))

    def _target(self, connection: Connection) -> Target:
        namespace, pod = connection.target.split("/")
        host = self.addresses[connection.target]
        if connection.by_name:
            host = f"{pod}.{self.namespace(namespace)}.svc.cluster.local"
        return Target(host, connection.port, connection.protocol)


def prepare(kube: Kube, nodes: Sequence[str], lanes: int = LANES) -> list[Lane]:
    """Make the stage's pods on a cluster, or find them as they were left.

    Policies that an interrupted run left in the stage's namespaces are deleted.

    Args:
        kube: the cluster.
        nodes: names of the two nodes the stage is spread over.
        lanes: how many copies.

    Raises:
        CheckFailed: the pods are not ready within the limit; the message says which.
    """
    actors, numbers = cast(), range(1, lanes + 1)
    for number in numbers:
        for name, labels in actors.namespaces.items():
            kube.apply(_namespace(_called(name, number), labels))
    _sweep(kube)
    deadline = time.monotonic() + READY_SECONDS
    for number in numbers:
        for pod in actors.pods.values():
            namespace = _called(pod.namespace, number)
            _apply_when_possible(kube, _pod(namespace, pod, actors, nodes), deadline)
            kube.apply(_service(namespace, pod, actors))
    ready = _await_ready(kube, lanes * len(actors.pods), deadline)
    return [_lane(kube, number, actors, ready) for number in numbers]


def check(lanes: Sequence[Lane]) -> None:
    """Wait until every pod of the first lane reaches every other, by address and by name.

    Pods that run and nodes that are ready do not show that packets cross; this does.

    Raises:
        CheckFailed: some connection does not work within the limit; the message names it.
    """
    pods = list(cast().pods)
    connections = [
        Connection(source, target, cast().ports["TCP"][0], by_name=by_name)
        for source in pods
        for target in pods
        for by_name in (False, True)
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


def _lane(kube: Kube, number: int, actors: Cast, ready: Mapping[tuple[str, str], str]) -> Lane:
    """A lane whose pods are ready, by their addresses."""
    places = {name: (_called(pod.namespace, number), pod.name) for name, pod in actors.pods.items()}
    return Lane(
        kube,
        number,
        addresses={name: ready[place] for name, place in places.items()},
        probers={name: Prober(kube, *place) for name, place in places.items()},
    )


def _called(namespace: str, number: int) -> str:
    return f"lab{number}-{namespace}"


def _sweep(kube: Kube) -> None:
    """Delete the policies in the stage's own namespaces, which nobody else uses."""
    listed = kube.list("networking.k8s.io/v1", "NetworkPolicy", labels=None)
    stages = {ns["metadata"]["name"] for ns in kube.list("v1", "Namespace", labels=STAGE_LABEL)}
    for policy in listed:
        if policy["metadata"]["namespace"] in stages:
            kube.delete(policy)


def _apply_when_possible(kube: Kube, manifest: dict[str, Any], deadline: float) -> None:
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


def _await_ready(kube: Kube, count: int, deadline: float) -> dict[tuple[str, str], str]:
    """Poll until all pods of the stage are ready; their addresses by namespace and name."""
    while True:
        pods = kube.list("v1", "Pod", labels=STAGE_LABEL)
        ready = {
            (p["metadata"]["namespace"], p["metadata"]["name"]): str(p["status"]["podIP"])
            for p in pods
            if _is_ready(p)
        }
        if len(ready) >= count:
            return ready
        if time.monotonic() > deadline:
            late = [p["metadata"]["name"] for p in pods if not _is_ready(p)]
            raise CheckFailed(
                f"{count - len(ready)} of {count} probe pods are not ready after "
                f"{READY_SECONDS:.0f} s, such as {late[0] if late else 'one that is missing'}; "
                f"look with `kubectl --kubeconfig {kube.kubeconfig} get pods -A`."
            )
        time.sleep(POLL_SECONDS)


def _is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _namespace(name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {**labels, STAGE_LABEL: "true"}},
    }


def _pod(namespace: str, pod: Pod, actors: Cast, nodes: Sequence[str]) -> dict[str, Any]:
    """A pod that serves every port and can probe: agnhost `porter`, with no rights at all."""
    serves = [
        {"name": f"SERVE_{protocol}_PORT_{port}", "value": pod.name}
        for protocol, ports in actors.ports.items()
        for port in ports
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name,
            "namespace": namespace,
            "labels": {**pod.labels, STAGE_LABEL: "true", POD_LABEL: pod.name},
        },
        "spec": {
            "nodeSelector": {"kubernetes.io/hostname": nodes[pod.node]},
            "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65534,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "agnhost",
                    "image": versions.image("agnhost").name,
                    "imagePullPolicy": "IfNotPresent",
                    "args": ["porter"],
                    "env": serves,
                    # Asked until it answers once, and then left in peace.
                    "startupProbe": {
                        "tcpSocket": {"port": actors.ports["TCP"][0]},
                        "periodSeconds": 1,
                        "failureThreshold": 60,
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }


def _service(namespace: str, pod: Pod, actors: Cast) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": pod.name, "namespace": namespace},
        "spec": {
            "selector": {POD_LABEL: pod.name},
            "ports": [
                {"name": f"{protocol.lower()}-{port}", "protocol": protocol, "port": port}
                for protocol, ports in actors.ports.items()
                for port in ports
            ],
        },
    }
