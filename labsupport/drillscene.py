"""A drill's policies and pods, and who reaches whom by the specification.

The pods are those of the stage that cases play on; a scene may add some, give one of them
other labels, or put an address outside the cluster.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from labsupport import cast, foresee
from labsupport.connection import Connection
from labsupport.errors import WrongUse
from labsupport.oracle import Decision, Endpoint, Policy
from labsupport.verdict import Expected


@dataclass(frozen=True, eq=False)
class Scene:
    """Policies, the pods they meet, and the reachability its author wrote down.

    Attributes:
        pods: by name as `namespace/name`; those of the stage and the scene's own.
        policies: what is applied.
        expected: what should become of each connection: under `policies`, or where there is
            a repair, what the policies are meant to give.
        repaired: the policies without the mistake, where there is one.
    """

    pods: Mapping[str, Endpoint]
    policies: tuple[Policy, ...]
    expected: Mapping[Connection, Expected]
    repaired: tuple[Policy, ...] = ()

    def decide(self, connection: Connection, policies: Iterable[Policy] | None = None) -> Decision:
        """What becomes of a connection under some policies, the scene's own by default."""
        applied = self.policies if policies is None else policies
        source, target = self.pods[connection.source], self.pods[connection.target]
        return foresee.between(applied, source, target, connection)

    def reachability(self, policies: Iterable[Policy] | None = None) -> dict[Connection, Expected]:
        """Every connection of the scene, decided by the oracle."""
        applied = None if policies is None else list(policies)
        return {
            one: Expected.ALLOWED if self.decide(one, applied).allowed else Expected.DENIED
            for one in self.expected
        }

    @property
    def cast(self) -> list[Endpoint]:
        """The pods and addresses that its connections name, each once."""
        names = [name for one in self.expected for name in (one.source, one.target)]
        return [self.pods[name] for name in dict.fromkeys(names)]


def read(data: Mapping[str, Any], where: str) -> Scene:
    """Make a scene of the data in a drill's file.

    Raises:
        WrongUse: a connection is in no known form, is both allowed and denied, or names a
            pod that neither the stage nor the scene has.
    """
    pods = {name: foresee.endpoint(cast.of_cases(), name) for name in cast.of_cases().pods}
    pods |= {name: _pod(name, pod) for name, pod in data.get("pods", {}).items()}
    expected: dict[Connection, Expected] = {}
    for word in Expected:
        for text in data.get(word, []):
            connection = Connection.parse(text)
            if connection in expected:
                raise WrongUse(f"{where}: {text!r} is both allowed and denied.")
            for name in (connection.source, connection.target):
                if name not in pods:
                    raise WrongUse(f"{where}: there is no pod {name!r}; add it to `pods`.")
            expected[connection] = word
    return Scene(pods, tuple(data["policies"]), expected, tuple(data.get("repaired", ())))


def _pod(name: str, data: Mapping[str, Any]) -> Endpoint:
    if "address" in data:
        return Endpoint(name, address=data["address"])
    namespace = name.split("/")[0]
    labels = data.get("namespaceLabels", cast.of_cases().namespaces.get(namespace, {}))
    ports = {(port, "TCP"): number for port, number in data.get("named", {}).items()}
    labels = {"kubernetes.io/metadata.name": namespace, **labels}  # as the API server sets it
    return Endpoint(name, namespace, data.get("labels", {}), labels, ports)
