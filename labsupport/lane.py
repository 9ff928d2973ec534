"""One copy of the stage: its namespaces, its pods' addresses, and packets between them."""

import functools
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from labsupport import cases, cast
from labsupport.cast import OUTSIDE
from labsupport.connection import Connection
from labsupport.kube import Kube
from labsupport.outcome import Observation
from labsupport.probe import Prober, Target

CASE_LABEL = "netpol-lab/case"
"""On every object that a case applies, so that what an interrupted run left can be found."""


@dataclass(frozen=True)
class Lane:
    """One copy of the stage.

    Attributes:
        kube: its cluster.
        number: which copy, from 1.
        prefix: what the names of the stage's namespaces begin with.
        addresses: of pods and of the host outside, as cases call them. Who is missing
            does not exist here.
        services: addresses of Services, by `clusterip shop/api`; `host:port` of node
            ports by `nodeport shop/api:8080` and `nodeport-cluster shop/api:8080`.
        probers: from where connections can be tried.
        nodes: names of the two nodes.
        image: agnhost's, where it is not the pinned one.
    """

    kube: Kube
    number: int
    prefix: str
    addresses: dict[str, str]
    services: Mapping[str, str]
    probers: dict[str, Prober]
    nodes: Sequence[str]
    image: str | None = None

    def namespace(self, name: str) -> str:
        """What a case's namespace is called in this lane."""
        return called(name, self.prefix, self.number)

    def localise(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """A case's object as it is applied: moved into this lane, marked, placeholders filled."""
        moved = cases.fill(manifest, self.values)
        meta = moved["metadata"]
        if "namespace" in meta:
            meta["namespace"] = self.namespace(meta["namespace"])
        meta["labels"] = {**meta.get("labels", {}), CASE_LABEL: "true"}
        return moved

    @property
    def values(self) -> dict[str, str]:
        """What the placeholders of a case's objects stand for here."""
        return {
            **{name: self.namespace(name) for name in cast.of_cases().namespaces},
            **{f"pod {name}": address for name, address in self.addresses.items()},
            **{
                f"service {name.removeprefix('clusterip ')}": address
                for name, address in self.services.items()
                if name.startswith("clusterip ")
            },
            **{
                f"node {pod.name}": self.addresses[pod.called]
                for pod in cast.of_cases().pods.values()
                if pod.host_network and pod.called in self.addresses
            },
            **{
                f"nodename {pod.name}": self.nodes[pod.node]
                for pod in cast.of_cases().pods.values()
                if pod.host_network
            },
            **({"outside": self.addresses[OUTSIDE]} if OUTSIDE in self.addresses else {}),
            "lane": str(self.number),
        }

    def lacks(self, connection: Connection) -> str | None:
        """Who of a connection's two ends does not exist here, or None."""
        ends = ((connection.source, self.probers), (connection.target, self.addresses))
        return next((end for end, there in ends if end not in there), None)

    def observe(
        self,
        connections: Sequence[Connection],
        pool: Executor,
        timeout: float,
        anew: bool = False,
    ) -> dict[Connection, Observation]:
        """Try connections, all source pods at the same time.

        Args:
            connections: what to try.
            pool: as many source pods as it has threads are asked at once.
            timeout: seconds for each attempt.
            anew: whether connections that are held are opened anew.
        """
        sources: dict[str, list[Connection]] = {}
        for connection in connections:
            sources.setdefault(connection.source, []).append(connection)
        ask = functools.partial(self._try, timeout=timeout, anew=anew)
        results = pool.map(lambda source: ask(source, sources[source]), sources)
        return {c: seen for part in results for c, seen in part.items()}

    def close(self) -> None:
        """End the execs that probing left open."""
        for prober in self.probers.values():
            prober.close()

    def _try(
        self, source: str, connections: Sequence[Connection], timeout: float, anew: bool
    ) -> dict[Connection, Observation]:
        targets = [self._target(connection, anew) for connection in connections]
        seen = self.probers[source].probe(targets, timeout)
        return dict(zip(connections, seen, strict=True))

    def _target(self, connection: Connection, anew: bool) -> Target:
        host, port = self.addresses[connection.target], connection.port
        # With its last dot a name is complete. Without it the resolver tries every search domain,
        # and where DNS is cut off waits for each, longer than the prober does.
        if connection.via == "service name":
            namespace, pod = connection.target.split("/")
            host = f"{pod}.{self.namespace(namespace)}.svc.cluster.local."
        elif connection.via == "name":
            from labsupport import outside

            host = f"{outside.NAME}."
        elif connection.via == "service address":
            host = self.services[f"clusterip {connection.target}"]
        elif connection.via != "pod":
            word = "nodeport" if connection.via == "node port" else "nodeport-cluster"
            host, _, number = self.services[f"{word} {connection.target}:{port}"].rpartition(":")
            port = int(number)
        if connection.held:
            return Target(host, port, held="hold" if anew else "held")
        return Target(host, port, connection.protocol)


def called(namespace: str, prefix: str, number: int) -> str:
    """The real name of one of the stage's namespaces."""
    return (
        f"{prefix}-{namespace}"
        if namespace in cast.of_cases().shared
        else (f"{prefix}{number}-{namespace}")
    )
