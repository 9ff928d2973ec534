"""What happened to a case, and how the report tells it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from labsupport.cases import Case, Step
from labsupport.connection import Connection
from labsupport.outcome import Observation, Outcome
from labsupport.verdict import Evidence, Judgement, Verdict, judge
from labsupport.waiter import Settled


@dataclass
class Done:
    """A step that was done: what the API server answered, and what packets then did."""

    step: Step
    answer: str
    settled: Settled
    asked: Mapping[Connection, Observation]


@dataclass
class Trial:
    """What happened to one case, until it is judged.

    `trouble` is why there is nothing to judge.
    """

    before: Settled
    steps: list[Done] = field(default_factory=list)
    after: Settled | None = None
    trouble: Judgement | None = None


def entry(case: Case, trial: Trial, started: datetime, seconds: float) -> dict[str, Any]:
    """An entry of the report's `cases`: what was asked, what happened, and the verdict."""
    judgement = _judge(case, trial)
    return {
        "id": case.id,
        "group": case.group,
        "title": case.title,
        "shows": case.shows,
        "source": case.source,
        "policySha256": case.policy_sha256,
        "policies": case.policies,
        "verdict": str(judgement.verdict),
        "reason": judgement.reason,
        "startedAt": started.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "seconds": round(seconds, 1),
        "attempts": sum(result.settled.attempts for result in trial.steps),
        "convergeMs": _slowest([_milliseconds(r.settled.converged) for r in trial.steps]),
        "steps": [_step_entry(result, trial) for result in trial.steps],
        "answers": _answers(trial) if judgement.verdict is Verdict.OBSERVED else [],
    }


def _judge(case: Case, trial: Trial) -> Judgement:
    """The case's verdict; where it asks and its control was in force, the answers."""
    if trial.trouble:
        return trial.trouble
    judgement = judge(_evidence(trial))
    asks = [ask for step in case.steps for ask in step.asks]
    if judgement.verdict is not Verdict.ENFORCED or not asks:
        return judgement
    answers = _answers(trial)
    untried = [a["connection"] for a in answers if a["observed"] == Outcome.PROBE_FAILED]
    if untried:
        return Judgement(
            Verdict.INCONCLUSIVE, f"The probe itself failed with the policy: {untried[0]}."
        )
    said = [f"{a['question']} {a['answer'].capitalize()}." for a in answers]
    return Judgement(Verdict.OBSERVED, " ".join(said))


def _answers(trial: Trial) -> list[dict[str, Any]]:
    """What was asked, what the packets did, and what that means."""
    answers = []
    for result in trial.steps:
        for ask in result.step.asks:
            before = trial.before.seen.get(ask.connection)
            outcome = result.asked[ask.connection].outcome
            known = before is None or before.outcome is Outcome.ALLOWED
            unclear = "inconclusive" if known else "inconclusive: it did not work before"
            answers.append(
                {
                    "question": ask.question,
                    "connection": str(ask.connection),
                    "observed": str(outcome),
                    "answer": ask.answers.get(str(outcome), unclear) if known else unclear,
                }
            )
    return answers


def _evidence(trial: Trial) -> list[Evidence]:
    assert trial.after is not None  # noqa: S101 (the types know no order of events)
    several = len(trial.steps) > 1
    return [
        Evidence(
            connection=f"{connection} (step {n})" if several else str(connection),
            expected=word,
            before=_before(trial, connection),
            during=result.settled.seen[connection].outcome,
            after=trial.after.seen[connection].outcome,
        )
        for n, result in enumerate(trial.steps, 1)
        for connection, word in result.step.expected.items()
    ]


def _before(trial: Trial, connection: Connection) -> Outcome | None:
    """What became of a connection before the policy; None for a pod that started later."""
    seen = trial.before.seen.get(connection)
    return seen.outcome if seen else None


def _step_entry(result: Done, trial: Trial) -> dict[str, Any]:
    return {
        "name": result.step.name,
        "apiAnswer": result.answer,
        "convergeMs": _milliseconds(result.settled.converged),
        "attempts": result.settled.attempts,
        "connections": [
            {
                "from": connection.source,
                "to": connection.target,
                "port": connection.port,
                "protocol": connection.protocol,
                "via": connection.via,
                "expected": str(word),
                "before": _before(trial, connection),
                "observed": str(result.settled.seen[connection].outcome),
                "after": str(trial.after.seen[connection].outcome) if trial.after else None,
                "detail": result.settled.seen[connection].detail,
            }
            for connection, word in result.step.expected.items()
        ],
    }


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _slowest(times: Sequence[int | None]) -> int | None:
    """The longest step's time, or None where any step never converged."""
    known = [t for t in times if t is not None]
    return max(known) if known and len(known) == len(times) else None
