"""The instructor's page: everybody's state, whatever is in the files, and the switch."""

import pytest

from labsupport import instructor, task
from labsupport.errors import WrongUse
from labsupport.exercise_log import Log


@pytest.fixture
def folder(tmp_path):
    """Anna has solved one, Ben has tried one, Eve's file is damaged, Zoe's name is nasty."""
    with Log(tmp_path / "anna" / "exercises.json").change("by-port") as entry:
        entry.begun, entry.solved = "2026-01-01T10:00:00+00:00", "2026-01-01T10:05:00+00:00"
        entry.attempts, entry.hints, entry.mode = 3, 2, "recorded"
    with Log(tmp_path / "ben.json").change("and-or") as entry:
        entry.begun, entry.attempts = "2026-01-01T10:07:00+00:00", 1
    (tmp_path / "eve.json").write_text("{")
    with Log(tmp_path / "<b>zoe.json").change("by-port"):
        pass
    return tmp_path


def test_everybody_is_there_with_times_and_states(folder):
    known = instructor.participants(folder)
    assert [one.name for one in known] == ["<b>zoe", "anna", "ben", "eve"]
    page = instructor.page(known)
    assert f"1 of {len(task.load_all())}" in page
    assert "✓ solved" in page
    assert "5 min 0 s, 3 attempts, 2 hints, no packets" in page
    assert "◐ tried" in page
    assert "since 10:07 UTC, 1 attempt," in page
    assert "is damaged" in page
    assert "<b>zoe" not in page
    assert "&lt;b&gt;zoe" in page


def test_one_switch_shows_or_hides_the_solutions(folder):
    hidden, shown = instructor.page([]), instructor.page([], solutions=True)
    assert 'id="solutions">' in hidden
    assert 'id="solutions" checked>' in shown
    for page in (hidden, shown):
        assert page.count('class="solution"') == len(task.load_all())
        assert "#solutions:checked ~ main .solution { display: block; }" in page
        assert "<script" not in page
        assert "://" not in page  # nothing is loaded


def test_the_page_is_written(folder, tmp_path):
    out = tmp_path / "pages" / "workshop.html"
    instructor.write(folder, False, out)
    assert out.read_text().startswith("<!DOCTYPE html>")


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(WrongUse, match="is no folder"):
        instructor.participants(tmp_path / "none")
