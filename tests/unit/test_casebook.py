"""Notebook 10 on made-up recordings: from top to bottom, and each thing that it shows."""

import sys

import nbformat
import pytest

from labsupport import casebook, hygiene, incidents, notebooks, outages, verification
from tests.unit.fake_incidents import record_all

FILE = "10_a_cluster_you_did_not_build.ipynb"
PATH = next(iter(sorted(notebooks.FOLDER.rglob(FILE))))


@pytest.fixture
def recordings(monkeypatch, tmp_path):
    record_all(monkeypatch, tmp_path)
    monkeypatch.setenv("NETPOL_LAB_MODE", "recorded")
    monkeypatch.setenv("NETPOL_LAB_RECORDINGS", str(tmp_path))


@pytest.fixture
def strangers(recordings):
    return verification.visit(live=False)


def test_the_notebook_runs_from_top_to_bottom(recordings, monkeypatch, capsys):
    monkeypatch.setattr(sys, "path", [str(notebooks.FOLDER), *sys.path])
    room = {}
    for cell in nbformat.read(PATH, as_version=4).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, cell.id, "exec"), room)
    shown = capsys.readouterr().out
    for name in incidents.SHOWN:
        assert outages.find(name).symptom in shown
        assert outages.find(name).cause in shown
    assert "Cilium v1.2.3, by DaemonSet kube-system/cilium" in shown
    assert shown.rstrip().endswith("Nothing of this notebook is left on a cluster.")


def test_the_file_has_no_fault_but_that_it_was_not_run():
    found = hygiene.faults(nbformat.read(PATH, as_version=4), PATH)
    assert [one for one in found if "has no execution count" not in one] == []


def test_verdicts_are_guessed_first_and_by_no_name(strangers, capsys):
    asked = casebook.guess_verdicts(strangers)
    casebook.verdicts(strangers)
    shown = capsys.readouterr().out.lower()
    assert not any(name in shown for name in verification.STRANGERS.values())
    asked.choices[0].value = asked.choices[1].value = "enforced"
    asked.reveal.click()
    assert "1 of 2 as the evidence says" in asked.answer.value


def test_names_stand_beside_packets(strangers, capsys):
    third = incidents.visit("open-since-tuesday", live=False)["verification"]
    casebook.contradictions({**strangers, "third": third})
    lines = capsys.readouterr().out.splitlines()
    first, second, last = (next(x for x in lines if x.startswith(w))
                           for w in ("first", "second", "third"))  # fmt: skip
    assert "2 calico-node" in first
    assert "✓ enforced" in first
    assert "nothing" in second
    assert "does not enforce NetworkPolicy" in second
    assert "✗ not enforced" in last
    assert "look whether its agent runs" in last


def test_the_cause_is_chosen_among_those_of_all_outages(recordings, capsys):
    seen = incidents.visit("silent-front-end", live=False)
    asked = casebook.suspect(seen)
    (choice,) = asked.choices
    assert len(choice.options) == 1 + len(outages.load_all())
    assert outages.find("silent-front-end").cause not in capsys.readouterr().out
    choice.value = outages.find("silent-front-end").suspect
    asked.reveal.click()
    assert "1 of 1 as the evidence says" in asked.answer.value
    assert "the release renamed the label" in asked.answer.value


def test_every_suspect_is_another():
    found = [one.suspect for one in outages.load_all().values()]
    assert len(set(found)) == len(found)


def test_the_grid_turns(recordings, capsys):
    seen = incidents.visit("unlisted-visitor", live=False)
    casebook.symptom(seen)
    before = capsys.readouterr().out
    assert "✗ allowed" in before
    assert "✓" not in before
    casebook.end(seen)
    after = capsys.readouterr().out
    assert "✗ allowed ✓ timeout" in " ".join(after.split())
    assert outages.find("unlisted-visitor").way_out in after


def test_evidence_and_policies_are_shown(recordings, capsys):
    seen = incidents.visit("unlisted-visitor", live=False)
    casebook.evidence(seen)
    casebook.explained(seen)
    shown = capsys.readouterr().out
    assert "$ kubectl get globalnetworkpolicies.crd.projectcalico.org\n" in shown
    assert "outage-shop/api-from-frontend" in shown
    assert "isolates  for ingress" in shown
