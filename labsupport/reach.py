"""Reachability as people look at it: what was expected of each connection, and what it did.

Works on the entries of a report's `cases`, and on cases that nobody has run yet.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labsupport.cases import Case
from labsupport.fragments import Fragment, badge, paragraph, table
from labsupport.matrix import LOOKS, Look
from labsupport.verdict import Verdict


@dataclass(frozen=True)
class Arrow:
    """One connection of a step.

    Attributes:
        source: a pod as `namespace/name`.
        target: the same, with what it is reached by and the port: `shop/api:8080`.
        expected: `allowed`, `denied`, or empty where the specification leaves it open.
        before: what became of it without the policy; empty where nobody has tried.
        observed: what became of it under the policy; empty where nobody has tried.
    """

    source: str
    target: str
    expected: str
    before: str = ""
    observed: str = ""

    @property
    def look(self) -> Look:
        """How it is shown: as enforced, as not enforced, or as what cannot be told."""
        if not self.observed:
            return LOOKS[Verdict.NOT_RUN]
        if self.before not in ("", "allowed") or self.observed not in ("allowed", "timeout"):
            return LOOKS[Verdict.INCONCLUSIVE]
        if (self.expected, self.observed) == ("denied", "allowed"):
            return LOOKS[Verdict.NOT_ENFORCED]
        if (self.expected, self.observed) == ("allowed", "timeout"):
            return LOOKS[Verdict.PARTLY]
        return LOOKS[Verdict.ENFORCED]

    @property
    def words(self) -> str:
        """The same in words: `denied, timed out`."""
        seen = {"allowed": "worked", "timeout": "timed out"}.get(self.observed, self.observed)
        return ", ".join(word for word in (self.expected or "open", seen) if word)


def arrows(what: Case | Mapping[str, Any], step: int = -1) -> list[Arrow]:
    """The connections of one step of a case or of a report's entry on it.

    Args:
        what: either of them.
        step: which, from 0; the last where none is given.
    """
    if isinstance(what, Case):
        chosen = what.steps[step]
        return [Arrow(c.source, _target(str(c)), str(e)) for c, e in chosen.expected.items()]
    if not what["steps"]:
        return []
    return [
        Arrow(
            c["from"],
            target_of(c),
            c["expected"] or "",
            c["before"] or "",
            c["observed"] or "",
        )
        for c in what["steps"][step]["connections"]
    ]


def grid(what: Case | Mapping[str, Any], step: int = -1, caption: str = "") -> Fragment:
    """A grid: who opens a connection down, to whom across, what was due and done in the cells."""
    found = arrows(what, step)
    by_place = {(one.source, one.target): one for one in found}
    sources = list(dict.fromkeys(one.source for one in found))
    targets = sorted({one.target for one in found})
    rows = [[source, *(_cell(by_place.get((source, t))) for t in targets)] for source in sources]
    return table(rows, ["from \\ to", *targets], caption)


def target_of(connection: Mapping[str, Any]) -> str:
    """What a connection of a report goes to, as a case file writes it."""
    port = "ping" if connection["protocol"] == "ICMP" else connection["port"]
    protocol = "" if connection["protocol"] in ("TCP", "ICMP") else f"/{connection['protocol']}"
    via = "" if connection["via"] == "pod" else f" by {connection['via']}"
    return f"{connection['to']}:{port}{protocol}{via}"


def _target(written: str) -> str:
    return written.split(" -> ", 1)[1]


def _cell(arrow: Arrow | None) -> Fragment:
    return Fragment("", "") if arrow is None else badge(arrow.look, arrow.words)


def sentence(found: Sequence[Arrow]) -> str:
    """What connections came to, in words: before the policy and under it."""
    before = sum(one.before == "allowed" for one in found)
    under = sum(one.observed == "allowed" for one in found)
    denied = [one for one in found if one.expected == "denied"]
    passed = sum(one.observed == "allowed" for one in denied)
    return (
        f"Before the policy {before} of {len(found)} connections worked, with it {under}; "
        f"of the {len(denied)} that it denies, {passed} still worked."
    )


def evidence(entry: Mapping[str, Any]) -> Fragment:
    """Every connection of every step: before the policy, under it and after its removal."""
    if not entry["steps"]:
        return paragraph(entry["reason"])
    shown = [_step(entry, number) for number in range(len(entry["steps"]))]
    answers = entry.get("answers", [])
    if answers:
        rows = [[a["question"], a["connection"], a["observed"], a["answer"]] for a in answers]
        shown.append(table(rows, ["asked", "connection", "packets", "that is"]))
    return functools.reduce(Fragment.__add__, shown)


def _step(entry: Mapping[str, Any], number: int) -> Fragment:
    step = entry["steps"][number]
    rows = [
        [
            f"{c['from']} -> {target_of(c)}",
            c["expected"] or "open",
            c["before"] or "not tried",
            badge(arrow.look, c["observed"] or "not tried"),
            c["after"] or "not tried",
        ]
        for c, arrow in zip(step["connections"], arrows(entry, number), strict=True)
    ]
    name = step["name"] if len(entry["steps"]) == 1 else f"Step {number + 1}: {step['name']}"
    head = ["connection", "expected", "before", "under the policy", "after"]
    return table(rows, head, name)
