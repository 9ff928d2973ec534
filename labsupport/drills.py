"""The drills: one YAML file a question, `drills/<topic>/<id>.yaml`; adding one needs no Python.

What depends on a CNI is computed here from reports, so that no answer can contradict the
matrix. What the specification decides is computed by the oracle, see `drillscene`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from labsupport import checked, drillscene, paths, report
from labsupport.connection import Connection
from labsupport.drillscene import Scene
from labsupport.errors import WrongUse
from labsupport.report import Report
from labsupport.verdict import Expected, Verdict

FOLDER = paths.PACKAGE / "drills"

TOPICS: Mapping[str, str] = {
    "silent-failure": "The silent failure",
    "model": "The model",
    "selectors": "Selectors, labels and namespaces",
    "traffic": "Ports, DNS, addresses and replies",
    "proof": "Proving enforcement",
    "calico": "Calico",
    "cilium": "Cilium",
    "canal-flannel": "Canal and Flannel",
    "cluster-wide": "Cluster-wide policies",
    "open": "What the specification leaves open",
    "troubleshooting": "Troubleshooting",
    "choosing": "Choosing a CNI",
}
"""The topics in the order in which they are learned."""


class Kind(StrEnum):
    """What a question asks for."""

    CHOOSE = "choose"
    SEVERAL = "choose several"
    ORDER = "order"
    GRID = "grid"
    MISTAKE = "mistake"
    ALOUD = "aloud"


@dataclass(frozen=True, eq=False)
class Question:
    """One drill, ready to be asked.

    Attributes:
        topic: a key of `TOPICS`.
        level: 1 to 3.
        options: what there is to choose from, to order, or to tick, in the file's order.
        right: those of the options that are to be chosen; for `order`, all in right order;
            for `aloud`, the whole checklist.
        answer: one sentence.
        explanation: the longer answer.
        followup: what an interviewer asks next, and its short answer.
        case: the id of the case that measured it, or None.
        notebook: the number of the notebook that teaches it.
    """

    id: str
    topic: str
    level: int
    kind: Kind
    question: str
    options: tuple[str, ...]
    right: tuple[str, ...]
    answer: str
    explanation: str
    followup: tuple[str, str]
    notebook: int
    case: str | None = None
    sources: tuple[str, ...] = ()
    scene: Scene | None = None


def load(folder: Path = FOLDER, reports: Sequence[Report] | None = None) -> list[Question]:
    """Read and check every question, topic by topic, easy ones first.

    Args:
        folder: where the files are.
        reports: what measured questions are answered from; the recordings by default. A
            question that none of them can answer is left out.

    Raises:
        WrongUse: a file does not fit or an id is taken; the message names the file.
    """
    known = report.recordings() if reports is None else reports
    questions: dict[str, Question] = {}
    for path in sorted(folder.glob("*/*.yaml")):
        question = read(path, known)
        if question and question.id in questions:
            raise WrongUse(f"{path}: id: {question.id!r} is the id of another question.")
        if question:
            questions[question.id] = question
    order = list(TOPICS)
    return sorted(questions.values(), key=lambda q: (order.index(q.topic), q.level, q.id))


def read(path: Path, reports: Iterable[Report]) -> Question | None:
    """Read and check one question; None where it is measured and no report has its case.

    Raises:
        WrongUse: it does not fit the schema or the place of its file.
    """
    data = checked.read_yaml(path, "drill")
    if (data["topic"], data["id"]) != (path.parent.name, path.stem):
        raise WrongUse(f"{path}: id: the file should be {data['topic']}/{data['id']}.yaml.")
    scene = drillscene.read(data["scene"], f"{path}: scene") if "scene" in data else None
    if "measured" in data:
        found = _measured(data["case"], data["measured"], reports)
        if not found:
            return None
        options, right, data["answer"] = found
    else:
        options, right = _options(data, scene)
    kept = ("id", "topic", "level", "question", "answer", "explanation", "notebook")
    return Question(
        **{key: data[key] for key in kept},
        kind=Kind(data["kind"]),
        options=tuple(options),
        right=tuple(right),
        followup=(data["followup"]["question"], data["followup"]["answer"]),
        case=data.get("case"),
        sources=tuple(data.get("sources", ())),
        scene=scene,
    )


def choose(
    questions: Iterable[Question], topics: Sequence[str] = (), level: int | None = None
) -> list[Question]:
    """The questions of some topics, or of all where none is named, up to a level.

    Raises:
        WrongUse: there is no such topic, or nothing is left.
    """
    for topic in topics:
        if topic not in TOPICS:
            raise WrongUse(f"There is no topic {topic!r}; choose from {', '.join(TOPICS)}.")
    chosen = [
        one
        for one in questions
        if (not topics or one.topic in topics) and (level is None or one.level <= level)
    ]
    if not chosen:
        raise WrongUse("No question is left; levels are 1, 2 and 3, so ask for more.")
    return chosen


def _options(data: Mapping[str, Any], scene: Scene | None) -> tuple[list[str], list[str]]:
    """What can be chosen, and what should be."""
    if data["kind"] == Kind.GRID and scene:
        reached = scene.reachability()
        right = [str(one) for one, word in reached.items() if word is Expected.ALLOWED]
        return sorted(map(str, reached)), right  # in the file, the allowed ones come first
    whole = data.get("order") or data.get("checklist")
    return (whole, whole) if whole else (data["right"] + data["wrong"], data["right"])


def _measured(
    case: str, asked: Mapping[str, str], reports: Iterable[Report]
) -> tuple[list[str], list[str], str] | None:
    """The profiles, those of which the reports say what is asked, and the answer in words."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in reports:
        for result in one["cases"]:
            seen = _seen(result, asked) if result["id"] == case else None
            if seen:
                found.setdefault(seen, []).append(one["implementation"]["title"])
    wanted = asked.get("verdict") or asked["observed"]
    options = [title for titles in found.values() for title in titles]
    right = [title for (seen, _), titles in found.items() if seen == wanted for title in titles]
    words = [f"{word} on {_listed(titles)}" for (_, word), titles in found.items()]
    return (options, right, f"Measured: {'; '.join(words)}.") if options else None


def _seen(result: Mapping[str, Any], asked: Mapping[str, str]) -> tuple[str, str] | None:
    """What a report says of a case, and in which words: its verdict, or of a connection.

    A connection that the case expects may occur in several steps; the last one counts.
    """
    verdict = result["verdict"]
    if verdict in (Verdict.NOT_RUN, Verdict.INCONCLUSIVE, Verdict.UNSTABLE):
        return None
    if "verdict" in asked:
        return verdict, verdict
    for answer in result.get("answers", []):
        if answer["connection"] == asked["connection"]:
            clear = answer["observed"] in ("allowed", "timeout", "refused")
            known = clear and not answer["answer"].startswith("inconclusive")
            return (answer["observed"], answer["answer"]) if known else None
    wanted = Connection.parse(asked["connection"])
    place = (wanted.source, wanted.target, wanted.port, wanted.protocol, wanted.via)
    seen = [
        one["observed"]
        for step in result["steps"]
        for one in step["connections"]
        if (one["from"], one["to"], one["port"], one["protocol"], one["via"]) == place
    ]
    return (seen[-1], seen[-1]) if seen and seen[-1] else None


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
