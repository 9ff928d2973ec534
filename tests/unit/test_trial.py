"""The document on trial: every word of it accounted for, and every ruling computed."""

import re
import sys
from dataclasses import replace

import pytest
import yaml

from labsupport import claims, paths, ruling, snippets, trial, trialpage, versions
from labsupport import report as reports
from labsupport.claims import Claim, Condition, Finding, Rule
from labsupport.errors import WrongUse
from labsupport.ruling import Court, Evidence
from tests.unit.fake_reports import case, report

HOLDS = Rule(Finding.HOLDS, (Condition("calico", "deny-all", ("enforced",)),), "")
WRONG = Rule(Finding.WRONG, (), "Say something else.")
CLAIM = Claim("one", "quote", "claim", (HOLDS, WRONG))


def record(profile="calico", snippet="silent-failure", **outcomes):
    chosen = versions.profile(profile)
    return {
        "apiVersion": "netpol-lab/v1",
        "kind": "TrialRecord",
        "run": report(profile)["run"],
        "profile": profile,
        "title": chosen.title,
        "version": chosen.version,
        "mode": chosen.mode,
        "kubernetes": "v1.36.1",
        "snippets": [
            {
                "id": snippet,
                "steps": [
                    {"id": name, "command": "kubectl", "exitCode": 0, "output": "", "outcome": said}
                    for name, said in outcomes.items()
                ],
            }
        ],
    }


def deny_all(verdict, profile="calico"):
    return report(profile, case("deny-all", verdict))


def test_the_document_is_the_one_that_the_lab_grew_from():
    text = snippets.document()
    assert text.startswith("Which CNI Plugins Support Network Policies?")
    assert len(text.splitlines()) == 117


def test_every_word_of_the_document_is_a_claim_a_snippet_or_an_aside():
    text = snippets.document()
    known = [one.printed.strip() for one in snippets.load().values()]
    known += [one.quote for one in claims.load().claims]
    covered = [False] * len(text)
    for part in known:
        for found in re.finditer(re.escape(part), text):
            covered[found.start() : found.end()] = [True] * len(part)
    for aside in claims.load().asides:
        for found in re.finditer(rf"(?<![^\n| ]){re.escape(aside)}(?![^\n| ])", text):
            covered[found.start() : found.end()] = [True] * len(aside)
    left = "".join(" " if done else letter for letter, done in zip(text, covered, strict=True))
    assert re.findall(r"\w[^\n]*", left) == []


@pytest.mark.parametrize("snippet", snippets.load().values(), ids=lambda one: one.id)
def test_a_snippet_is_printed_word_for_word(snippet):
    assert snippet.printed.strip() in snippets.document()


@pytest.mark.parametrize("claim", claims.load().claims, ids=lambda one: one.id)
def test_a_claim_that_does_not_hold_says_what_to_say_instead(claim):
    for rule in claim.rules:
        if rule.finding is not Finding.HOLDS:
            assert rule.say or claim.say
    if claim.documented not in (None, Finding.HOLDS):
        assert claim.say


def test_what_is_indented_is_what_was_printed():
    """Repairing a snippet adds spaces; other changes are among the replacements."""
    for snippet in snippets.load().values():
        if "indented.yaml" in snippet.files:
            printed = "".join(snippet.printed.split())
            used = "".join(snippet.files["indented.yaml"].split())
            if not snippet.replaced:
                assert used == printed
            assert yaml.safe_load(snippet.files["indented.yaml"])["metadata"]["name"]
            assert yaml.safe_load(snippet.files["as-printed.yaml"])["metadata"] is None


def test_the_first_rule_whose_conditions_hold_decides():
    assert Court.of([deny_all("enforced")], []).rule(CLAIM).finding is Finding.HOLDS
    wrong = Court.of([deny_all("not enforced")], []).rule(CLAIM)
    assert (wrong.finding, wrong.say) == (Finding.WRONG, "Say something else.")
    assert wrong.basis == "measured"
    assert [one.found for one in wrong.evidence] == ["not enforced"]


