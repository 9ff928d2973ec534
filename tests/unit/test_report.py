"""Reports survive being written and read, and damage is named by file and field."""

import json
from pathlib import Path

import fake_reports
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labsupport import paths, report
from labsupport.errors import MachineCannot, WrongUse
from labsupport.probe import Outcome
from labsupport.verdict import Verdict

UNCONTROLLED = st.text(st.characters(exclude_categories=["C"]), min_size=1)


def test_a_report_survives_writing_and_reading(tmp_path):
    path = tmp_path / "out" / "calico.json"
    report.write(fake_reports.report(), path)
    assert report.read(path) == fake_reports.report()
    assert [path] == list(path.parent.iterdir())  # no temporary file stays


@settings(deadline=None)
@given(
    title=UNCONTROLLED,
    detail=st.text(),
    ms=st.none() | st.integers(0),
    verdict=st.sampled_from(Verdict),
)
def test_any_content_survives(tmp_path_factory, title, detail, ms, verdict):
    case = fake_reports.case("one", str(verdict), title) | {"convergeMs": ms, "reason": detail}
    path = tmp_path_factory.mktemp("any") / "report.json"
    report.write(fake_reports.report("canal", case), path)
    assert report.read(path)["cases"] == [case]


def test_the_same_report_is_the_same_file(tmp_path):
    backwards = dict(reversed(fake_reports.report().items()))
    report.write(fake_reports.report(), tmp_path / "a")
    report.write(backwards, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_invalid_report_is_not_written(tmp_path):
    path = tmp_path / "report.json"
    report.write(fake_reports.report(), path)
    before = path.read_bytes()
    wrong = fake_reports.report()
    wrong["environment"]["cgroup"] = 3
    with pytest.raises(WrongUse, match=r"environment\.cgroup"):
        report.write(wrong, path)
    assert path.read_bytes() == before


def test_a_file_that_cannot_be_written_keeps_the_old_one(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(MachineCannot, match=r"file.report\.json: cannot be written"):
        report.write(fake_reports.report(), tmp_path / "file" / "report.json")
    (tmp_path / "taken").mkdir()
    with pytest.raises(MachineCannot):
        report.write_file(tmp_path / "taken", b"")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "taken"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("old")
    # The real thing: writing through this link fails as on a full disk.
    (tmp_path / f".report.json.{report.os.getpid()}.partial").symlink_to("/dev/full")
    with pytest.raises(MachineCannot, match="No space left"):
        report.write(fake_reports.report(), path)
    assert path.read_text() == "old"


TEXT = json.dumps(fake_reports.report(), indent=2)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON"),
        (b"no policy here", "is not JSON"),
        (b"\xff\xfe{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"run": NaN}', "NaN is no number"),
        (TEXT.encode()[:2000], "is damaged: it ends in the middle"),
        (TEXT.encode().rstrip(b"}\n "), "is damaged: it ends in the middle"),
        (TEXT.encode() + b"}", "is not JSON: Extra data"),
        (b'{"a": 1 "b": 2}', "is not JSON: Expecting ',' delimiter at line 1"),
        (b"[]", "no report of the lab"),
        (b'{"apiVersion": "v1", "kind": "Pod"}', "kind: is not EnforcementReport"),
        (b'{"apiVersion": "v1", "kind": "EnforcementReport"}', "apiVersion: is not netpol-lab/v1"),
        (b'{"apiVersion": 1, "kind": "EnforcementReport"}', "apiVersion: is not netpol-lab/v1"),
        (b'{"apiVersion": "netpol-lab/v2", "kind": "EnforcementReport"}', "newer version"),
        (b" " * (report.SIZE_LIMIT + 1), "larger than 32 MiB"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_report_is_named(tmp_path, content, said):
    path = tmp_path / "some.json"
    path.write_bytes(content)
    with pytest.raises(WrongUse) as caught:
        report.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


def test_every_place_where_a_copy_can_break_off_is_called_damaged(tmp_path):
    path = tmp_path / "cut.json"
    for length in range(1, len(TEXT) - 1, 37):
        path.write_text(TEXT[:length])
        with pytest.raises(WrongUse, match="damaged"):
            report.read(path)


def test_a_file_that_is_not_there_or_a_folder_is_named(tmp_path):
    with pytest.raises(WrongUse, match=r"gone\.json: cannot be read: No such file"):
        report.read(tmp_path / "gone.json")
    with pytest.raises(WrongUse, match="cannot be read: Is a directory"):
        report.read(tmp_path)


def _set(value, *keys):
    def change(document):
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = value

    return change


def _delete(*keys):
    def change(document):
        for key in keys[:-1]:
            document = document[key]
        del document[keys[-1]]

    return change


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        (_set("perhaps", "cases", 1, "verdict"), "cases[1].verdict", "'enforced', 'not enforced'"),
        (_delete("cases", 0, "policySha256"), "cases[0]", "'policySha256'"),
        (_set("abc", "cases", 0, "policySha256"), "cases[0].policySha256", "'abc'"),
        (_set(-1, "cases", 0, "steps", 0, "connections", 1, "port"),
         "cases[0].steps[0].connections[1].port", "-1 is less than"),
        (_set("dropped", "cases", 0, "steps", 0, "connections", 0, "observed"),
         "cases[0].steps[0].connections[0].observed", "'dropped'"),
        (_set("2026-11-23 19:00", "run", "startedAt"), "run.startedAt", "2026-11-23 19:00"),
        (_set("2026-11-23T19:00:00+01:00", "run", "startedAt"), "run.startedAt", "+01:00"),
        (_set("2026-13-23T19:00:00Z", "cases", 0, "startedAt"), "cases[0].startedAt", "2026-13"),
        (_set("two\nlines", "cases", 0, "title"), "cases[0].title", "lines"),
        (_set(True, "environment", "cpus"), "environment.cpus", "True is not of type 'integer'"),
        (_set(1, "environment", "mood"), "environment", "'mood' was unexpected"),
        (_set(1, "silentFailure", "packets", "with", "lost"), "silentFailure.packets.with", "lost"),
        (_set({}, "summary"), "summary", "required"),
        (_set(2, "summary", "enforced"), "summary['enforced']", "is 2, but 1 of the cases"),
        (_set("deny-all-ingress", "cases", 1, "id"), "cases[1].id", "is also cases[0].id"),
        (_delete("environment"), "the file as a whole", "'environment' is a required"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(tmp_path, change, field, said):
    document = fake_reports.report()
    change(document)
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(document))
    with pytest.raises(WrongUse) as caught:
        report.read(path)
    assert str(caught.value).startswith(f"{path}: {field}: ")
    assert said in str(caught.value)


def test_the_schema_knows_the_words_of_the_code():
    schema = json.loads((paths.SCHEMAS / "report.schema.json").read_text())
    assert schema["$defs"]["verdict"]["enum"] == [str(v) for v in Verdict]
    assert schema["$defs"]["outcome"]["enum"] == [*(str(o) for o in Outcome), None]
    assert list(schema["$defs"]["counts"]["properties"]) == [str(o) for o in Outcome]
    summary = schema["properties"]["summary"]
    assert list(summary["properties"]) == [str(v) for v in Verdict]
    # Reports of older labs have none of the later ones.
    later = (Verdict.OBSERVED, Verdict.UNSTABLE)
    assert summary["required"] == [str(v) for v in Verdict if v not in later]


def test_the_schema_allows_no_unknown_field_anywhere():
    def walk(node):
        if isinstance(node, dict):
            if "object" in str(node.get("type")) and "properties" in node:
                assert node["additionalProperties"] is False
            node = node.values()
        elif not isinstance(node, list):
            return
        for child in node:
            walk(child)

    walk(json.loads((paths.SCHEMAS / "report.schema.json").read_text()))


def test_a_summary_counts_every_verdict():
    cases = [{"verdict": Verdict.PARTLY}, {"verdict": "partly enforced"}, {"verdict": "not run"}]
    assert report.summarise(cases) == {
        "enforced": 0,
        "not enforced": 0,
        "partly enforced": 2,
        "inconclusive": 0,
        "not run": 1,
        "observed": 0,
        "unstable": 0,
    }


def test_recordings_come_in_the_order_of_the_profiles(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "RECORDINGS", tmp_path)
    assert report.recordings() == []
    for profile in ("canal", "calico", "flannel"):
        report.write(fake_reports.report(profile), tmp_path / f"{profile}.json")
    found = [one["implementation"]["profile"] for one in report.recordings()]
    assert found == ["flannel", "calico", "canal"]


def test_what_ships_is_valid_and_of_one_profile_each():
    names = [one["implementation"]["profile"] for one in report.recordings()]
    assert len(names) == len(set(names))
