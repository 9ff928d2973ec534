"""Look at a cluster's node: commands that a learner could type, and that change nothing."""

from dataclasses import dataclass

from labsupport import docker, programs
from labsupport.kube import Kube
from labsupport.lane import Lane

SECONDS = 60
"""The limit for one command; on a busy machine an exec alone can take several."""

# The label and the container of each policy agent, as upstream's manifests call them.
AGENTS = {
    "Calico": ("k8s-app=calico-node", "calico-node"),
    "Canal": ("k8s-app=canal", "calico-node"),
    "Cilium": ("k8s-app=cilium", "cilium-agent"),
}


@dataclass(frozen=True)
class Agent:
    """The pod of a CNI's agent on one node."""

    cni: str
    pod: str
    container: str


@dataclass(frozen=True)
class Node:
    """One node of a cluster, and the policy agent that runs on it, where one does."""

    name: str
    letter: str
    kube: Kube
    agent: Agent | None

    @property
    def called(self) -> str:
        """What a reader calls it: `node A`."""
        return f"node {self.letter}"

    def run(self, command: str) -> str:
        """What a command prints on the node.

        Raises:
            ProgramFailed: it failed.
            MachineCannot: Docker does not answer.
        """
        return docker.run("exec", self.name, *command.split(), timeout=SECONDS)

    def ask_agent(self, command: str) -> str:
        """What a command prints in the agent's container, which shares the node's network.

        Raises:
            ProgramFailed: it failed.
        """
        assert self.agent is not None  # noqa: S101 (only asked of nodes that have one)
        return programs.run(
            *(programs.tool("kubectl"), "--kubeconfig", self.kube.kubeconfig),
            *("exec", "--namespace", "kube-system", self.agent.pod),
            *("--container", self.agent.container, "--", *command.split()),
            timeout=SECONDS,
        )


def nodes(lane: Lane) -> tuple[Node, Node]:
    """The two nodes that a lane's pods are spread over: node A, then node B."""
    agents = _agents(lane.kube)
    a, b = (
        Node(name, letter, lane.kube, agents.get(name))
        for name, letter in zip(lane.nodes, "AB", strict=True)
    )
    return a, b


def _agents(kube: Kube) -> dict[str, Agent]:
    """The policy agents that run in a cluster, by node."""
    return {
        pod["spec"]["nodeName"]: Agent(cni, pod["metadata"]["name"], container)
        for cni, (label, container) in AGENTS.items()
        for pod in kube.list("v1", "Pod", labels=label)
        if pod["spec"].get("nodeName") and not pod["metadata"].get("deletionTimestamp")
    }
