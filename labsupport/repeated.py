"""Cases that were run several times: what they agree on, and that one flickers.

The packets of a case whose runs disagree are all kept: a verdict that comes and goes is a
finding about the CNI, or about the measurement, and never the better of two results.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from labsupport.verdict import Verdict

Entry = Mapping[str, Any]

_KEPT = ("verdict", "reason", "startedAt", "seconds", "attempts", "convergeMs", "answers")


def merge(runs: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """One entry a case out of several runs of the same cases, in their order.

    Args:
        runs: the entries of each run, as `runner.run` returns them.

    Returns:
        For a single run its entries. For several, the first run's entries with all runs in
        `runs`; where verdicts or answers differ, the verdict is `unstable` and the steps are
        those of every run.
    """
    if len(runs) == 1:
        return list(runs[0])
    return [_merged(entries) for entries in zip(*runs, strict=True)]


def _merged(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    whole = {**entries[0], "runs": [{name: one[name] for name in _KEPT} for one in entries]}
    if len({_said(one) for one in entries}) == 1:
        return whole
    return {
        **whole,
        "verdict": str(Verdict.UNSTABLE),
        "reason": _reason(entries),
        "answers": [],
        "attempts": sum(one["attempts"] for one in entries),
        "convergeMs": None,
        "seconds": round(sum(one["seconds"] for one in entries), 1),
        "steps": [
            {**step, "name": f"Run {number}: {step['name']}"}
            for number, one in enumerate(entries, 1)
            for step in one["steps"]
        ],
    }


def _said(entry: Entry) -> tuple[str, ...]:
    """What must be the same in every run: the verdict and the answers."""
    answers = (f"{one['connection']} {one['answer']}" for one in entry["answers"])
    return (entry["verdict"], *answers)


def _reason(entries: Sequence[Entry]) -> str:
    counts = Counter(one["verdict"] for one in entries)
    if len(counts) == 1:
        return f"{len(entries)} runs gave different answers; the evidence has each."
    parts = [f"{count} {verdict}" for verdict, count in counts.items()]
    return f"Of {len(entries)} runs, {' and '.join(parts)}; the evidence has each."
