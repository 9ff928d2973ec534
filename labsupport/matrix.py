"""The matrix: reports side by side, as a table, a page, Markdown, CSV and a picture.

Nothing is judged here. Every cell is a verdict that a report holds, every output begins
with how it came about, and the same reports always give the same bytes.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from labsupport import report
from labsupport.errors import WrongUse
from labsupport.report import Report
from labsupport.verdict import Verdict

if TYPE_CHECKING:  # what costs most of a second to import is imported where it is used
    import pandas as pd
    from rich.console import RenderableType

TITLE = "NetworkPolicy enforcement, measured by packets"

Mode = Literal["live", "recorded"]


@dataclass(frozen=True)
class Look:
    """How a verdict is shown, everywhere: a sign, a colour, and what it means.

    The word is the verdict itself. The colours are Okabe and Ito's, which people with any
    form of colour blindness tell apart (https://jfly.uni-koeln.de/color/); `ink` is the
    colour of the sign on them.
    """

    sign: str
    colour: str
    ink: str
    meaning: str

    @property
    def tint(self) -> str:
        """The colour thinned with white, to write on."""
        return self.shade(0)

    def shade(self, variant: int) -> str:
        """One of three such tints, for answers that differ and are not judged."""
        strength = (0.14, 0.5, 0.8)[min(variant, 2)]
        parts = (int(self.colour[n : n + 2], 16) for n in (1, 3, 5))
        return "#" + "".join(f"{round(255 - (255 - part) * strength):02X}" for part in parts)


LOOKS: Mapping[Verdict, Look] = {
    Verdict.ENFORCED: Look(
        "✓", "#009E73", "#FFFFFF",
        "With the policy, what it denies timed out and what it allows worked. "
        "Before it and after its removal, all of it worked.",
    ),
    Verdict.NOT_ENFORCED: Look(
        "✗", "#D55E00", "#FFFFFF",
        "The API server accepted the policy, and everything it denies still worked.",
    ),
    Verdict.PARTLY: Look(
        "◐", "#E69F00", "#000000",
        "Some of what the policy denies still worked, or something it allows did not.",
    ),
    Verdict.INCONCLUSIVE: Look(
        "?", "#0072B2", "#FFFFFF",
        "A control failed, so the packets show nothing; the evidence says why.",
    ),
    Verdict.NOT_RUN: Look(
        "\N{EN DASH}", "#999999", "#000000",
        "Its policy was not applied, so nothing was measured.",
    ),
    Verdict.OBSERVED: Look(
        "○", "#56B4E9", "#000000",
        "The specification leaves it open; the policy was in force, and this is what packets did.",
    ),
    Verdict.UNSTABLE: Look(
        "≈", "#CC79A7", "#000000",
        "Several runs of the case on one cluster disagree; the evidence has each.",
    ),
}  # fmt: skip


def build(reports: Iterable[Report], mode: Mode) -> "Matrix":
    """Put reports side by side, in the order of the profiles.

    Args:
        reports: at most one a profile. A case that a report lacks is shown as not run.
        mode: whether they were measured just now or come with the lab.

    Raises:
        WrongUse: there are none, two are of one profile, or two mean different policies by
            one case's name; the message names both.
    """
    ordered = report.in_profile_order(reports)
    if not ordered:
        raise WrongUse("There is no report to make a matrix of; `./lab run --live` makes some.")
    seen: dict[object, Report] = {}
    asked: dict[str, tuple[str, Report]] = {}
    for one in ordered:
        other = seen.setdefault(one["implementation"]["profile"], one)
        if other is not one:
            raise WrongUse(f"{_name(other)} and {_name(one)} are of one profile; choose one.")
        for case in one["cases"]:
            policy, other = asked.setdefault(case["id"], (case["policySha256"], one))
            if policy != case["policySha256"]:
                raise WrongUse(
                    f"Case {case['id']!r} applies different policies in {_name(other)} and "
                    f"{_name(one)}, so they cannot share a row; run both again."
                )
    return Matrix(mode, tuple(ordered))


def _name(one: Report) -> str:
    """A report as a message names it."""
    profile, run = one["implementation"]["profile"], one["run"]
    return f"the report on {profile} of {minute(run['startedAt'])} (run {run['id']})"


@dataclass(frozen=True)
class Matrix:
    """Cases down, profiles across, a verdict in each cell. Made by `build`."""

    mode: Mode
    reports: tuple[Report, ...]

    @cached_property
    def cases(self) -> dict[str, dict[str, Any]]:
        """Each case once by its id, in the order of the fullest report."""
        by_length = sorted(self.reports, key=lambda one: -len(one["cases"]))
        found: dict[str, dict[str, Any]] = {}
        for one in by_length:
            for case in one["cases"]:
                found.setdefault(case["id"], case)
        return found

    @cached_property
    def measured(self) -> dict[str, dict[str, Verdict]]:
        """The verdict of each profile on each case, by their ids."""
        cells = {}
        for one in self.reports:
            verdicts = {case["id"]: Verdict(case["verdict"]) for case in one["cases"]}
            profile = one["implementation"]["profile"]
            cells[profile] = {case: verdicts.get(case, Verdict.NOT_RUN) for case in self.cases}
        return cells

    @cached_property
    def answers(self) -> dict[str, dict[str, dict[str, str]]]:
        """What each profile's packets answered, by profile, case and question."""
        return {
            one["implementation"]["profile"]: {name: {} for name in self.cases}
            | {case["id"]: _answers(case) for case in one["cases"]}
            for one in self.reports
        }

    @property
    def titles(self) -> dict[str, str]:
        """Each profile's title by its name."""
        return {
            one["implementation"]["profile"]: one["implementation"]["title"] for one in self.reports
        }

    def rows(self) -> list[tuple[dict[str, Any], list[Verdict]]]:
        """Each case with its verdicts, in the order of the profiles."""
        return [
            (case, [cells[name] for cells in self.measured.values()])
            for name, case in self.cases.items()
        ]

    def headline(self) -> str:
        """Whether this was measured now; if not, when and on what it was."""
        ends = [one["run"]["finishedAt"] for one in self.reports]
        if self.mode == "live":
            return f"Live: measured on this machine on {minute(max(ends))}"
        days = sorted({end[:10] for end in ends})
        when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
        return (
            f"Recorded: measured {when} on Linux {self._all(_kernel)}, "
            f"kind {self._all(lambda one: one['environment']['kind'] or 'not used')}, "
            f"Kubernetes {self._all(lambda one: one['environment']['kubernetes'])}, "
            f"{self._all(commit)}; no packet was sent just now"
        )

    def _all(self, what: Callable[[Report], str]) -> str:
        """What the reports have in common, or everything they say."""
        return " and ".join(dict.fromkeys(map(what, self.reports)))

    def frame(self) -> "pd.DataFrame":
        """A pandas table of verdicts: a row a case, a column a profile, by title."""
        import pandas as pd

        return pd.DataFrame(
            [[str(verdict) for verdict in verdicts] for _, verdicts in self.rows()],
            index=pd.Index([case["title"] for case, _ in self.rows()], name="case"),
            columns=pd.Index(list(self.titles.values()), name="profile"),
        )

    def table(self) -> "RenderableType":
        """Tables for the terminal."""
        from labsupport import terminal

        return terminal.draw(self)

    def to_json(self) -> dict[str, Any]:
        """The verdicts and the answers, for programs."""
        answers = {
            profile: {case: told for case, told in cases.items() if told}
            for profile, cases in self.answers.items()
        }
        return {"mode": self.mode, "measured": self.measured, "answers": answers}

    def to_markdown(self) -> str:
        """The counts, the verdicts, the silent failure and where the figures come from."""
        from labsupport import plain

        return plain.markdown(self)

    def to_csv(self) -> str:
        """A row a case or question, for spreadsheets."""
        from labsupport import plain

        return plain.csv(self)

    def to_html(self) -> str:
        """A page that stands alone: the verdicts, their evidence and where it comes from."""
        from labsupport import page

        return page.html(self)

    def to_picture(self, path: Path) -> None:
        """A PNG of the verdicts, to be read on a slide and in a README.

        Raises:
            MachineCannot: the file cannot be written.
        """
        from labsupport import picture

        report.write_file(path, picture.draw(self))

    def write(self, folder: Path) -> list[Path]:
        """Write `matrix.html`, `.md`, `.csv` and `.png`, each whole or not at all.

        Raises:
            MachineCannot: a file cannot be written.
        """
        texts = {"html": self.to_html, "md": self.to_markdown, "csv": self.to_csv}
        for kind, text in texts.items():
            # Half a surrogate pair, which JSON can hold and UTF-8 cannot, becomes "?".
            report.write_file(folder / f"matrix.{kind}", text().encode("utf-8", "replace"))
        self.to_picture(folder / "matrix.png")
        return [folder / f"matrix.{kind}" for kind in (*texts, "png")]


def _answers(case: dict[str, Any]) -> dict[str, str]:
    """A case's answers by question; by connection too where one question is asked of several."""
    told = case.get("answers", [])
    often = Counter(one["question"] for one in told)
    return {
        one["question"]
        if often[one["question"]] == 1
        else f"{one['question']} ({one['connection']})": one["answer"]
        for one in told
    }


def _kernel(one: Report) -> str:
    """The kernel's release without what its builder added: `6.18`."""
    release = str(one["environment"]["kernel"] or "of a kernel not known")
    match = re.search(r"\d+\.\d+", release)
    return match.group() if match else release


def commit(one: Report) -> str:
    """The lab's commit that made a report, in words."""
    lab = one["run"]["lab"]
    changed = " with changes" if lab["dirty"] else ""
    return f"commit {lab['commit'][:7]}{changed}" if lab["commit"] else "commit unknown"


def minute(time: str) -> str:
    """`2026-11-23T19:40:12Z` as people write it, to the minute."""
    return f"{time[:10]} {time[11:16]} UTC"


def sign(verdict: str) -> str:
    """A verdict's sign and word: `✓ enforced`."""
    return f"{LOOKS[Verdict(verdict)].sign} {verdict}"
