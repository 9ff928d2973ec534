"""The document on trial: its snippets run, its claims judged, sentence by sentence.

    ./lab trial                    # the recorded trial
    ./lab trial --live calico      # run the snippets now
    ./lab trial --live --record    # run them on every cluster, and keep what became of them

A record of the snippets is a plain dict in the shape of `schemas/trial.schema.json`. Claims
are judged anew each time, from the reports and the records (`ruling`).
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labsupport import checked, claims, paths, report, versions
from labsupport.claims import Finding
from labsupport.errors import WrongUse
from labsupport.matrix import Look
from labsupport.report import Report
from labsupport.ruling import Court, Record, Ruling

FOLDER = paths.RECORDINGS / "trial"

LOOKS: Mapping[Finding, Look] = {
    Finding.HOLDS: Look("✓", "#009E73", "#FFFFFF", "As the document says."),
    Finding.CONDITION: Look("◐", "#E69F00", "#000000", "True, if what it leaves out is added."),
    Finding.WRONG: Look("✗", "#D55E00", "#FFFFFF", "The evidence says otherwise."),
    Finding.OUTDATED: Look("†", "#CC79A7", "#000000", "It was true once."),
    Finding.NOT_TESTABLE: Look(
        "\N{EN DASH}", "#999999", "#000000", "Nothing here decides it; the reason is given."
    ),
}


@dataclass(frozen=True)
class Trial:
    """Every claim with its ruling, in the document's order, and the records of its snippets."""

    rulings: tuple[Ruling, ...]
    records: tuple[Record, ...]

    @property
    def counts(self) -> Counter[Finding]:
        """How many claims ended in each finding."""
        return Counter(one.finding for one in self.rulings)

    def ruling(self, claim: str) -> Ruling:
        """The ruling on a claim.

        Raises:
            WrongUse: there is no claim of this id; the message names those there are.
        """
        for one in self.rulings:
            if one.claim.id == claim:
                return one
        known = ", ".join(one.claim.id for one in self.rulings)
        raise WrongUse(f"There is no claim {claim!r}; there are {known}.")

    def outcomes(self, snippet: str, step: str) -> dict[str, str]:
        """What became of one step, by the profiles' titles, where it was run."""
        return {
            record["title"]: ran["outcome"]
            for record in self.records
            for one in record["snippets"]
            if one["id"] == snippet
            for ran in one["steps"]
            if ran["id"] == step
        }

    def to_json(self) -> dict[str, Any]:
        """The rulings, for programs."""
        return {
            "counts": {str(finding): self.counts[finding] for finding in Finding},
            "claims": [_plain(one) for one in self.rulings],
        }


def hold(reports: Iterable[Report], records: Sequence[Record]) -> Trial:
    """Judge every claim of the document.

    Args:
        reports: what the cases measured.
        records: what became of the snippets; at most one a profile.
    """
    court = Court.of(reports, records)
    return Trial(tuple(court.rule(claim) for claim in claims.load().claims), tuple(records))


def read(path: Path) -> dict[str, Any]:
    """Read a record and check it.

    Raises:
        WrongUse: it cannot be read, or is no record; the message names the file.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WrongUse(f"{path}: is no record of the trial: {error}.") from None
    checked.check(found, "trial", str(path))
    return found


def recordings(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """The records that ship with the lab, in the profiles' order."""
    files = [folder / f"{profile.name}.json" for profile in versions.profiles()]
    return [read(path) for path in files if path.exists()]


def record(made: Mapping[str, Any], folder: Path = FOLDER) -> Path:
    """Keep a record as the one that ships with the lab, and return its file."""
    path = folder / f"{made['profile']}.json"
    checked.check(made, "trial", f"the record for {path}")
    text = json.dumps(made, indent=2, sort_keys=True, ensure_ascii=False)
    report.write_file(path, f"{text}\n".encode())
    return path


def _plain(one: Ruling) -> dict[str, Any]:
    return {
        "id": one.claim.id,
        "quote": one.claim.quote,
        "claim": one.claim.claim,
        "verdict": str(one.finding),
        "restsOn": one.basis,
        "reason": one.reason,
        "sayInstead": one.say,
        "sources": [fact.source for fact in one.claim.facts],
    }
