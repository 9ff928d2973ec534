"""From measurements to findings: each claim of the document against reports and records.

A condition is fulfilled, not fulfilled, or, where its cell was not measured, undecided. The
first rule that is fulfilled decides; an undecided one before it leaves the claim open, since
the measurement that is missing might have decided otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from labsupport.claims import Claim, Condition, Finding
from labsupport.report import Report
from labsupport.verdict import Verdict

Basis = Literal["measured", "documented", "open"]
Record = Mapping[str, Any]

_UNDECIDED = (Verdict.NOT_RUN, Verdict.INCONCLUSIVE, Verdict.UNSTABLE)


@dataclass(frozen=True)
class Evidence:
    """What was found for one condition.

    Attributes:
        condition: what was asked.
        found: the verdict or outcome; empty where there is none.
        detail: the reason, the count, or the program's own words.
        fulfilled: whether it is what the condition wants; None where undecided.
    """

    condition: Condition
    found: str
    detail: str
    fulfilled: bool | None


@dataclass(frozen=True)
class Ruling:
    """A finding on a claim, what it rests on, and what to say instead."""

    claim: Claim
    finding: Finding
    basis: Basis
    reason: str
    say: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Court:
    """Reports and records of snippets, by profile, to hold claims against."""

    reports: Mapping[str, Report] = field(default_factory=dict)
    records: Mapping[str, Record] = field(default_factory=dict)

    @classmethod
    def of(cls, reports: Iterable[Report], records: Iterable[Record]) -> "Court":
        """Reports and records in any order, at most one a profile."""
        return cls(
            {one["implementation"]["profile"]: one for one in reports},
            {one["profile"]: one for one in records},
        )

    def rule(self, claim: Claim) -> Ruling:
        """Judge one claim."""
        if claim.documented:
            text = " ".join(fact.text for fact in claim.facts)
            return Ruling(claim, claim.documented, "documented", text, claim.say)
        if claim.open:
            return Ruling(claim, Finding.NOT_TESTABLE, "open", claim.open, claim.say)
        refuted: list[Evidence] = []
        for rule in claim.rules:
            seen = [self.look(condition) for condition in rule.conditions]
            if any(one.fulfilled is False for one in seen):
                refuted += [one for one in seen if one.fulfilled is False and one not in refuted]
                continue
            every = {(one.condition.profile, one.condition.what): one for one in refuted + seen}
            evidence = tuple(every.values())
            missing = [one for one in seen if one.fulfilled is None]
            if missing:
                why = _lacking(missing[0])
                return Ruling(claim, Finding.NOT_TESTABLE, "open", why, claim.say, evidence)
            told = _sentence(evidence)
            return Ruling(claim, rule.finding, "measured", told, rule.say or claim.say, evidence)
        raise AssertionError("the last rule of every claim is without conditions")

    def look(self, condition: Condition) -> Evidence:
        """What the measurements say on one condition."""
        if condition.of_snippet:
            return self._step(condition)
        report = self.reports.get(condition.profile)
        if report is None:
            return Evidence(condition, "", "there is no report", None)
        entries = [c for c in report["cases"] if condition.what in (c["id"], c["group"])]
        if len(entries) == 1 and entries[0]["id"] == condition.what:
            found = entries[0]["verdict"]
            decided = None if found in _UNDECIDED else found in condition.wanted
            return Evidence(condition, found, entries[0]["reason"], decided)
        return _group(condition, entries)

    def _step(self, condition: Condition) -> Evidence:
        name, _, step_name = condition.what.partition("/")
        record = self.records.get(condition.profile)
        if record is None:
            return Evidence(condition, "", "its snippets were not run", None)
        for snippet in record["snippets"]:
            for step in snippet["steps"]:
                if (snippet["id"], step["id"]) == (name, step_name):
                    fulfilled = step["outcome"] in condition.wanted
                    return Evidence(condition, step["outcome"], step["output"], fulfilled)
        return Evidence(condition, "", "this step was not run", None)


def _group(condition: Condition, entries: Sequence[Mapping[str, Any]]) -> Evidence:
    """Every case of a group that was run has to have the verdict, and at least one was run."""
    if not entries:
        return Evidence(condition, "", "the report has no such case", None)
    run = [case for case in entries if case["verdict"] != Verdict.NOT_RUN]
    other = [case for case in run if case["verdict"] not in condition.wanted]
    unclear = [case for case in other if case["verdict"] in _UNDECIDED]
    detail = f"{len(run) - len(other)} of {len(run)} cases that were run"
    if other:
        detail += f"; not {', '.join(case['id'] for case in other)}"
    if not run or (unclear and len(unclear) == len(other)):
        return Evidence(condition, "", detail, None)
    found = condition.wanted[0] if not other else other[0]["verdict"]
    return Evidence(condition, found, detail, not other)


def _lacking(one: Evidence) -> str:
    """Why a claim stays open, in a sentence."""
    told = f"{one.found}: {one.detail}" if one.found else one.detail
    where = f"{one.condition.what} on {one.condition.profile}"
    return f"Not decided by a measurement: {where}, {told}"


def _sentence(evidence: Sequence[Evidence]) -> str:
    """What was measured, in a sentence."""
    parts = [
        f"{e.condition.what} on {e.condition.profile}: {e.found or e.detail}" for e in evidence
    ]
    return "; ".join(parts) + "."