@pytest.mark.parametrize("verdict", ["not run", "inconclusive"])
def test_what_was_not_measured_decides_nothing(verdict):
    found = Court.of([deny_all(verdict)], []).rule(CLAIM)
    assert (found.finding, found.basis) == (Finding.NOT_TESTABLE, "open")
    assert "deny-all on calico" in found.reason


def test_a_missing_report_case_or_record_leaves_a_claim_open():
    steps = Rule(Finding.HOLDS, (Condition("calico", "silent-failure/apply", ("accepted",)),))
    by_step = Claim("two", "quote", "claim", (steps, WRONG))
    assert Court.of([], []).rule(CLAIM).finding is Finding.NOT_TESTABLE
    assert Court.of([report("calico", case("other", "enforced"))], []).rule(CLAIM).basis == "open"
    assert Court.of([], []).rule(by_step).finding is Finding.NOT_TESTABLE
    assert Court.of([], [record(control="allowed")]).rule(by_step).basis == "open"


def test_a_rule_that_is_refuted_is_passed_over_even_if_another_cell_is_missing():
    both = Rule(
        Finding.HOLDS,
        (
            Condition("calico", "deny-all", ("enforced",)),
            Condition("cilium", "deny-all", ("enforced",)),
        ),
    )
    found = Court.of([deny_all("not enforced")], []).rule(Claim("x", "q", "c", (both, WRONG)))
    assert found.finding is Finding.WRONG


def test_a_group_has_a_verdict_when_every_case_that_was_run_has_it():
    whole = Rule(Finding.HOLDS, (Condition("calico", "specification", ("enforced",)),))
    claim = Claim("x", "q", "c", (whole, WRONG))

    def finding(*verdicts):
        cases = [case(f"case-{n}", verdict) for n, verdict in enumerate(verdicts)]
        return Court.of([report("calico", *cases)], []).rule(claim).finding

    assert finding("enforced", "enforced", "not run") is Finding.HOLDS
    assert finding("enforced", "partly enforced") is Finding.WRONG
    assert finding("enforced", "inconclusive") is Finding.NOT_TESTABLE
    assert finding("not run") is Finding.NOT_TESTABLE
    assert finding("inconclusive", "not enforced") is Finding.WRONG


def test_outcomes_of_snippets_decide_as_verdicts_do():
    steps = Rule(Finding.HOLDS, (Condition("calico", "silent-failure/apply", ("accepted",)),))
    claim = Claim("x", "q", "c", (steps, WRONG))
    assert Court.of([], [record(apply="accepted")]).rule(claim).finding is Finding.HOLDS
    assert Court.of([], [record(apply="refused")]).rule(claim).finding is Finding.WRONG


def ruled(claim, *given):
    """A ruling on a claim of the document, by reports and records like these."""
    made = [one for one in given if one["kind"] == "TrialRecord"]
    return trial.hold([one for one in given if one not in made], made).ruling(claim)


AUDIT = {"enforced": "timeout", "under-audit": "allowed"}


@pytest.mark.parametrize(
    ("cilium", "finding"),
    [(AUDIT, Finding.CONDITION), ({**AUDIT, "under-audit": "timeout"}, Finding.HOLDS)],
)
def test_whether_support_is_enough_is_decided_by_an_agent_that_lets_packets_pass(cilium, finding):
    found = ruled(
        "takeaway-verify",
        deny_all("not enforced", "flannel"),
        deny_all("enforced", "cilium"),
        record("flannel", apply="accepted"),
        record("cilium", "agent-without-enforcement", **cilium),
    )
    assert (found.finding, found.basis) == (finding, "measured")


def test_a_timeout_where_nothing_enforces_proves_nothing():
    flannel = record("flannel", "detection", **{"under-ingress-only": "timeout"})
    assert ruled("timeout-proves", flannel).finding is Finding.WRONG


