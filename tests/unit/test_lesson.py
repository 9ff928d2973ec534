"""A notebook's mode, what it reads in recorded mode, and what it says when it cannot."""

import json
import shutil
import threading

import pytest

from labsupport import clusters, paths, report, runner, session, stored
from labsupport.errors import CheckFailed, WrongUse
from labsupport.lesson import Lesson, choose_mode


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("NETPOL_LAB_RECORDINGS", raising=False)


@pytest.fixture
def recorded(monkeypatch):
    monkeypatch.setenv("NETPOL_LAB_MODE", "recorded")
    return Lesson("02")


@pytest.fixture
def states(monkeypatch):
    """What each cluster's state is; ready unless a test says otherwise."""
    found = {}

    def status(profile):
        state = found.get(profile.name, clusters.State.READY)
        return clusters.Status(profile.name, profile.cluster, state)

    monkeypatch.setattr(clusters, "status", status)
    return found


def test_the_variable_decides():
    assert choose_mode("live")[0] == "live"
    assert choose_mode("recorded")[0] == "recorded"
    with pytest.raises(WrongUse, match="NETPOL_LAB_MODE is 'Live'"):
        choose_mode("Live")


def test_without_it_the_machine_decides(monkeypatch, states):
    monkeypatch.setattr(session, "mode", lambda live, recorded: ("live", "Docker answers"))
    assert choose_mode("") == ("live", "Docker answers")
    states["canal"] = clusters.State.ABSENT
    mode, why = choose_mode("")
    assert mode == "recorded"
    assert "canal" in why
    assert "./lab up" in why


def test_it_says_its_mode(monkeypatch, capsys):
    monkeypatch.setenv("NETPOL_LAB_MODE", "recorded")
    assert not Lesson("02").live
    assert capsys.readouterr().out.startswith("Recorded results, because NETPOL_LAB_MODE is")


def test_a_measurement_is_the_recordings_entry(recorded):
    entry = recorded.measure("deny-all", "flannel")
    shipped = json.loads((paths.RECORDINGS / "flannel.json").read_text())
    assert entry in shipped["cases"]
    assert recorded.silent("flannel") == shipped["silentFailure"]


def test_the_recordings_can_be_others(tmp_path, monkeypatch):
    folder = tmp_path / "others"
    folder.mkdir()
    shutil.copy(paths.RECORDINGS / "calico.json", folder)
    monkeypatch.setenv("NETPOL_LAB_RECORDINGS", str(folder))
    monkeypatch.setenv("NETPOL_LAB_MODE", "recorded")
    opened = Lesson("02")
    assert [one["implementation"]["profile"] for one in opened.reports()] == ["calico"]
    with pytest.raises(WrongUse, match="no recording of flannel"):
        opened.measure("deny-all", "flannel")


def test_what_is_not_there_is_named(recorded):
    with pytest.raises(WrongUse, match=r"holds no case 'deny-nothing'; `\./lab run --live"):
        recorded.measure("deny-nothing", "calico")
    with pytest.raises(WrongUse, match="weave"):
        recorded.measure("deny-all", "weave")
    with pytest.raises(WrongUse, match="needs a cluster"):
        recorded.lane("calico")


def test_several_are_read_as_they_are_called(recorded):
    found = recorded.measure_each("deny-all", {"None": "flannel", "Felix": "calico"})
    assert {name: one["verdict"] for name, one in found.items()} == {
        "None": "not enforced",
        "Felix": "enforced",
    }


def test_several_are_measured_side_by_side(monkeypatch):
    monkeypatch.setenv("NETPOL_LAB_MODE", "live")
    both = threading.Barrier(2, timeout=30)

    def run(lanes, *_):
        both.wait()  # breaks where one is measured after the other
        return [{"verdict": f"of {lanes[0]}"}]

    monkeypatch.setattr(runner, "run", run)
    opened = Lesson("02")
    monkeypatch.setattr(opened, "lane", lambda profile: profile)
    found = opened.measure_each("deny-all", {"One": "calico", "Two": "canal"})
    assert found == {"One": {"verdict": "of calico"}, "Two": {"verdict": "of canal"}}


def test_live_without_the_cluster_says_how_to_get_it(monkeypatch, states):
    monkeypatch.setenv("NETPOL_LAB_MODE", "live")
    states["calico"] = clusters.State.BROKEN
    with pytest.raises(CheckFailed, match=r"netpol-lab-calico is broken\. `\./lab up calico`"):
        Lesson("02").measure("deny-all", "calico")


def test_live_reports_are_the_last_run_where_it_is_as_complete(tmp_path, monkeypatch):
    monkeypatch.setattr(stored.paths, "ROOT", tmp_path)
    shipped = report.recordings()
    assert stored.measured(shipped) == []
    for one in shipped:
        name = one["implementation"]["profile"]
        report.write(one, tmp_path / "out" / f"report-{name}.json")
    assert stored.measured(shipped) == shipped
    (tmp_path / "out" / "report-canal.json").unlink()
    assert stored.measured(shipped) == []


def test_finish_undoes_and_says_so(monkeypatch, states, capsys):
    monkeypatch.setenv("NETPOL_LAB_MODE", "live")

    class Kube:
        def delete(self, manifest):
            deleted.append(manifest["metadata"]["name"])

    class Lane:
        kube = Kube()

    deleted = []

    opened = Lesson("02")
    monkeypatch.setattr(opened, "lane", lambda profile: Lane)
    opened.later("calico", "delete", {"kind": "NetworkPolicy", "metadata": {"name": "left"}})
    opened.finish()
    assert deleted == ["left"]
    assert "Nothing of this notebook is left" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["enforced"], "enforced"),
        (["not enforced"], "not enforced"),
        (["inconclusive", "enforced"], "enforced"),
        (["inconclusive", "inconclusive"], "inconclusive"),
    ],
)
def test_a_spoilt_measurement_is_repeated_once(tmp_path, monkeypatch, given, expected):
    monkeypatch.setenv("NETPOL_LAB_MODE", "live")
    verdicts = iter(given)
    monkeypatch.setattr(runner, "run", lambda *_: [{"verdict": next(verdicts)}])
    opened = Lesson("02")
    monkeypatch.setattr(opened, "lane", lambda profile: None)
    assert opened.measure("deny-all", "calico")["verdict"] == expected
    assert list(verdicts) == []
