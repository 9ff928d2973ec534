"""The trial in a notebook: claims to guess, snippets beside what became of them, the rulings."""

from collections.abc import Sequence
from typing import Any

from labsupport import fragments, guess, snippets, trial, trialpage, versions
from labsupport.claims import Finding
from labsupport.fragments import Fragment, table, words
from labsupport.guess import Guess, Question
from labsupport.ruling import Record, Ruling
from labsupport.trial import LOOKS, Trial


def ask(held: Trial, claims: Sequence[str]) -> Guess:
    """Show claims to be judged by the learner first."""
    return guess.ask([_question(held.ruling(one)) for one in claims], ["rests on", "say instead"])


def counts(held: Trial) -> str:
    """How many claims ended how, in a sentence."""
    return trialpage.counts(held)


def rulings(held: Trial, claims: Sequence[str] = ()) -> Fragment:
    """The rulings on claims, or on all, with what they rest on."""
    chosen = [held.ruling(one) for one in claims] if claims else held.rulings
    rows = [[one.claim.claim, _finding(one), trialpage.label(one), one.say] for one in chosen]
    return table(rows, ["the document says", "verdict", "rests on", "say instead"])


def evidence(held: Trial, claim: str) -> Fragment:
    """What one ruling rests on, piece by piece, and what documentation says."""
    one = held.ruling(claim)
    rows = [
        [f"{piece.condition.what} on {piece.condition.profile}", piece.found or "not measured"]
        for piece in one.evidence
    ]
    rows += [[fact.text, f"{fact.source}, read {fact.read}"] for fact in one.claim.facts]
    return table(rows or [[one.reason, ""]], ["evidence", "found"], one.claim.claim)


def printed(name: str) -> Fragment:
    """A snippet as the document prints it."""
    text = snippets.load()[name].printed.rstrip()
    escaped = words(text)
    return Fragment(f'<pre style="text-align:left">{escaped.html}</pre>', escaped.text)


def outcomes(held: Trial, name: str) -> Fragment:
    """A snippet's commands, what the document promises, and what became of them."""
    titles = [one["title"] for one in held.records]
    rows = trialpage.rows_of(held, snippets.load()[name])
    head = ["command", "the document says", *titles]
    used = [i for i in range(len(head)) if i < 2 or any(row[i] != "not run" for row in rows)]
    return table([[row[i] for i in used] for row in rows], [head[i] for i in used])


def replaced(name: str) -> Fragment:
    """What a lab cannot have, and what stands in its place."""
    rows = [[one.printed, one.used, one.why] for one in snippets.load()[name].replaced]
    return table(rows, ["printed", "used here", "why"])


def answer(held: Trial, name: str, step: str, profile: str) -> Fragment:
    """A command and what was printed, as a terminal shows it."""
    ran = _step(held.records, name, step, profile)
    told = words(f"$ {ran['command']}\n{ran['output']}")
    return Fragment(f'<pre style="text-align:left">{told.html}</pre>', told.text)


def fresh(profile: str, names: Sequence[str], live: bool) -> list[Record]:
    """The records of the snippets; live, one profile's with some snippets run now."""
    records: list[Record] = list(trial.recordings())
    if not live:
        return records
    from labsupport import trialrun

    made = trialrun.run(versions.profile(profile), lambda _sentence: None, names)
    return [_renewed(one, made) if one["profile"] == profile else one for one in records]


def _renewed(old: Record, new: Record) -> Record:
    ran = {one["id"]: one for one in new["snippets"]}
    return {**old, "snippets": [ran.get(one["id"], one) for one in old["snippets"]]}


def _step(records: Sequence[Record], name: str, step: str, profile: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        ran
        for record in records
        if record["profile"] == profile
        for one in record["snippets"]
        if one["id"] == name
        for ran in one["steps"]
        if ran["id"] == step
    )
    return found


def _question(one: Ruling) -> Question:
    options = [str(finding) for finding in Finding]
    return Question(one.claim.claim, options, str(one.finding), [trialpage.label(one), one.say])


def _finding(one: Ruling) -> Fragment:
    return fragments.badge(LOOKS[one.finding], str(one.finding))