@pytest.mark.parametrize("claim", ["cilium-install", "canal-need", "timeout-proves"])
def test_what_no_packet_here_shows_has_a_source(claim):
    facts = trial.hold([], []).ruling(claim).claim.facts
    assert facts
    assert all(fact.source.startswith("https://") for fact in facts)


def test_documentation_and_measurement_are_never_mixed_up():
    shown = trial.hold([], [])
    for one in shown.rulings:
        if one.basis == "documented":
            assert one.claim.facts
            assert trialpage.label(one) == "documented, not measured"
        else:
            assert one.finding is Finding.NOT_TESTABLE  # nothing was measured


def test_no_finding_is_written_by_hand_where_packets_can_decide():
    """Turning every cell around turns claims around: nothing is fixed beforehand."""
    cases = sorted(
        {c.what for one in claims.load().claims for r in one.rules for c in r.conditions
         if not c.of_snippet and c.what != "specification"}
    )  # fmt: skip
    found = []
    for verdict in ("enforced", "not enforced"):
        entries = [case(name, verdict) for name in cases]
        held = trial.hold([report(p.name, *entries) for p in versions.profiles()], [])
        found.append({one.claim.id: one.finding for one in held.rulings})
    changed = [name for name in found[0] if found[0][name] is not found[1][name]]
    assert {"calico-standard", "extended-dns", "calico-feature-global", "canal-need"} <= set(
        changed
    )


@pytest.mark.parametrize(
    ("shows", "code", "output", "outcome"),
    [
        ("answer", 0, "networkpolicy.networking.k8s.io/deny-all created", "accepted"),
        ("answer", 1, 'error: no matches for kind "GlobalNetworkPolicy"', "no such kind"),
        ("answer", 1, 'Error: resource name may not be empty', "no name"),
        ("answer", 1, "Error: repo cilium not found", "no such repository"),
        ("answer", 1, "error: You must be logged in", "refused"),
        ("connection", 0, "", "allowed"),
        ("connection", 1, "TIMEOUT\ncommand terminated with exit code 1", "timeout"),
        ("connection", 1, "REFUSED", "refused"),
        ("connection", 1, "DNS: lookup api-service: i/o timeout", "name not resolved"),
        ("connection", 1, "error: pod not found", "probe failed"),
        ("match", 0, "calico-node", "match"),
        ("match", 1, "", "no match"),
        ("match", 2, "grep: bad", "failed"),
        ("text", 0, "calico-node kube-flannel\n", "calico-node kube-flannel"),
    ],
)  # fmt: skip
def test_the_end_of_a_command_is_read_as_one_word(shows, code, output, outcome):
    step = snippets.Step("x", "kubectl get", shows)
    assert snippets.read_outcome(step, code, output) == outcome


def test_what_is_kept_is_an_address_of_one_machine_and_no_outcome():
    step = snippets.Step("x", "kubectl get", "text", keep="address")
    assert snippets.read_outcome(step, 0, "192.0.2.1") == "kept"


def test_a_command_has_its_pipe_and_what_was_kept():
    grep = snippets.load()["detection"].step("grep").commands({})
    assert grep[0] == ["kubectl", "get", "pods", "-n", "kube-system"]
    assert grep[1] == ["grep", "-E", "calico|cilium|weave"]
    audit = snippets.load()["agent-without-enforcement"].step("audit")
    assert "endpoint config 7 PolicyAuditMode=Enabled" in " ".join(
        audit.commands({"agent": "cilium-x", "endpoint": "7"})[0]
    )


