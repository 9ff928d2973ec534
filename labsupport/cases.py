"""The catalogue: one YAML file a case, and adding one needs no Python.

A case says who may reach whom while which policies are there. Connections are written
as a reader says them:

    shop/frontend -> shop/api:8080            by the pod's address, TCP
    shop/frontend -> shop/api:8080/UDP        another protocol
    shop/frontend -> service shop/api:8080    by the DNS name of its Service
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from labsupport import checked, paths
from labsupport.errors import WrongUse
from labsupport.verdict import Expected

_CONNECTION = re.compile(
    r"(?P<source>\S+) -> (?P<service>service )?(?P<target>[^:\s]+)"
    r":(?P<port>\d+)(/(?P<protocol>\w+))?"
)


@dataclass(frozen=True)
class Connection:
    """One connection of a case: pods as `namespace/name`, as the case's author wrote them."""

    source: str
    target: str
    port: int
    protocol: str = "TCP"
    by_name: bool = False

    @classmethod
    def parse(cls, text: str) -> "Connection":
        """Read `shop/frontend -> shop/api:8080/UDP`."""
        match = _CONNECTION.fullmatch(text)
        if not match:
            raise WrongUse(f"{text!r} is not a connection such as `shop/a -> shop/b:8080/TCP`.")
        return cls(
            source=match["source"],
            target=match["target"],
            port=int(match["port"]),
            protocol=match["protocol"] or "TCP",
            by_name=bool(match["service"]),
        )

    def __str__(self) -> str:
        service = "service " if self.by_name else ""
        protocol = "" if self.protocol == "TCP" else f"/{self.protocol}"
        return f"{self.source} -> {service}{self.target}:{self.port}{protocol}"


@dataclass(frozen=True, eq=False)
class Step:
    """Objects that are applied, on top of the earlier steps', and what they should do."""

    name: str
    apply: tuple[dict[str, Any], ...]
    expected: dict[Connection, Expected]


@dataclass(frozen=True, eq=False)
class Case:
    """One question with its policies and the reachability they should give."""

    id: str
    group: str
    title: str
    shows: str
    why: str
    source: str
    question: str
    steps: tuple[Step, ...]

    @property
    def policies(self) -> list[dict[str, Any]]:
        """All objects of all steps, in the order in which they are applied."""
        return [manifest for step in self.steps for manifest in step.apply]

    @property
    def connections(self) -> list[Connection]:
        """Every connection that any step asks about, once."""
        return list(dict.fromkeys(c for step in self.steps for c in step.expected))

    @property
    def policy_sha256(self) -> str:
        """SHA-256 of the objects as JSON with sorted keys, which formatting cannot change."""
        text = json.dumps(self.policies, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Pod:
    """A pod of the stage: its labels, and which of the two nodes it runs on."""

    namespace: str
    name: str
    labels: dict[str, str]
    node: int


@dataclass(frozen=True)
class Cast:
    """Who is on stage: the pods, their namespaces' labels, and the ports that all serve."""

    pods: dict[str, Pod]
    namespaces: dict[str, dict[str, str]]
    ports: dict[str, tuple[int, ...]]


@cache
def cast() -> Cast:
    """The stage that every case plays on, from `labsupport/stage.yaml`."""
    data = checked.read_yaml(paths.PACKAGE / "stage.yaml", "stage")
    pods = {
        f"{namespace}/{name}": Pod(namespace, name, pod["labels"], pod["node"])
        for namespace, entry in data["namespaces"].items()
        for name, pod in entry["pods"].items()
    }
    labels = {name: entry["labels"] for name, entry in data["namespaces"].items()}
    return Cast(pods, labels, {key: tuple(value) for key, value in data["ports"].items()})


def load(folder: Path = paths.CASES) -> list[Case]:
    """Read and check every case of a folder, in the order of the files' numbers.

    Raises:
        WrongUse: a file does not fit or an id is taken; the message names the file.
    """
    cases: dict[str, Case] = {}
    for path in sorted(folder.glob("*.yaml")):
        case = read(path)
        if case.id in cases:
            raise WrongUse(f"{path}: id: {case.id!r} is the id of another case.")
        cases[case.id] = case
    return list(cases.values())


def read(path: Path) -> Case:
    """Read and check one case.

    Raises:
        WrongUse: it does not fit the schema, its file is not `<number>-<id>.yaml`, or it
            speaks of pods or ports that are not on the stage.
    """
    data = checked.read_yaml(path, "case")
    if data["id"] != path.stem.lstrip("0123456789").removeprefix("-"):
        raise WrongUse(f"{path}: id: is {data['id']!r}; the file should be <number>-<id>.yaml.")
    steps = tuple(_step(path, n, step) for n, step in enumerate(data["steps"]))
    if not any(Expected.DENIED in step.expected.values() for step in steps):
        raise WrongUse(f"{path}: steps: no connection is denied, so the case could not fail.")
    return Case(**{**data, "steps": steps})


def choose(cases: Sequence[Case], ids: Sequence[str]) -> list[Case]:
    """The cases named, or all where none is.

    Raises:
        WrongUse: there is no case of that name.
    """
    known = {case.id: case for case in cases}
    for name in ids:
        if name not in known:
            raise WrongUse(f"There is no case {name!r}; choose from {', '.join(known)}.")
    return [known[name] for name in ids] or list(cases)


def _step(path: Path, number: int, data: dict[str, Any]) -> Step:
    expected: dict[Connection, Expected] = {}
    for word in Expected:
        for text in data[word]:
            where = f"{path}: steps[{number}].{word}: {text!r}"
            connection = Connection.parse(text)
            if connection in expected:
                raise WrongUse(f"{where} is both allowed and denied.")
            _on_stage(connection, where)
            expected[connection] = word
    for manifest in data["apply"]:
        namespace = manifest["metadata"].get("namespace")
        if namespace not in cast().namespaces:
            raise WrongUse(
                f"{path}: steps[{number}].apply: {manifest['kind']} {manifest['metadata']['name']}"
                f" is in namespace {namespace!r}, which is not on the stage."
            )
    return Step(data["name"], tuple(data["apply"]), expected)


def _on_stage(connection: Connection, where: str) -> None:
    for pod in (connection.source, connection.target):
        if pod not in cast().pods:
            known = ", ".join(cast().pods)
            raise WrongUse(f"{where}: there is no pod {pod!r}; the stage has {known}.")
    if connection.port not in cast().ports.get(connection.protocol, ()):
        raise WrongUse(
            f"{where}: no pod serves {connection.protocol} {connection.port}; "
            f"the stage serves {cast().ports}."
        )
