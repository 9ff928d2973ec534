"""Who is on a stage: pods, their namespaces and their ports, read from a file.

What cases say of `shop/api` they say of a pod of `labsupport/stage.yaml`; exercises, outages and
the document's snippets have stages of their own.
"""

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from labsupport import checked, paths

OUTSIDE = "outside/host"
"""The host outside the cluster, as connections call it."""


@dataclass(frozen=True)
class Pod:
    """A pod of the stage.

    Attributes:
        namespace: its namespace, as cases call it.
        name: its name.
        labels: its labels.
        node: which of the two nodes it runs on.
        named: numbers of its named TCP ports.
        late: whether only a case starts it.
        host_network: whether it is in its node's network.
        node_ports: whether it can be reached from outside.
    """

    namespace: str
    name: str
    labels: dict[str, str]
    node: int
    named: dict[str, int] = field(default_factory=dict)
    late: bool = False
    host_network: bool = False
    node_ports: bool = False

    @property
    def called(self) -> str:
        """How connections call it: `shop/api`."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Cast:
    """Who is on stage: the pods, their namespaces' labels, and the ports that they serve.

    `shared` namespaces exist once a cluster; the others once a lane.
    """

    pods: dict[str, Pod]
    namespaces: dict[str, dict[str, str]]
    shared: frozenset[str]
    ports: dict[str, tuple[int, ...]]
    node_ports: dict[str, tuple[int, ...]]

    def serves(self, name: str) -> dict[str, tuple[int, ...]]:
        """The ports by protocol that a pod, or the host outside, answers on."""
        pod = self.pods.get(name)
        return self.node_ports if pod and pod.host_network else self.ports

    def without_shared(self) -> "Cast":
        """Who is on stage in a lane alone: nothing that exists once a cluster."""
        return replace(
            self,
            pods={name: pod for name, pod in self.pods.items() if pod.namespace not in self.shared},
            namespaces={n: labels for n, labels in self.namespaces.items() if n not in self.shared},
        )


@cache
def of_cases() -> Cast:
    """The stage that every case plays on, from `labsupport/stage.yaml`."""
    return read(paths.PACKAGE / "stage.yaml")


def read(path: Path) -> Cast:
    """Read and check who is on a stage.

    Raises:
        WrongUse: the file does not fit its schema.
    """
    data = checked.read_yaml(path, "stage")
    pods = [
        Pod(
            namespace,
            name,
            pod["labels"],
            pod["node"],
            pod.get("named", {}),
            pod.get("late", False),
            pod.get("hostNetwork", False),
            pod.get("nodePorts", False),
        )
        for namespace, entry in data["namespaces"].items()
        for name, pod in entry["pods"].items()
    ]
    return Cast(
        {pod.called: pod for pod in pods},
        {name: entry["labels"] for name, entry in data["namespaces"].items()},
        frozenset(name for name, entry in data["namespaces"].items() if entry.get("shared")),
        {key: tuple(value) for key, value in data["ports"].items()},
        {key: tuple(value) for key, value in data["nodePorts"].items()},
    )