def test_the_detection_command_is_the_documents():
    assert snippets.load()["detection"].step("grep").run in snippets.document()


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        ({"quote": "Flannel does."}, "word for word"),
        ({"rules": [{"verdict": "holds", "cells": {"calico": {"deny-all": "enforced"}}}]}, "last"),
        ({"rules": [{"verdict": "holds", "cells": {"calico": {"no-case": "enforced"}}},
                    {"verdict": "wrong"}]}, "no case"),
        ({"rules": [{"verdict": "holds", "snippets": {"calico": {"detection/no": "match"}}},
                    {"verdict": "wrong"}]}, "no step"),
        ({"rules": [{"verdict": "holds", "snippets": {"flannel": {"dns-egress/indented": "x"}}},
                    {"verdict": "wrong"}]}, "not run on flannel"),
        ({"open": "and open too"}, "claims"),
    ],
)  # fmt: skip
def test_claims_that_do_not_fit_are_refused(tmp_path, broken, sentence):
    one = {"id": "x", "quote": "Flannel does not.", "rules": [{"verdict": "wrong"}], **broken}
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump({"asides": [], "claims": [one]}))
    with pytest.raises(WrongUse, match=sentence):
        claims.load(path)


def test_a_record_is_kept_whole_and_checked(tmp_path):
    made = record(apply="accepted")
    assert trial.read(trial.record(made, tmp_path)) == made
    assert trial.recordings(tmp_path) == [made]
    with pytest.raises(WrongUse, match="snippets"):
        trial.record({**made, "snippets": "none"}, tmp_path)
    (tmp_path / "canal.json").write_text("{")
    with pytest.raises(WrongUse, match=re.escape("canal.json")):
        trial.recordings(tmp_path)


def test_the_page_names_verdict_basis_source_and_replacement():
    page = trialpage.markdown(trial.hold([deny_all("enforced")], [record(apply="accepted")]))
    assert "> Flannel does not." in page
    assert "documented, not measured" in page
    assert "Say instead: " in page
    assert "The probe image has no curl." in page
    assert "not run: " in page
    assert "| kubectl apply -f deny-all-policy.yaml | accepted | accepted |" in page


def test_the_page_is_computed_alike_twice():
    held = trial.hold([deny_all("enforced")], [record(apply="accepted")])
    assert trialpage.markdown(held) == trialpage.markdown(held)


def test_judging_needs_no_kubernetes_client():
    """The recorded trial is quick because it loads no client."""
    assert "labsupport.trialrun" not in sys.modules or "kubernetes" in sys.modules
    assert ruling.Court().reports == {}


@pytest.mark.skipif(
    not trial.recordings(), reason="no trial is recorded; `./lab trial --live --record` does it"
)
def test_every_profile_is_recorded_with_every_snippet_as_it_is_today():
    shipped = {one["profile"]: one for one in trial.recordings()}
    assert set(shipped) == {profile.name for profile in versions.profiles()}
    for name, one in shipped.items():
        assert not one["run"]["lab"]["dirty"]
        assert [(s["id"], [step["id"] for step in s["steps"]]) for s in one["snippets"]] == [
            (s.id, [step.id for step in s.steps])
            for s in snippets.load().values()
            if s.steps and (not s.profiles or name in s.profiles)
        ]


def test_the_page_in_docs_is_made_of_the_recordings():
    made = trialpage.markdown(trial.hold(reports.recordings(), trial.recordings()))
    told = (paths.ROOT / "docs" / "trial.md").read_text()
    assert told == made, "run `./lab trial --recorded --out docs`"


def test_evidence_leaves_kubectls_own_words_out_and_ends_at_a_word():
    asked = Condition("calico", "validation/denied", ("timeout",))
    said = "Unable to use a TTY - or\nTIMEOUT\ncommand terminated with exit code 1"
    assert trialpage.evidence(Evidence(asked, "timeout", said, True)) == (
        "validation/denied on calico: timeout"
    )
    told = trialpage.evidence(Evidence(asked, "refused", "word " * 90, False))
    assert told.endswith("word …)")


def test_the_same_evidence_stands_once():
    refuted = Rule(Finding.WRONG, (Condition("calico", "deny-all", ("not enforced",)),), "")
    claim = replace(CLAIM, rules=(refuted, *CLAIM.rules))
    found = Court.of([deny_all("enforced")], []).rule(claim)
    assert found.finding is Finding.HOLDS
    assert [one.fulfilled for one in found.evidence] == [True]
