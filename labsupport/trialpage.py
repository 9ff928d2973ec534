"""The trial in words: a table for the terminal, and a page in Markdown."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import shorten

from rich.console import Group
from rich.text import Text

from labsupport import snippets
from labsupport.claims import Finding
from labsupport.plain import escape, grid
from labsupport.ruling import Evidence, Ruling
from labsupport.snippets import Snippet
from labsupport.trial import LOOKS, Trial

TITLE = "The document on trial"

_KUBECTLS_OWN = ("Unable to use a TTY", "command terminated with exit code")
"""What kubectl says of itself beside a program's words."""


def table(trial: Trial) -> Group:
    """The document sentence by sentence, for the terminal."""
    lines: list[Text] = []
    for quote, rulings in groupby(trial.rulings, key=lambda one: one.claim.quote):
        lines += [Text(""), Text(" ".join(quote.split()), style="bold")]
        for one in rulings:
            lines.append(Text(f"  {sign(one.finding)}", style=LOOKS[one.finding].colour))
            lines[-1].append(f"  {label(one)}", style="dim")
            if one.claim.claim != quote:
                lines.append(Text(f"    {one.claim.claim}"))
            lines.append(Text(f"    {one.reason}", style="dim"))
            if one.say:
                lines.append(Text(f"    Say instead: {one.say}"))
    return Group(*lines, Text(""), Text(counts(trial)))


def counts(trial: Trial) -> str:
    """How many claims ended how: `12 ✓ holds, 9 ◐ holds with a condition`."""
    found = trial.counts
    told = [f"{found[f]} {sign(f)}" for f in Finding if found[f]]
    return f"{len(trial.rulings)} claims: {', '.join(told)}."


def sign(finding: Finding) -> str:
    """A finding's sign and word."""
    return f"{LOOKS[finding].sign} {finding}"


def label(one: Ruling) -> str:
    """What a ruling rests on, in a word that is never left out."""
    return {"measured": "measured", "documented": "documented, not measured", "open": "open"}[
        one.basis
    ]


def evidence(one: Evidence) -> str:
    """One piece of evidence, in words."""
    found = one.found or "not measured"
    said = [line for line in one.detail.splitlines() if not line.startswith(_KUBECTLS_OWN)]
    line = shorten(" ".join(said), 200, placeholder=" …")
    told = f" ({line})" if line and line.lower() not in (found, f"{found}.") else ""
    return f"{one.condition.what} on {one.condition.profile}: {found}{told}"


def markdown(trial: Trial) -> str:
    """The page: the counts, the document sentence by sentence, and its snippets."""
    parts = [
        f"# {TITLE}",
        "The document that this lab grew from, held against what packets did. A verdict that is "
        "measured is computed from the cells and commands named beside it; one that is "
        "documented rests on the source beside it, and no packet was sent for it.",
        origin(trial),
        counts(trial),
        "\n".join(f"- {escape(sign(f))}: {escape(look.meaning)}" for f, look in LOOKS.items()),
        "## Sentence by sentence",
        *_sentences(trial),
        "## The snippets, run as they are printed",
        "Kept: what a command printed is used in a later one, as `$(node)`. Not run: the snippet "
        "is for other CNIs.",
        *_snippets(trial),
    ]
    return "\n\n".join(parts) + "\n"


def origin(trial: Trial) -> str:
    """Where the outcomes of the snippets come from, in a line."""
    made = [
        f"{one['title']} {one['version']} on {one['run']['startedAt'][:10]}"
        for one in trial.records
    ]
    return f"Snippets were run on {', '.join(made)}." if made else "No snippet was run."


def _sentences(trial: Trial) -> Iterator[str]:
    for quote, rulings in groupby(trial.rulings, key=lambda one: one.claim.quote):
        yield f"> {escape(quote)}"
        yield "\n".join(_line(one) for one in rulings)


def _line(one: Ruling) -> str:
    parts = [f"- **{escape(sign(one.finding))}** ({label(one)})"]
    if one.claim.claim != one.claim.quote:
        parts.append(f": {escape(one.claim.claim)}")
    lines = ["".join(parts)]
    found = [evidence(piece) for piece in one.evidence] or [one.reason]
    lines += [f"  - {escape(text)}" for text in found if one.basis != "documented"]
    lines += [
        f"  - {escape(fact.text)} [Source]({fact.source}), read {fact.read}."
        for fact in one.claim.facts
    ]
    lines += [f"  - Say instead: {escape(one.say)}"] if one.say else []
    return "\n".join(lines)


def _snippets(trial: Trial) -> Iterator[str]:
    for snippet in snippets.load().values():
        yield f"### {escape(snippet.title)}"
        yield f"```\n{snippet.printed.rstrip()}\n```"
        if snippet.not_run:
            yield f"not run: {escape(snippet.not_run)}"
        if snippet.replaced:
            rows = [[one.printed, one.used, one.why] for one in snippet.replaced]
            yield grid(["printed", "used here", "why"], rows)
        if snippet.steps:
            titles = [one["title"] for one in trial.records]
            steps = [f"{snippet.id}/{step.id}" for step in snippet.steps]
            rows = [[s, *row] for s, row in zip(steps, rows_of(trial, snippet), strict=True)]
            yield grid(["step", "command", "the document says", *titles], rows)


def rows_of(trial: Trial, snippet: Snippet) -> list[list[str]]:
    """A snippet's steps: the command, what the document promises, what became of it."""
    titles = [one["title"] for one in trial.records]
    return [
        [step.run, step.says or "", *_outcomes(trial, snippet.id, step.id, titles)]
        for step in snippet.steps
    ]


def _outcomes(trial: Trial, snippet: str, step: str, titles: Sequence[str]) -> list[str]:
    found = trial.outcomes(snippet, step)
    return [found.get(title, "not run") for title in titles]
