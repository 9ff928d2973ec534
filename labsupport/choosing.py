"""Choosing a CNI: requirements in, a ranking out, and each reason a cell of the matrix.

Which cells a requirement means is data, in `choosing.yaml`; nothing here knows a CNI.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from labsupport import checked, paths
from labsupport.errors import WrongUse
from labsupport.report import Report
from labsupport.verdict import Verdict

NO_SUCH_KIND = "The API server serves no "
"""How `runner` begins the reason of a case whose API the CNI does not bring."""


class Answer(StrEnum):
    """Whether a profile meets a requirement."""

    MET = "met"
    UNMET = "not met"
    UNKNOWN = "not measured"


@dataclass(frozen=True)
class Requirement:
    """Something a cluster must do, as cases of the matrix; `observed` as in `choosing.yaml`."""

    id: str
    title: str
    every: bool
    cases: tuple[str, ...]
    group: str
    observed: str

    def among(self, cases: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
        """Ids of its cases: those it names, or those of its group in a report."""
        return self.cases or tuple(case["id"] for case in cases if case["group"] == self.group)


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix that says something about a requirement."""

    case: str
    title: str
    verdict: Verdict
    reason: str
    answer: Answer


@dataclass(frozen=True)
class Reason:
    """What one profile's cells say about one requirement."""

    requirement: Requirement
    answer: Answer
    cells: tuple[Cell, ...]

    @property
    def deciding(self) -> list[Cell]:
        """The cells that give the answer, such as those that fail where all must hold."""
        return [cell for cell in self.cells if cell.answer is self.answer] or list(self.cells)


@dataclass(frozen=True)
class Standing:
    """One profile against all requirements."""

    profile: str
    title: str
    reasons: tuple[Reason, ...]

    def count(self, answer: Answer) -> int:
        """How many requirements have this answer."""
        return sum(reason.answer is answer for reason in self.reasons)


@dataclass(frozen=True)
class Judged:
    """A recommendation of the document, and what the cells say of it."""

    says: str
    product: str
    judgement: str
    reason: Reason | None


@cache
def requirements() -> tuple[Requirement, ...]:
    """The requirements of `choosing.yaml`, in its order."""
    return tuple(
        Requirement(
            one["id"],
            one["title"],
            one["met by"] == "all",
            tuple(one.get("cases", ())),
            one.get("group", ""),
            one.get("observed", ""),
        )
        for one in _data()["requirements"]
    )


def choose(ids: Sequence[str]) -> list[Requirement]:
    """The requirements of these ids.

    Raises:
        WrongUse: there is none of an id; the message names those there are.
    """
    known = {one.id: one for one in requirements()}
    for name in ids:
        if name not in known:
            raise WrongUse(f"There is no requirement {name!r}; choose from {', '.join(known)}.")
    return [known[name] for name in ids]


def rank(chosen: Sequence[Requirement], reports: Sequence[Report]) -> list[Standing]:
    """The profiles, best first: the fewest requirements not met, then the fewest not measured.

    Profiles that are equal in both stay in the order of the reports. There are no weights:
    a requirement that may be missed is not one.
    """
    standings = [
        Standing(
            one["implementation"]["profile"],
            one["implementation"]["title"],
            tuple(assess(requirement, one) for requirement in chosen),
        )
        for one in reports
    ]
    return sorted(standings, key=lambda one: (one.count(Answer.UNMET), one.count(Answer.UNKNOWN)))


def assess(requirement: Requirement, report: Report) -> Reason:
    """What one report says about one requirement."""
    entries = {case["id"]: case for case in report["cases"]}
    cells = tuple(
        _cell(name, entries.get(name), requirement.observed)
        for name in requirement.among(report["cases"])
    )
    answers = {cell.answer for cell in cells}
    first, second = (Answer.UNMET, Answer.MET) if requirement.every else (Answer.MET, Answer.UNMET)
    if first in answers:
        return Reason(requirement, first, cells)
    unknown = not cells or Answer.UNKNOWN in answers
    return Reason(requirement, Answer.UNKNOWN if unknown else second, cells)


def judge(reports: Sequence[Report]) -> list[Judged]:
    """The document's recommendations, each held against the cells of all profiles."""
    known = {one.id: one for one in requirements()}
    return [
        Judged(one["says"], one["product"], one["unmeasured"], None)
        if "unmeasured" in one
        else _judge(one, known[one["requirement"]], reports)
        for one in _data()["recommendations"]
    ]


def _judge(
    recommendation: Mapping[str, Any], requirement: Requirement, reports: Sequence[Report]
) -> Judged:
    reasons = {
        one["implementation"]["profile"]: (one["implementation"]["title"], assess(requirement, one))
        for one in reports
    }
    own = reasons.get(recommendation["profile"])
    others = [
        title
        for profile, (title, reason) in reasons.items()
        if reason.answer is Answer.MET and profile != recommendation["profile"]
    ]
    if own is None or own[1].answer is Answer.UNKNOWN:
        judgement = "Not measured yet."
    elif own[1].answer is Answer.UNMET:
        judgement = f"Wrong: {own[0]} does not meet it{_so_do(others, '; ', ' does')}."
    else:
        alone = f", and of the {len(reasons)} measured no other does"
        judgement = f"Right: {own[0]} meets it{_so_do(others, ', and so does ', '') or alone}."
    return Judged(
        recommendation["says"], recommendation["product"], judgement, own[1] if own else None
    )


def _so_do(titles: Sequence[str], before: str, after: str) -> str:
    return f"{before}{' and '.join(titles)}{after}" if titles else ""


def _cell(case: str, entry: Mapping[str, Any] | None, observed: str) -> Cell:
    """A cell and what it says: an API that the CNI does not bring is a requirement not met."""
    if entry is None:
        return Cell(case, case, Verdict.NOT_RUN, "No report holds this case.", Answer.UNKNOWN)
    verdict = Verdict(entry["verdict"])
    if verdict is Verdict.OBSERVED and observed:
        met = all(answer["observed"] == observed for answer in entry["answers"])
        answer = Answer.MET if met else Answer.UNMET
    elif verdict is Verdict.ENFORCED and not observed:
        answer = Answer.MET
    elif verdict in (Verdict.INCONCLUSIVE, Verdict.UNSTABLE, Verdict.OBSERVED) or (
        verdict is Verdict.NOT_RUN and not entry["reason"].startswith(NO_SUCH_KIND)
    ):
        answer = Answer.UNKNOWN
    else:
        answer = Answer.UNMET
    return Cell(case, entry["title"], verdict, entry["reason"], answer)


@cache
def _data() -> Any:
    return checked.read_yaml(paths.PACKAGE / "choosing.yaml", "choosing")
