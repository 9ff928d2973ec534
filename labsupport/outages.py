"""Broken clusters as data: one YAML file an outage, told by its symptom alone.

What an outage is called does not give its cause away; `cause` and `way_out` are for who
has given up, or has found it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from labsupport import cast, checked, paths, task
from labsupport.cast import Cast
from labsupport.task import Policy, Wanted

FOLDER = paths.PACKAGE / "outages"


@dataclass(frozen=True)
class Change:
    """A change of the cluster's own configuration.

    Attributes:
        object: what is patched, as `kind/name`.
        namespace: where it is.
        patch: a JSON merge patch (RFC 7396).
        restart: the workload that reads it when it starts, as `kind/name`.
    """

    object: str
    namespace: str
    patch: Mapping[str, Any]
    restart: str


@dataclass(frozen=True, eq=False)
class Outage:
    """One way in which a cluster is broken.

    Attributes:
        id: its name in commands.
        title: in words.
        profiles: where it can be made.
        symptom: what its victims report.
        cast: the pods there are.
        given: the policies there are.
        objects: other objects, of no namespace.
        changes: what is changed of the cluster itself.
        wanted: who should reach whom; it is over when the packets say so.
        suspect: the cause in a few words, to be chosen among those of the others.
        evidence: what to ask kubectl besides policies, pods and namespaces, to see it.
        cause: what is wrong.
        way_out: what ends it.
        mended: policies that end it; empty where policies cannot.
        case: the case that measured what it is about.
        notebook: the number of the notebook to read.
    """

    id: str
    title: str
    profiles: tuple[str, ...]
    symptom: str
    cast: Cast
    given: tuple[Policy, ...]
    objects: tuple[dict[str, Any], ...]
    changes: tuple[Change, ...]
    wanted: Wanted
    suspect: str
    evidence: tuple[str, ...]
    cause: str
    way_out: str
    mended: tuple[Policy, ...]
    case: str
    notebook: str

    @property
    def can_end(self) -> bool:
        """Whether the lab can end it and leave its pods, not only undo everything."""
        return bool(self.mended or self.objects or self.changes)


@cache
def load_all(folder: Path = FOLDER) -> dict[str, Outage]:
    """Every outage by its id, in the order of the files' numbers.

    Raises:
        WrongUse: a file does not fit; the message names it.
    """
    found = [read(path) for path in sorted(folder.glob("*.yaml"))]
    return {one.id: one for one in found}


def find(name: str) -> Outage:
    """One outage, by its id or its number in the list, from 1.

    Raises:
        WrongUse: there is none of that name.
    """
    return checked.pick(load_all(), name, "outage")


def read(path: Path) -> Outage:
    """Read and check one outage.

    Raises:
        WrongUse: it does not fit the schema, or speaks of pods or ports that are not there.
    """
    data = checked.read_numbered(path, "outage")
    whole = cast.read(paths.PACKAGE / "outage-stage.yaml")
    started = data.get("start", [])
    pods = {name: pod for name, pod in whole.pods.items() if not pod.late or name in started}
    actors = replace(whole, pods=pods)
    return Outage(
        profiles=tuple(data["profiles"]),
        cast=actors,
        given=task.policies(data["setup"]),
        objects=tuple(data.get("objects", ())),
        changes=tuple(Change(**change) for change in data.get("changes", ())),
        wanted=task.wanted(data, actors, str(path)),
        evidence=tuple(data.get("evidence", ())),
        mended=task.policies(data.get("mended", ())),
        **{
            key: data[key]
            for key in (
                "id", "title", "symptom", "suspect", "cause", "way_out", "case", "notebook"
            )
        },
    )  # fmt: skip
