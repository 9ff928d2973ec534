"""A learner's answer: text that should be NetworkPolicy objects, and mostly is.

Nothing here raises for what a learner wrote. What cannot be checked is a `Fault`, with
one sentence that says what is wrong and, where that gives nothing away, what to do.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from labsupport import explain, policyfile
from labsupport.errors import WrongUse
from labsupport.pitfalls import Level

BLANK = "____"
"""What stands where the learner should write."""

SIZE_LIMIT = 100_000
"""Characters; the largest answer of the catalogue has under two thousand."""

Policy = Mapping[str, Any]


class State(StrEnum):
    """What became of an attempt at an exercise."""

    SOLVED = "solved"
    NOT_YET = "not yet"
    NOT_ATTEMPTED = "not attempted"
    NOT_READABLE = "does not parse"
    WRONG_OBJECTS = "wrong objects"
    REFUSED = "refused by the API server"
    NOT_CHECKED = "could not be checked"


@dataclass(frozen=True)
class Fault:
    """Why an answer was not put to the test."""

    state: State
    sentence: str


def read(answer: str | Path, namespaces: Collection[str]) -> list[Policy] | Fault:
    """The policies in an answer.

    Args:
        answer: YAML, or a file of it. A text of one line that ends in `.yaml` or `.yml`
            is a file's name.
        namespaces: where policies may be.
    """
    text = _text(answer)
    if isinstance(text, Fault):
        return text
    if BLANK in text:
        return Fault(State.NOT_ATTEMPTED, f"There is still a blank, {BLANK}, to be filled in.")
    if len(text) > SIZE_LIMIT:
        return Fault(State.NOT_READABLE, f"The answer has more than {SIZE_LIMIT} characters.")
    documents = _parse(text)
    if isinstance(documents, Fault):
        return documents
    if not documents:
        return Fault(State.NOT_ATTEMPTED, "There is nothing in the answer yet.")
    for document in documents:
        wrong = _wrong(document, namespaces)
        if wrong:
            return Fault(State.WRONG_OBJECTS, wrong)
    places = [(one["metadata"]["namespace"], one["metadata"]["name"]) for one in documents]
    twice = next((place for place in places if places.count(place) > 1), None)
    if twice:
        return Fault(
            State.WRONG_OBJECTS,
            f"There are two policies {twice[1]} in {twice[0]}; the second would replace the first.",
        )
    return [{**one, "spec": one.get("spec", {})} for one in documents]


def refusal(policies: Collection[Policy]) -> Fault | None:
    """What the API server would refuse of policies, where no API server is at hand."""
    try:
        explained = explain.text(dump(policies), "the answer") if policies else None
    except WrongUse as error:
        return Fault(State.REFUSED, f"The API server would refuse it: {error}")
    for one in explained.policies if explained else ():
        for finding in one.findings:
            if finding.level is Level.REFUSED:
                name = one.document.name
                return Fault(
                    State.REFUSED,
                    f"The API server would refuse {name}: {finding.field}: {finding.message}",
                )
    return None


def dump(policies: Collection[Policy]) -> str:
    """Policies as YAML, as a learner would write them."""
    plain = json.loads(json.dumps(list(policies)))  # no aliases for what occurs twice
    return yaml.safe_dump_all(plain, sort_keys=False, allow_unicode=True)


def _text(answer: str | Path) -> str | Fault:
    if isinstance(answer, str):
        stripped = answer.strip()
        if "\n" in stripped or not stripped.endswith((".yaml", ".yml")):
            return answer
    path = Path(answer).expanduser()
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        return Fault(State.NOT_READABLE, f"{path}: cannot be read: {error.strerror}.")
    except UnicodeDecodeError:
        return Fault(State.NOT_READABLE, f"{path}: is not a text in UTF-8.")


def _parse(text: str) -> list[Any] | Fault:
    try:
        documents = [one for _, one in policyfile.documents(text, "The answer")]
        json.dumps(documents, allow_nan=False)  # what JSON cannot say, the API cannot either
    except WrongUse as error:
        return Fault(State.NOT_READABLE, str(error))
    except (TypeError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())[:150]
        return Fault(State.NOT_READABLE, f"The answer is not YAML that the API knows: {said}.")
    return documents


def _wrong(document: Any, namespaces: Collection[str]) -> str | None:
    """Why a document is not a policy of this exercise, or None."""
    if not isinstance(document, dict):
        return f"{str(document)[:40]!r} is no object of the API; a policy begins with apiVersion."
    version, kind, meta = (document.get(key) for key in ("apiVersion", "kind", "metadata"))
    if (version, kind) != ("networking.k8s.io/v1", "NetworkPolicy"):
        asked = "Only NetworkPolicy of networking.k8s.io/v1 is asked for here"
        return f"{asked}, not {kind} of {version}."
    if not isinstance(meta, dict) or not isinstance(meta.get("name"), str) or not meta["name"]:
        return "A policy has no name in its metadata."
    namespace = meta.get("namespace")
    if namespace is None:
        return f"Policy {meta['name']} names no namespace; kubectl would put it in the default one."
    if namespace not in namespaces:
        return (
            f"Policy {meta['name']} is in {namespace}; this exercise takes place in "
            f"{', '.join(namespaces)}."
        )
    return None
