"""The file with a learner's answers: nothing in it is ever lost."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from labsupport import report
from labsupport.errors import MachineCannot, WrongUse
from labsupport.progress import Answer, Progress

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


def answer(number=0, question="additive", share=1.0):
    return Answer(question, AT + timedelta(seconds=number), share, 4.5)


@pytest.fixture
def progress(tmp_path):
    return Progress(tmp_path / "progress.json")


def test_what_is_added_is_there_in_order(progress):
    assert progress.answers() == []
    progress.add(answer(2))
    progress.add(answer(1), answer(3))
    assert progress.answers() == [answer(1), answer(2), answer(3)]


def test_by_default_it_is_in_the_labs_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    Progress().add(answer())
    assert (tmp_path / "netpol-lab" / "progress.json").exists()


def test_answers_to_unknown_questions_are_kept(progress):
    progress.add(answer(question="of-another-version"))
    progress.add(answer(1))
    assert answer(question="of-another-version") in progress.answers()


def test_two_sessions_at_once_lose_nothing(progress):
    def session(number):
        mine = Progress(progress.path)
        for n in range(10):
            mine.add(answer(100 * number + n))

    threads = [threading.Thread(target=session, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(progress.answers()) == 40


def test_a_crash_while_writing_leaves_what_was_there(progress, monkeypatch):
    progress.add(answer())
    before = progress.path.read_bytes()

    def crash(_fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report.os, "fsync", crash)
    with pytest.raises(MachineCannot, match="No space left"):
        progress.add(answer(1))
    assert progress.path.read_bytes() == before
    assert progress.answers() == [answer()]


GOOD = {
    "kind": "DrillProgress",
    "version": 2,
    "answers": [{"question": "a", "at": "2026-11-25T12:00:00+00:00", "share": 1, "seconds": None}],
}


def row(**change):
    return json.dumps(GOOD | {"answers": [GOOD["answers"][0] | change]}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"\xff\xfe", b"[]", b"null", b'"DrillProgress"', json.dumps(GOOD)[:60].encode(),
        b"[" * 100_000, json.dumps({**GOOD, "answers": {}}).encode(),
        json.dumps({"kind": "DrillProgress"}).encode(),
        json.dumps({"kind": "DrillProgress", "version": 1}).encode(),
        json.dumps({"kind": "DrillProgress", "version": 0, "answers": []}).encode(),
        row(share=2), row(share="1"), row(at="yesterday"), row(at="2026-02-31T12:00:00+00:00"),
        row(surprise=1), row(question="../x"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_put_aside_whole(progress, content, capsys):
    progress.path.write_bytes(content)
    progress.add(answer())
    assert progress.answers() == [answer()]
    (aside,) = progress.path.parent.glob("progress-damaged-*.json")
    assert aside.read_bytes() == content
    told = " ".join(capsys.readouterr().err.split())
    assert aside.name in told
    assert "Traceback" not in told


def test_a_file_of_a_newer_version_is_left_alone(progress):
    content = json.dumps({"kind": "DrillProgress", "version": 3, "new": []})
    progress.path.write_text(content)
    with pytest.raises(WrongUse, match="newer version of the lab"):
        progress.add(answer())
    assert progress.path.read_text() == content


def test_a_file_of_version_1_is_read_and_written_as_today(progress):
    old = {"question": "additive", "at": AT.isoformat(), "right": True}
    progress.path.write_text(
        json.dumps({"kind": "DrillProgress", "version": 1, "answers": [old, old | {"right": False,
                    "question": "both-sides"}]})
    )  # fmt: skip
    expected = [Answer("additive", AT, 1.0), Answer("both-sides", AT, 0.0)]
    assert progress.answers() == expected
    progress.add(answer(1))
    assert json.loads(progress.path.read_text())["version"] == 2
    assert progress.answers() == [*expected, answer(1)]


def test_export_and_import_on_another_machine(progress, tmp_path):
    progress.add(answer(1), answer(2))
    assert progress.export(tmp_path / "mine.json") == 2
    other = Progress(tmp_path / "other" / "progress.json")
    other.path.parent.mkdir()
    other.add(answer(2), answer(3))
    assert other.take_in(tmp_path / "mine.json") == 1
    assert other.take_in(tmp_path / "mine.json") == 0
    assert other.answers() == [answer(1), answer(2), answer(3)]


def test_an_import_that_is_none_changes_nothing(progress, tmp_path):
    progress.add(answer())
    (tmp_path / "report.json").write_text("{}")
    with pytest.raises(WrongUse, match="no progress of the drills"):
        progress.take_in(tmp_path / "report.json")
    with pytest.raises(WrongUse, match="cannot be read"):
        progress.take_in(tmp_path / "nothing.json")
    assert (tmp_path / "report.json").exists()
    assert progress.answers() == [answer()]


def test_a_reset_keeps_the_old_answers_in_a_file(progress):
    assert progress.reset() is None
    progress.add(answer())
    kept = progress.reset()
    assert progress.answers() == []
    progress.take_in(kept)
    assert progress.answers() == [answer()]
