"""Drills in words, for the terminal and for the notebook."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import yaml

from labsupport import course
from labsupport.course import Unit
from labsupport.drillround import Round, read_again, scores
from labsupport.drills import TOPICS, Kind, Question
from labsupport.marking import Mark
from labsupport.oracle import Endpoint

HOW: Mapping[Kind, str] = {
    Kind.CHOOSE: "Choose one.",
    Kind.SEVERAL: "Choose all that are right; it may be none.",
    Kind.ORDER: "Put them in order.",
    Kind.GRID: "By the specification, which of these connections are allowed?",
    Kind.MISTAKE: "Choose what is wrong with the policy.",
    Kind.ALOUD: "Say it aloud, as to an interviewer. Then see what a good answer has.",
}
"""What to do, by kind of question."""


def notebook(number: int) -> str:
    """A notebook as people call it: `02 The silent failure`."""
    return " ".join([f"{number:02}", *(u.title for u in _units() if int(u.number) == number)])


def headline(question: Question) -> str:
    """The line above a question."""
    return f"{TOPICS[question.topic]} · level {question.level}"


def shown_first(question: Question) -> str:
    """What stands above the options: pods and policies, where the question is about them."""
    scene = question.scene
    if scene is None or question.kind not in (Kind.GRID, Kind.MISTAKE):
        return ""
    parts = ["Pods:", *(f"  {pod(one)}" for one in scene.cast), "", manifests(scene.policies)]
    if question.kind is Kind.MISTAKE:
        parts += ["", "It is meant to give:"]
        parts += [f"  {word:<7} {one}" for one, word in scene.expected.items()]
    return "\n".join(parts)


def shown_after(question: Question) -> str:
    """What stands below the answer: the repair, or an example that the oracle decided."""
    scene = question.scene
    if scene is None:
        return ""
    applied = scene.repaired or scene.policies
    lines = []
    if question.kind is Kind.MISTAKE:
        wrong = scene.reachability()
        for one, meant in scene.expected.items():
            if wrong[one] is not meant:
                lines.append(f"As it was, {one} is {wrong[one]}: {scene.decide(one).why}.")
        lines += ["Repaired:", manifests(applied)]
    elif question.kind is not Kind.GRID:
        lines += ["For example:", manifests(applied)]
    decided = {one: scene.decide(one, applied) for one in scene.expected}
    lines += [
        f"  {'allowed' if decision.allowed else 'denied':<7} {one}: {decision.why}."
        for one, decision in decided.items()
    ]
    return "\n".join(lines)


def verdict(question: Question, mark: Mark) -> str:
    """What an answer was worth, in words."""
    if question.kind is Kind.ALOUD:
        made = len(question.right) - len(mark.missed)
        return f"You made {made} of {len(question.right)} points."
    lines = ["Right." if mark.right else "Not yet."]
    if question.kind is Kind.ORDER and not mark.right:
        lines += ["The order is:", *(f"  {n}. {one}" for n, one in enumerate(question.right, 1))]
    lines += [f"  should be chosen: {one}" for one in mark.missed]
    lines += [f"  should not be: {one}" for one in mark.extra]
    return "\n".join(lines)


def references(question: Question) -> list[str]:
    """Where it is measured, taught and documented."""
    measured = [f"case {question.case}"] if question.case else []
    return [*measured, f"notebook {notebook(question.notebook)}", *question.sources]


def summary(played: Round) -> str:
    """How a round went: the score by topic, and what to read again, notebook by notebook."""
    if not played.asked:
        return "Nothing was answered."
    lines = [
        f"{TOPICS[one.topic]:<34}{one.percent:>4} % of {one.attempted}" for one in scores(played)
    ]
    for number, questions in read_again(played).items():
        lines += ["", f"Read again: notebook {notebook(number)}"]
        lines += [f"  {one.answer}" for one in questions]
    return "\n".join(lines)


def pod(one: Endpoint) -> str:
    """A pod with its labels, or an address outside the cluster."""
    if one.address:
        return f"{one.name}  {one.address}, outside the cluster"
    if not one.namespace:
        return f"{one.name}  in its node's network"
    ports = ", ".join(f"{name}={number}" for (name, _), number in one.ports.items())
    named = f"; ports {ports}" if ports else ""
    own = {k: v for k, v in one.namespace_labels.items() if k != "kubernetes.io/metadata.name"}
    return f"{one.name}  labels {_labels(one.labels)}; namespace {_labels(own)}{named}"


def manifests(policies: Iterable[Mapping[str, Any]]) -> str:
    """Policies as YAML, in the order of their fields in the file."""
    return yaml.safe_dump_all(policies, sort_keys=False).rstrip()


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items()) or "none"


@cache
def _units() -> list[Unit]:
    return course.units()
