"""What a case's packets say about enforcement. Pure: observations in, a verdict out.

Nothing here knows which CNI was measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from labsupport.outcome import Outcome


class Verdict(StrEnum):
    """What a case can say about a cluster.

    `observed` is for what the specification leaves open: the control was in force, and the
    answer is what the packets did. `unstable` is for a case whose runs disagree.
    """

    ENFORCED = "enforced"
    NOT_ENFORCED = "not enforced"
    PARTLY = "partly enforced"
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not run"
    OBSERVED = "observed"
    UNSTABLE = "unstable"


class Expected(StrEnum):
    """What the specification says should happen to a connection under the policy."""

    ALLOWED = "allowed"
    DENIED = "denied"


HOPED_FOR = {Expected.ALLOWED: Outcome.ALLOWED, Expected.DENIED: Outcome.TIMEOUT}
"""What becomes of a connection where the policy is enforced: a denied packet is dropped."""


@dataclass(frozen=True)
class Evidence:
    """One connection: without the policy, with it, and after its removal.

    `before` is None for a pod that starts under the policy.
    """

    connection: str
    expected: Expected
    before: Outcome | None
    during: Outcome
    after: Outcome


@dataclass(frozen=True)
class Judgement:
    """A verdict and the sentence that justifies it."""

    verdict: Verdict
    reason: str


def judge(evidence: Sequence[Evidence]) -> Judgement:
    """Decide what the evidence of one case shows.

    A verdict needs its controls. `enforced` means that every connection worked before
    the policy and again after it, that each denied one timed out while it was there and
    each allowed one kept working. Whatever breaks a control, or is neither an answer nor a
    timeout, makes the case inconclusive: a probe that could not run never counts as
    blocked, and a refusal is an answer from something, not a dropped packet.
    """
    doubt = _doubt(evidence)
    if doubt:
        return Judgement(Verdict.INCONCLUSIVE, doubt)
    denied = [e for e in evidence if e.expected is Expected.DENIED]
    allowed = [e for e in evidence if e.expected is Expected.ALLOWED]
    passed = [e for e in denied if e.during is Outcome.ALLOWED]
    cut = [e for e in allowed if e.during is not Outcome.ALLOWED]
    if not passed and not cut:
        return Judgement(
            Verdict.ENFORCED,
            f"{_count(denied, 'denied')} timed out, {_count(allowed, 'allowed')} worked.",
        )
    if len(passed) == len(denied) and not cut:
        return Judgement(Verdict.NOT_ENFORCED, f"{_count(denied, 'denied')} still worked.")
    faults = []
    if passed:
        faults.append(f"{len(passed)} of {_count(denied, 'denied')} still worked")
    if cut:
        faults.append(f"{len(cut)} of {_count(allowed, 'allowed')} did not work")
    example = (passed or cut)[0].connection
    return Judgement(Verdict.PARTLY, f"{' and '.join(faults)}, such as {example}.")


def _doubt(evidence: Sequence[Evidence]) -> str | None:
    """Why the evidence proves nothing, or None."""
    if not any(e.expected is Expected.DENIED for e in evidence):
        return "No connection was expected to be denied, so nothing could be shown."
    for e in evidence:
        moments = {"before the policy": e.before, "with it": e.during, "after it": e.after}
        for moment, outcome in moments.items():
            if outcome is Outcome.PROBE_FAILED:
                return f"The probe itself failed {moment}: {e.connection}."
        if e.before not in (Outcome.ALLOWED, None):
            return f"The connection did not work before the policy ({e.before}): {e.connection}."
        if e.after is not Outcome.ALLOWED:
            return f"The connection did not work after the policy ({e.after}): {e.connection}."
        if e.expected is Expected.DENIED and e.during not in (Outcome.ALLOWED, Outcome.TIMEOUT):
            return f"Instead of a timeout, the denied connection met {e.during}: {e.connection}."
    return None


def _count(evidence: Sequence[Evidence], kind: str) -> str:
    plural = "" if len(evidence) == 1 else "s"
    return f"{len(evidence)} {kind} connection{plural}"
