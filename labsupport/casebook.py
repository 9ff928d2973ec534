"""What notebook 10 shows: clusters verified, and outages from their symptom to their cause.

casebook.guess_verdicts({"first": verification, …})  # enforced or not, guessed first
casebook.verdicts({"first": verification, …})        # what packets showed
casebook.contradictions({"first": verification, …})  # detection beside packets
casebook.symptom(incident)                           # the report, and the grid
casebook.suspect(incident)                           # the cause, chosen from several
casebook.evidence(incident)                          # what kubectl says
casebook.explained(incident)                         # its policies, in words
casebook.end(incident)                               # the cause, and the grid that turns
"""

from collections.abc import Mapping
from typing import Any

from labsupport import answer, explain, fragments, guess, outages, show, verification
from labsupport.fragments import Fragment, badge, table
from labsupport.guess import Guess, Question
from labsupport.reach import Arrow
from labsupport.verdict import Verdict

Incident = Mapping[str, Any]
Verified = Mapping[str, Mapping[str, Any]]
"""Verifications by the names under which they are shown."""

_ENFORCES = {
    True: "enforces NetworkPolicy",
    False: "does not enforce NetworkPolicy",
    None: "enforces it where a setting says so",
}


def guess_verdicts(found: Verified) -> Guess:
    """Ask of each cluster whether it enforces; revealed by its packets."""
    options = [str(Verdict.ENFORCED), str(Verdict.NOT_ENFORCED)]
    asked = []
    for name, one in found.items():
        seen = {entry["verdict"] for entry in _entries(one)}
        right = seen.pop() if len(seen) == 1 else ""
        text = f"The {name} cluster: is NetworkPolicy enforced?"
        reasons = " ".join(entry["reason"] for entry in _entries(one))
        asked.append(Question(text, options, right, [reasons]))
    return guess.ask(asked, ["what the packets showed"])


def verdicts(found: Verified) -> None:
    """Show what packets said of each cluster, for ingress and for egress."""
    rows = [
        [name, entry["title"], show.sign(entry), entry["reason"]]
        for name, one in found.items()
        for entry in _entries(one)
    ]
    show.table(rows, ["cluster", "claim", "verdict", "what the packets showed"])


def contradictions(found: Verified) -> None:
    """Show the names that each cluster gives itself beside what its packets did."""
    rows = [
        [
            name,
            ", ".join(verification.agents(one)) or "nothing",
            "; ".join(map(_recognised, one["recognised"])) or "no CNI",
            _packets(one),
            one["warning"] or "none",
        ]
        for name, one in found.items()
    ]
    head = ["cluster", "the detection command prints", "recognised", "packets", "warning"]
    show.table(rows, head, f"The detection command: {verification.DETECTION}")


def symptom(incident: Incident) -> None:
    """Show what the victims report, and what was wanted beside what packets did."""
    outage = outages.find(incident["outage"])
    show.note(f"{outage.title}. {outage.symptom}")
    show.fragment(_grid(incident, {"observed": "broken"}))


def suspect(incident: Incident) -> Guess:
    """Ask for the cause, out of those of all outages; the right one is revealed."""
    every = outages.load_all()
    outage = every[incident["outage"]]
    question = Question(
        f"{outage.title}: what is the cause?",
        [one.suspect for one in every.values()],
        outage.suspect,
        [outage.cause],
    )
    return guess.ask([question], ["in full"])


def evidence(incident: Incident) -> None:
    """Show what kubectl printed while the outage lasted."""
    for one in incident["evidence"]:
        show.terminal(one["command"], one["output"])


def explained(incident: Incident) -> None:
    """Show what the policies that were there do, as `./lab explain` says it."""
    explained = explain.text(answer.dump(incident["policies"]), "the policies")
    text = "\n".join(explained.lines())
    inside = fragments.words(text).html
    show.fragment(Fragment(f'<pre style="text-align:left">{inside}</pre>', text))


def end(incident: Incident) -> None:
    """Show the cause, what ends it, and the grid before and after."""
    outage = outages.find(incident["outage"])
    show.note(f"Cause: {outage.cause}")
    show.note(f"Way out: {outage.way_out}")
    show.fragment(_grid(incident, {"during the outage": "broken", "after it": "over"}))


def _grid(incident: Incident, moments: Mapping[str, str]) -> Fragment:
    """Every connection: what is wanted of it, and what packets did at moments of the incident."""
    rows = [
        [one["connection"], one["wanted"], *(_cell(one, key) for key in moments.values())]
        for one in incident["connections"]
    ]
    return table(rows, ["connection", "wanted", *moments])


def _cell(connection: Mapping[str, str], moment: str) -> Fragment:
    arrow = Arrow("", "", connection["wanted"], observed=connection[moment])
    return badge(arrow.look, arrow.observed)


def _entries(one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The two answers that every cluster gives: on ingress and on egress."""
    entries: list[dict[str, Any]] = one["report"]["cases"]
    return entries


def _packets(one: Mapping[str, Any]) -> Fragment:
    """What packets said of both directions: one verdict where they agree."""
    signs = [fragments.verdict(word) for word in dict.fromkeys(e["verdict"] for e in _entries(one))]
    return Fragment(", ".join(sign.html for sign in signs), ", ".join(sign.text for sign in signs))


def _recognised(one: Mapping[str, Any]) -> str:
    version = f" {one['version']}" if one["version"] else ""
    says = _ENFORCES[one["enforces"]]
    return f"{one['name']}{version}, by {one['sign']}; its documentation: {says}"
