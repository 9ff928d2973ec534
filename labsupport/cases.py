"""The catalogue: one YAML file a case, and adding one needs no Python.

A case says who may reach whom while which policies are there. How connections are
written is told in `connection`; `$(…)` in an object stands for what only the cluster
knows, such as an address.
"""

import copy
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labsupport import cast, checked, paths
from labsupport.connection import Connection
from labsupport.errors import WrongUse
from labsupport.verdict import Expected

_NAMESPACED = (
    "NetworkPolicy", "NetworkSet", "CiliumNetworkPolicy",
    "StagedNetworkPolicy", "StagedKubernetesNetworkPolicy",
)  # fmt: skip
_OUTCOMES = {
    "allowed": "allowed",
    "timeout": "timeout",
    "refused": "refused",
    "unresolved": "name not resolved",
}
"""What an ask gives answers for: the word in a case file, and in a report."""
_PLACEHOLDER = re.compile(r"\$\(([a-z0-9/ -]+)\)")


Labels = Mapping[str, str | None]
"""Labels to set, or to remove where None."""


@dataclass(frozen=True, eq=False)
class Ask:
    """What the specification leaves open: a connection, and what each outcome would mean."""

    connection: Connection
    question: str
    answers: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Step:
    """What is done, on top of the earlier steps, and who may then reach whom.

    Attributes:
        name: in words.
        apply: objects, in order.
        delete: objects of earlier steps as `Kind namespace/name`.
        label: labels set or, where None, removed, by `pod shop/api` or `namespace shop`.
        start: pods that run from here on.
        expected: what should become of connections.
        asks: what is asked, not expected.
    """

    name: str
    apply: tuple[dict[str, Any], ...]
    expected: dict[Connection, Expected]
    delete: tuple[str, ...] = ()
    label: Mapping[str, Labels] = field(default_factory=dict)
    start: tuple[str, ...] = ()
    asks: tuple[Ask, ...] = ()


@dataclass(frozen=True, eq=False)
class Case:
    """One question with its policies and the reachability they should give.

    `alone` cases change what other cases share, so nothing runs beside them.
    """

    id: str
    group: str
    title: str
    shows: str
    why: str
    source: str
    question: str
    steps: tuple[Step, ...]
    needs: tuple[str, ...] = ()
    alone: bool = False

    @property
    def policies(self) -> list[dict[str, Any]]:
        """All objects of all steps, in the order in which they are applied."""
        return [manifest for step in self.steps for manifest in step.apply]

    @property
    def connections(self) -> list[Connection]:
        """Every connection that any step expects or asks about, once."""
        expected = [c for step in self.steps for c in step.expected]
        asked = [ask.connection for step in self.steps for ask in step.asks]
        return list(dict.fromkeys(expected + asked))

    @property
    def started(self) -> list[str]:
        """The pods that its steps start."""
        return [pod for step in self.steps for pod in step.start]

    @property
    def policy_sha256(self) -> str:
        """SHA-256 of the objects as JSON with sorted keys, which formatting cannot change."""
        text = json.dumps(self.policies, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def fill(manifest: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """An object with its `$(…)` replaced.

    Args:
        manifest: the object as the case has it.
        values: what each placeholder stands for, by what is between the parentheses.

    Raises:
        WrongUse: a placeholder has no value.
    """

    def word(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise WrongUse(f"$({match[1]}) stands for nothing here.")
        return values[match[1]]

    def inside(part: Any) -> Any:
        if isinstance(part, str):
            return _PLACEHOLDER.sub(word, part)
        if isinstance(part, dict):
            return {inside(key): inside(value) for key, value in part.items()}
        return [inside(item) for item in part] if isinstance(part, list) else part

    filled: dict[str, Any] = inside(copy.deepcopy(dict(manifest)))
    return filled


def name_of(manifest: Mapping[str, Any]) -> str:
    """An object as a step's `delete` names it: `Kind namespace/name`."""
    meta = manifest["metadata"]
    return f"{manifest['kind']} {meta.get('namespace', '')}/{meta['name']}"


def load(folder: Path = paths.CASES) -> list[Case]:
    """Read and check every case of a folder, in the order of the files' names.

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
    data = checked.read_numbered(path, "case")
    steps = tuple(_step(path, n, step) for n, step in enumerate(data["steps"]))
    if not any(Expected.DENIED in step.expected.values() for step in steps):
        raise WrongUse(f"{path}: steps: no connection is denied, so the case could not fail.")
    return Case(**{**data, "steps": steps, "needs": tuple(data.get("needs", ()))})


def choose(cases: Sequence[Case], ids: Sequence[str]) -> list[Case]:
    """The cases or groups named, or all where none is.

    Raises:
        WrongUse: there is no case and no group of that name.
    """
    groups = list(dict.fromkeys(case.group for case in cases))
    known = [case.id for case in cases]
    for name in ids:
        if name not in known and name not in groups:
            near = [one for one in known if name in one or one in name] or known
            raise WrongUse(
                f"There is no case {name!r}; choose from {', '.join(near)}, "
                f"or from the groups {', '.join(groups)}."
            )
    return [case for case in cases if not ids or case.id in ids or case.group in ids]


def _step(path: Path, number: int, data: dict[str, Any]) -> Step:
    where = f"{path}: steps[{number}]"
    expected: dict[Connection, Expected] = {}
    for word in Expected:
        for text in data.get(word, []):
            connection = Connection.parse(text)
            if connection in expected:
                raise WrongUse(f"{where}.{word}: {text!r} is both allowed and denied.")
            if connection.held:
                raise WrongUse(f"{where}.{word}: {text!r}: only `asks` may hold a connection.")
            _on_stage(connection, f"{where}.{word}: {text!r}")
            expected[connection] = word
    asks = tuple(_ask(ask, f"{where}.asks[{n}]") for n, ask in enumerate(data.get("asks", [])))
    if not expected and not asks:
        raise WrongUse(f"{where}: nothing is denied, allowed or asked.")
    for manifest in data.get("apply", []):
        namespace = manifest["metadata"].get("namespace")
        cluster_wide = namespace is None and manifest["kind"] not in _NAMESPACED
        if not cluster_wide and namespace not in cast.of_cases().namespaces:
            raise WrongUse(
                f"{where}.apply: {manifest['kind']} {manifest['metadata']['name']}"
                f" is in namespace {namespace!r}, which is not on the stage."
            )
    return Step(
        data["name"],
        tuple(data.get("apply", ())),
        expected,
        tuple(data.get("delete", ())),
        data.get("label", {}),
        tuple(data.get("start", ())),
        asks,
    )


def _ask(data: dict[str, Any], where: str) -> Ask:
    connection = Connection.parse(data["connection"])
    _on_stage(connection, f"{where}: {data['connection']!r}")
    answers = {outcome: data[word] for word, outcome in _OUTCOMES.items() if word in data}
    return Ask(connection, data["question"], answers)


def _on_stage(connection: Connection, where: str) -> None:
    for pod in (connection.source, connection.target):
        if pod not in cast.of_cases().pods and pod != cast.OUTSIDE:
            known = ", ".join([*cast.of_cases().pods, cast.OUTSIDE])
            raise WrongUse(f"{where}: there is no pod {pod!r}; the stage has {known}.")
    serves = cast.of_cases().serves(connection.target)
    if connection.protocol != "ICMP" and connection.port not in serves.get(connection.protocol, ()):
        raise WrongUse(
            f"{where}: no pod serves {connection.protocol} {connection.port}; "
            f"{connection.target} serves {serves}."
        )
