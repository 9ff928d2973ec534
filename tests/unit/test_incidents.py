"""Outages from symptom to end: made, looked at, mended however it goes; and their recordings."""

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from labsupport import breaking, cli, incidents, outages, paths, verification
from labsupport.errors import CheckFailed, WrongUse
from tests.unit.fake_incidents import Broken, incident

NAME = "silent-front-end"


@pytest.fixture
def broken(monkeypatch):
    return Broken(monkeypatch, NAME)


def test_it_is_made_looked_at_ended_looked_at_and_mended(broken):
    seen = incidents.run(outages.find(NAME))
    assert broken.done == ["make", "check", "end", "check", "mend"]
    assert len(incidents.wrong(seen, "broken")) == len(seen["connections"])
    assert incidents.wrong(seen, "over") == []
    assert [one["command"] for one in seen["evidence"]] == [
        "kubectl get namespaces outage-shop outage-warehouse --show-labels",
        "kubectl get networkpolicies,pods -n outage-shop --show-labels",
        "kubectl get networkpolicies,pods -n outage-warehouse --show-labels",
    ]
    assert "uid" not in json.dumps(seen["policies"])


@pytest.mark.parametrize("step", ["make", "check", "end"])
def test_an_interruption_is_mended(broken, step):
    broken.fail = step
    with pytest.raises(KeyboardInterrupt):
        incidents.run(outages.find(NAME))
    assert broken.done[-1] == "mend"
    assert broken.damage is None


def test_what_the_user_broke_is_left_alone(broken):
    broken.damage = SimpleNamespace(outage="open-shop", profile="flannel", passing=False)
    with pytest.raises(WrongUse, match=r"open-shop is under way on flannel; `\./lab mend` first"):
        incidents.run(outages.find(NAME))
    incidents.finish()
    assert broken.done == []


def test_what_a_killed_kernel_left_is_mended_first(broken):
    broken.damage = SimpleNamespace(outage=NAME, profile="calico", passing=True)
    incidents.run(outages.find(NAME))
    assert broken.done[:2] == ["mend", "make"]


def test_what_the_lab_cannot_end_is_refused(broken):
    for name in ("open-shop", "open-gateway"):
        with pytest.raises(WrongUse, match=f"cannot end {name}"):
            incidents.run(outages.find(name))
    assert broken.done == []
    assert all(outages.find(name).can_end for name in incidents.SHOWN)


def test_progress_is_not_among_what_a_notebook_shows(broken, monkeypatch, capsys):
    check = broken.check

    def talkative():
        breaking.console.say("looking")
        return check()

    monkeypatch.setattr(breaking, "check", talkative)
    incidents.visit(NAME, live=True)
    assert capsys.readouterr().err == ""
    breaking.console.say("done")
    assert capsys.readouterr().err == "done\n"


def test_an_incident_that_is_recorded_is_read_again(monkeypatch, tmp_path):
    seen = incident(monkeypatch, NAME)
    path = incidents.record(seen, tmp_path)
    assert path == tmp_path / "outages" / f"{NAME}.json"
    monkeypatch.setenv("NETPOL_LAB_RECORDINGS", str(tmp_path))
    assert incidents.visit(NAME, live=False) == seen


@pytest.mark.parametrize("moment", ["broken", "over"])
def test_packets_that_show_no_outage_or_no_end_are_not_recorded(monkeypatch, tmp_path, moment):
    seen = incident(monkeypatch, NAME)
    other = {"broken": "over", "over": "broken"}[moment]
    for one in seen["connections"]:
        one[moment] = one[other]
    with pytest.raises(CheckFailed, match="so it is not recorded"):
        incidents.record(seen, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_recording_that_is_not_there_damaged_or_of_an_older_outage(monkeypatch, tmp_path):
    with pytest.raises(WrongUse, match=r"no recording; `\./lab break --record silent-front-end`"):
        incidents.read(NAME, tmp_path)
    seen = incident(monkeypatch, NAME)
    path = incidents.record(seen, tmp_path)
    path.write_text("{")
    with pytest.raises(WrongUse, match="is no recording"):
        incidents.read(NAME, tmp_path)
    path.write_text(json.dumps({**seen, "connections": seen["connections"][1:]}))
    with pytest.raises(WrongUse, match="not those of the outage as it is today"):
        incidents.read(NAME, tmp_path)
    path.write_text(json.dumps({**seen, "evidence": []}))
    with pytest.raises(WrongUse, match="evidence"):
        incidents.read(NAME, tmp_path)


@pytest.mark.parametrize("name", incidents.SHOWN)
def test_what_ships_is_what_the_notebook_says(name):
    """What the prose of notebook 10 refers to, of recordings of real runs."""
    if not (paths.RECORDINGS / incidents.FOLDER / f"{name}.json").exists():
        pytest.skip(f"not recorded; `./lab break --record {name}` does it")
    seen = incidents.read(name, paths.RECORDINGS)
    assert seen["lab"]["commit"]
    assert not seen["lab"]["dirty"]
    broken = incidents.wrong(seen, "broken")
    assert broken
    assert not incidents.wrong(seen, "over")
    said = {one["command"]: one["output"] for one in seen["evidence"]}
    kinds = {c["wanted"] for c in seen["connections"] if c["connection"] in broken}
    assert kinds == ({"allowed"} if name == "silent-front-end" else {"denied"})
    if name == "unlisted-visitor":
        assert seen["profile"] == verification.STRANGERS["first"]
        assert len(broken) == sum(c["wanted"] == "denied" for c in seen["connections"])
        assert any("default.outage-reporting" in text for text in said.values())
    if name == "open-since-tuesday":
        assert "never" in said.values()
        verified = seen["verification"]
        assert {e["verdict"] for e in verified["report"]["cases"]} == {"not enforced"}
        assert verified["detected"]
        assert "Cilium is recognised" in verified["warning"]


@pytest.mark.parametrize(
    "words",
    [
        ["verify", "--record", "--context", "kind"],
        ["break", "--record", "--list"],
        ["break", "--record", "open-gateway"],
    ],
)
def test_what_cannot_be_recorded_is_wrong_use(broken, words):
    assert CliRunner().invoke(cli.app, words).exit_code == WrongUse.exit_code
    assert broken.done == []


def test_the_command_records_and_says_what_was_seen(broken, monkeypatch, tmp_path):
    kept = []
    monkeypatch.setattr(incidents, "record", lambda seen: kept.append(seen) or tmp_path)
    done = CliRunner().invoke(cli.app, ["break", "--record", NAME, "--profile", "canal"])
    assert done.exit_code == 0, done.output
    assert "silent-front-end on Canal: 3 of 3 connections not as wanted, 0 when" in done.output
    assert [one["profile"] for one in kept] == ["canal"]
