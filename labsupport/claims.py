"""What the seed document claims, and the rules by which packets decide it.

Rules are data, in `trial/claims.yaml`; nothing here knows a CNI. A claim is judged by rules
over cells of the matrix and outcomes of the document's snippets, or told from a product's
documentation, or left open with a reason: one of the three.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from labsupport import cases, checked, snippets
from labsupport.documented import Fact
from labsupport.errors import WrongUse

FILE = snippets.FOLDER / "claims.yaml"


class Finding(StrEnum):
    """What can become of a claim."""

    HOLDS = "holds"
    CONDITION = "holds with a condition"
    WRONG = "wrong"
    OUTDATED = "outdated"
    NOT_TESTABLE = "not testable here"


@dataclass(frozen=True)
class Condition:
    """That one cell, or the outcome of one step of a snippet, is one of some.

    Attributes:
        profile: on which CNI.
        what: a case's id, a group's name, or `snippet/step`.
        wanted: the verdicts or outcomes that fulfil it.
    """

    profile: str
    what: str
    wanted: tuple[str, ...]

    @property
    def of_snippet(self) -> bool:
        """Whether it is about a snippet, not about a cell."""
        return "/" in self.what


@dataclass(frozen=True)
class Rule:
    """A finding, where all conditions are fulfilled, and what to say then instead."""

    finding: Finding
    conditions: tuple[Condition, ...] = ()
    say: str = ""


@dataclass(frozen=True)
class Claim:
    """One claim of the document.

    Attributes:
        id: its name.
        quote: word for word.
        claim: what is tested; the quote itself where nothing else is said.
        rules: how packets decide it, in order.
        documented: the finding of documentation, where no packet here can decide.
        open: why neither can.
        say: what to say instead, whatever the rules find.
        facts: what documentation says of it.
    """

    id: str
    quote: str
    claim: str
    rules: tuple[Rule, ...] = ()
    documented: Finding | None = None
    open: str = ""
    say: str = ""
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class Document:
    """The claims in the document's order, and the lines that claim nothing."""

    claims: tuple[Claim, ...]
    asides: tuple[str, ...]


@cache
def load(path: Path = FILE) -> Document:
    """Read and check the claims.

    Raises:
        WrongUse: the file does not fit its schema, an id is taken, a quote is not in the
            document, a claim's last rule has conditions, or a condition speaks of a case or a
            snippet that there is not.
    """
    data = checked.read_yaml(path, "claims")
    found = tuple(_claim(one) for one in data["claims"])
    text, seen = snippets.document(), set[str]()
    for claim in found:
        where = f"{path}: {claim.id}"
        if claim.id in seen:
            raise WrongUse(f"{where}: is the id of another claim.")
        seen.add(claim.id)
        if claim.quote not in text:
            raise WrongUse(f"{where}: quote: is not in the document word for word.")
        if claim.rules and claim.rules[-1].conditions:
            raise WrongUse(f"{where}: rules: the last has conditions, so a claim could fit none.")
        for condition in (c for rule in claim.rules for c in rule.conditions):
            _check(condition, where)
    return Document(found, tuple(data["asides"]))


@cache
def _cells() -> frozenset[str]:
    """Every case's id, and every group's name."""
    return frozenset(word for case in cases.load() for word in (case.id, case.group))


def _check(condition: Condition, where: str) -> None:
    if not condition.of_snippet:
        if condition.what not in _cells():
            raise WrongUse(f"{where}: there is no case and no group {condition.what!r}.")
        return
    name, _, step = condition.what.partition("/")
    snippet = snippets.load().get(name)
    if snippet is None:
        raise WrongUse(f"{where}: there is no snippet {name!r}.")
    snippet.step(step)
    if snippet.profiles and condition.profile not in snippet.profiles:
        raise WrongUse(f"{where}: snippet {name!r} is not run on {condition.profile}.")


def _claim(data: Mapping[str, Any]) -> Claim:
    return Claim(
        data["id"],
        data["quote"],
        data.get("claim", data["quote"]),
        tuple(_rule(rule) for rule in data.get("rules", ())),
        Finding(data["documented"]) if "documented" in data else None,
        data.get("open", ""),
        data.get("say", ""),
        tuple(Fact(**fact) for fact in data.get("facts", ())),
    )


def _rule(data: Mapping[str, Any]) -> Rule:
    return Rule(Finding(data["verdict"]), tuple(_conditions(data)), data.get("say", ""))


def _conditions(data: Mapping[str, Any]) -> Iterator[Condition]:
    for kind in ("cells", "snippets"):
        for profile, wanted in data.get(kind, {}).items():
            for what, words in wanted.items():
                several = tuple(words) if isinstance(words, list) else (words,)
                yield Condition(profile, what, several)
