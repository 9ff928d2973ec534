"""The matrix as a notebook shows it: rows that can be filtered, cells that open their evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labsupport import documented as systems
from labsupport import fragments
from labsupport.fragments import Fragment, closed, words
from labsupport.matrix import Matrix
from labsupport.reach import target_of
from labsupport.verdict import Verdict


@dataclass(frozen=True)
class Row:
    """One case on all profiles: entries by profile, without those that did not run it."""

    id: str
    group: str
    title: str
    verdicts: Mapping[str, Verdict]
    entries: Mapping[str, Mapping[str, Any]]

    @property
    def differs(self) -> bool:
        """Whether the profiles that ran it do not agree, in verdict or in what was observed."""
        seen = {
            (verdict, *(answer["answer"] for answer in self.entries[name].get("answers", [])))
            for name, verdict in self.verdicts.items()
            if verdict is not Verdict.NOT_RUN
        }
        return len(seen) > 1


def rows(matrix: Matrix) -> list[Row]:
    """The matrix row by row, in its order."""
    entries = {
        one["implementation"]["profile"]: {case["id"]: case for case in one["cases"]}
        for one in matrix.reports
    }
    return [
        Row(
            case["id"],
            case["group"],
            case["title"],
            dict(zip(matrix.measured, verdicts, strict=True)),
            {name: cases[case["id"]] for name, cases in entries.items() if case["id"] in cases},
        )
        for case, verdicts in matrix.rows()
    ]


def choose(
    found: Sequence[Row],
    text: str = "",
    group: str = "",
    verdict: str = "",
    differing: bool = False,
) -> list[Row]:
    """The rows that meet every condition given; each that is empty is met by all.

    Args:
        found: the rows.
        text: words that the case's title or id holds, in any order.
        group: the case's group.
        verdict: a verdict that at least one profile has.
        differing: whether the profiles have to disagree.
    """
    return [
        row
        for row in found
        if all(word in f"{row.title} {row.id}".lower() for word in text.lower().split())
        and group in ("", row.group)
        and (not verdict or verdict in row.verdicts.values())
        and (row.differs or not differing)
    ]


def of(matrix: Matrix, shown: Sequence[Row], evidence: bool = True) -> Fragment:
    """Rows as a table, with where the figures come from above it.

    Args:
        matrix: whose profiles and whose headline.
        shown: which rows.
        evidence: whether each cell opens its evidence, and each row its policies.
    """
    body = [
        [
            _case(row, matrix) if evidence else row.title,
            *(_cell(row, name) if evidence else row.verdicts[name] for name in matrix.titles),
        ]
        for row in shown
    ]
    return fragments.table(body, ["case", *matrix.titles.values()], matrix.headline())


def documented() -> Fragment:
    """What other systems' documentation says of policies; nothing in it was measured."""
    rows = [
        [system.name, _facts(system.standard), _facts(system.extended), _facts(system.notes)]
        for system in systems.load()
    ]
    head = ["documented, not measured", "NetworkPolicy", "policies beyond it", "limits"]
    return fragments.table(rows, head, systems.TITLE)


def _facts(facts: Sequence[systems.Fact]) -> Fragment:
    """Statements in a column, each a link to where it is documented."""
    lines = [f'<a href="{words(f.source).html}">{words(f.text).html}</a>' for f in facts]
    return Fragment("<br>".join(lines), " ".join(f.text for f in facts))


def _case(row: Row, matrix: Matrix) -> Fragment:
    """A case's title that opens its policies."""
    inside = fragments.policy(matrix.cases[row.id]["policies"])
    return Fragment(closed(words(row.title), inside).html, row.title)


def _cell(row: Row, profile: str) -> Fragment:
    """A verdict that opens why: the reason, and each connection in a line."""
    sign = fragments.verdict(row.verdicts[profile])
    entry = row.entries.get(profile)
    if entry is None:
        return sign
    lines = [entry["reason"], *_connections(entry)]
    inside = Fragment("<br>".join(words(line).html for line in lines), "\n".join(lines))
    return Fragment(closed(sign, inside).html, sign.text)


def _connections(entry: Mapping[str, Any]) -> list[str]:
    """Each connection of each step in a line, with what became of it at the three moments."""
    several = len(entry["steps"]) > 1
    return [
        f"{f'step {n}: ' if several else ''}{c['from']} -> {target_of(c)}: "
        f"{c['expected'] or 'open'}; "
        + ", ".join(str(c[moment]) for moment in ("before", "observed", "after") if c[moment])
        for n, step in enumerate(entry["steps"], 1)
        for c in step["connections"]
    ]
