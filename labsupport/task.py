"""What an exercise is made of: one YAML file each, read and checked.

A file says what is asked, which connections must work and which must not once it is done,
and how to get there. Its `right` and `nearly` answers are for the tests: every one of the
first must pass the check, none of the second may.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from labsupport import cast, checked, oracle, paths
from labsupport.cast import Cast
from labsupport.connection import Connection
from labsupport.errors import WrongUse
from labsupport.verdict import Expected

FOLDER = paths.PACKAGE / "exercises"

Policy = Mapping[str, Any]
Wanted = Mapping[Connection, Expected]


@dataclass(frozen=True)
class Answer:
    """An answer to test the check with, and what is to be said of it."""

    why: str
    policies: tuple[Policy, ...]


@dataclass(frozen=True, eq=False)
class Task:
    """One exercise as its file tells it.

    Attributes:
        id: its name in commands.
        kind: `write` a policy, `repair` one, or `find` why one does not do its work.
        title: in words.
        level: from 1, easy, to 3.
        minutes: how long it usually takes.
        text: the requirement or the symptom.
        given: the policies that are there at the beginning.
        wanted: which connections must be allowed or denied when it is solved.
        hints: three, each nearer to the answer than the one before.
        solution: one right set of policies.
        why: what makes it right.
        case: the case that measured what it is about.
        notebook: the number of the notebook to read.
        right: other right answers.
        nearly: answers that look right and are not.
    """

    id: str
    kind: str
    title: str
    level: int
    minutes: int
    text: str
    given: tuple[Policy, ...]
    wanted: Wanted
    hints: tuple[str, ...]
    solution: tuple[Policy, ...]
    why: str
    case: str
    notebook: str
    right: tuple[Answer, ...]
    nearly: tuple[Answer, ...]


@cache
def ground() -> Cast:
    """The namespaces and pods that every exercise takes place in."""
    return cast.read(paths.PACKAGE / "exercise-stage.yaml")


@cache
def load_all(folder: Path = FOLDER) -> dict[str, Task]:
    """Every exercise by its id, in the order of the files' numbers.

    Raises:
        WrongUse: a file does not fit, or speaks of what is not there; the message names it.
    """
    tasks = [read(path) for path in sorted(folder.glob("*.yaml"))]
    return {task.id: task for task in tasks}


def find(name: str) -> Task:
    """One exercise, by its id or its number in the list, from 1.

    Raises:
        WrongUse: there is none of that name.
    """
    return checked.pick(load_all(), name, "exercise")


def read(path: Path) -> Task:
    """Read and check one exercise.

    Raises:
        WrongUse: it does not fit the schema, or speaks of pods, ports or namespaces that
            are not there.
    """
    data = checked.read_numbered(path, "exercise")
    return Task(
        text=data["task"],
        given=policies(data.get("setup", [])),
        wanted=wanted(data, ground(), str(path)),
        hints=tuple(data["hints"]),
        solution=policies(data["solution"]),
        right=_answers(data["right"]),
        nearly=_answers(data["nearly"]),
        **{
            key: data[key]
            for key in ("id", "kind", "title", "level", "minutes", "why", "case", "notebook")
        },
    )


def policies(short: Sequence[Mapping[str, Any]]) -> tuple[Policy, ...]:
    """NetworkPolicy objects from their name, namespace and spec."""
    return tuple(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": one["name"], "namespace": one["namespace"]},
            "spec": one["spec"],
        }
        for one in short
    )


def wanted(data: Mapping[str, Any], cast: Cast, where: str) -> dict[Connection, Expected]:
    """The connections of a file's `allowed` and `denied`.

    Raises:
        WrongUse: one is in both, or one of its ends or its port does not exist.
    """
    found: dict[Connection, Expected] = {}
    for word in Expected:
        for text in data[word]:
            connection = Connection.parse(text)
            if connection in found:
                raise WrongUse(f"{where}: {text!r} is both allowed and denied.")
            for pod in (connection.source, connection.target):
                if pod not in cast.pods:
                    raise WrongUse(f"{where}: {word}: {text!r}: there is no pod {pod!r}.")
            if connection.port not in cast.serves(connection.target).get(connection.protocol, ()):
                raise WrongUse(f"{where}: {word}: {text!r}: nobody answers on this port.")
            found[connection] = word
    return found


def alike(some: Sequence[Policy], others: Sequence[Policy]) -> bool:
    """Whether policies are the same, with what the API server fills in filled in."""
    return sorted(map(_plain, some), key=str) == sorted(map(_plain, others), key=str)


def _answers(data: Sequence[Mapping[str, Any]]) -> tuple[Answer, ...]:
    return tuple(Answer(one["why"], policies(one["policies"])) for one in data)


def _plain(policy: Policy) -> dict[str, Any]:
    spec = policy["spec"]
    rules = {
        word: [
            rule | ({"ports": [{"protocol": "TCP", **port} for port in rule["ports"]]}
                    if rule.get("ports") else {})
            for rule in spec.get(word) or []
        ]
        for word in ("ingress", "egress")
    }  # fmt: skip
    return {
        "place": (policy["metadata"]["namespace"], policy["metadata"]["name"]),
        "pods": spec.get("podSelector") or {},
        "types": sorted(oracle.policy_types(policy)),
        **rules,
    }
