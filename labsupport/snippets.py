"""The snippets of the seed document: what is printed, what is run, and what it means.

A snippet is run as it is printed, in a folder that has the files it names. Where the document
prints a policy whose indentation is lost, it is applied as it is, and then repaired.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from labsupport import checked, paths
from labsupport.errors import WrongUse
from labsupport.outcome import Outcome

FOLDER = paths.PACKAGE / "trial"
DOCUMENT = FOLDER / "seed.txt"

ACCEPTED = "accepted"
KEPT = "kept"
"""The outcome of a step whose output, such as an address, later steps use."""

_REFUSALS = {
    r"no matches for kind": "no such kind",
    r"error converting YAML|error parsing": "not YAML",
    r"name may not be empty|name is required|name or generateName is required": "no name",
    r"repo \S+ not found": "no such repository",
    r"strict decoding error|unknown field": "unknown field",
}
_CONNECTIONS = {
    "TIMEOUT": Outcome.TIMEOUT,
    "REFUSED": Outcome.REFUSED,
    "DNS": Outcome.NAME_NOT_RESOLVED,
}


@dataclass(frozen=True)
class Replacement:
    """What a lab cannot have, what stands in its place, and why."""

    printed: str
    used: str
    why: str


@dataclass(frozen=True)
class Step:
    """One command of a snippet.

    Attributes:
        id: its name within the snippet.
        run: the command; `$(name)` stands for what an earlier step kept.
        shows: what its end is read as: an `answer`, a `connection`, a `match`, a `text`.
        says: the outcome that the document promises.
        until: repeat until this outcome, for at most 10 s.
        keep: the name under which its output is kept.
    """

    id: str
    run: str
    shows: str
    says: str | None = None
    until: str | None = None
    keep: str | None = None

    def commands(self, kept: Mapping[str, str]) -> list[list[str]]:
        """The command as words; two where it has a pipe."""
        text = re.sub(r"\$\((\w+)\)", lambda match: kept[match[1]], self.run)
        return [shlex.split(part) for part in text.split(" | ")]


@dataclass(frozen=True)
class Snippet:
    """A block of commands or a policy of the document.

    Attributes:
        id: its name.
        title: what it is about, in our words.
        printed: word for word as in the document.
        steps: what is run.
        not_run: why nothing is, where it is not.
        profiles: where it is run; everywhere where empty.
        replaced: what a lab cannot have.
        files: what the commands name.
    """

    id: str
    title: str
    printed: str
    steps: tuple[Step, ...] = ()
    not_run: str = ""
    profiles: tuple[str, ...] = ()
    replaced: tuple[Replacement, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    def step(self, name: str) -> Step:
        """A step by its id.

        Raises:
            WrongUse: it has none of this id.
        """
        for step in self.steps:
            if step.id == name:
                return step
        raise WrongUse(f"Snippet {self.id!r} has no step {name!r}.")

    def objects(self) -> list[dict[str, Any]]:
        """The objects in its files that have a name, so that they can be deleted."""
        found = []
        for text in self.files.values():
            try:
                documents = list(yaml.safe_load_all(text))
            except yaml.YAMLError:
                continue
            found += [d for d in documents if isinstance(d, dict) and d.get("metadata")]
        return found


def document() -> str:
    """The text on trial."""
    return DOCUMENT.read_text(encoding="utf-8")


@cache
def load(path: Path = FOLDER / "snippets.yaml") -> dict[str, Snippet]:
    """Every snippet by its id, in the document's order.

    Raises:
        WrongUse: the file does not fit its schema, or an id is taken.
    """
    found: dict[str, Snippet] = {}
    for data in checked.read_yaml(path, "snippets"):
        if data["id"] in found:
            raise WrongUse(f"{path}: id: {data['id']!r} is the id of another snippet.")
        found[data["id"]] = _snippet(data)
    return found


def read_outcome(step: Step, code: int, output: str) -> str:
    """What the end of a command means, in one word or a few.

    Args:
        step: which; its `shows` says how to read it.
        code: the exit code.
        output: what it printed, errors included.
    """
    if step.shows == "connection":
        return _connection(code, output)
    if step.shows == "match":
        return {0: "match", 1: "no match"}.get(code, "failed")
    if code:
        refusals = (word for text, word in _REFUSALS.items() if re.search(text, output))
        return next(refusals, "refused")
    if step.keep:
        return KEPT
    return output.strip() if step.shows == "text" else ACCEPTED


def _connection(code: int, output: str) -> str:
    """As `agnhost connect` words it on standard error; see `probe`."""
    if code == 0:
        return str(Outcome.ALLOWED)
    word = re.search(r"\b(TIMEOUT|REFUSED|DNS)\b", output)
    return str(_CONNECTIONS[word[1]]) if word else str(Outcome.PROBE_FAILED)


def _snippet(data: Mapping[str, Any]) -> Snippet:
    printed = data["printed"]
    return Snippet(
        data["id"],
        data["title"],
        printed,
        tuple(Step(**step) for step in data.get("steps", ())),
        data.get("not run", ""),
        tuple(data.get("profiles", ())),
        tuple(Replacement(**one) for one in data.get("replaced", ())),
        {name: printed if text is None else text for name, text in data.get("files", {}).items()},
    )
