"""The checks are checked: what should make nbval fail does, and what it stops at it skips."""

import json
import shutil

import pytest
from nbformat import v4, write

from labsupport import notebooks, paths, report
from labsupport.errors import CheckFailed

SILENT = "02_the_silent_failure.ipynb"


def changed_verdict(folder):
    """A copy of the recordings in which one verdict says the opposite."""
    shutil.copytree(paths.RECORDINGS, folder)
    one = report.read(folder / "flannel.json")
    (case,) = [case for case in one["cases"] if case["id"] == "deny-all"]
    case["verdict"], case["reason"] = "enforced", "All 5 denied connections timed out."
    one["summary"] = report.summarise(one["cases"])
    report.write(one, folder / "flannel.json")
    return folder


def test_a_changed_verdict_fails_the_notebook(nbval, tmp_path):
    path = tmp_path / SILENT
    path.write_bytes((notebooks.FOLDER / SILENT).read_bytes())
    right = nbval(path)
    assert right.endswith("exit code 0"), right
    wrong = nbval(path, NETPOL_LAB_RECORDINGS=str(changed_verdict(tmp_path / "changed")))
    assert wrong.endswith("exit code 1"), wrong
    assert "Cell outputs differ" in wrong
    assert "not enforced" in wrong


def made(folder, *sources):
    """A notebook of code cells, as if each had run and shown nothing."""
    path = folder / "77_made.ipynb"
    code = [v4.new_code_cell(s, execution_count=n) for n, s in enumerate(sources, 1)]
    write(v4.new_notebook(cells=code), path)
    return path


def test_cells_after_a_failure_are_skipped(nbval, tmp_path):
    path = made(tmp_path, "x = 1", "1 / 0", "x = 2", "x = 3")
    said = nbval(path)
    assert "1 failed, 1 passed, 2 skipped" in said
    assert "Cell 1 failed before" in said


def test_a_lab_error_fails_a_cell_in_one_sentence(nbval, tmp_path):
    source = (
        'import start\nfrom labsupport.lesson import Lesson\nlesson = Lesson("77")\n'
        'lesson.measure("deny-nothing", "calico")'
    )
    said = nbval(made(tmp_path, source))
    assert said.endswith("exit code 1")
    assert "holds no case 'deny-nothing'" in said
    assert "lesson.py" not in said  # no frame of a traceback


def test_a_cell_has_a_limit(nbval, tmp_path):
    conftest = tmp_path / "conftest.py"
    conftest.write_text(conftest.read_text().replace("CELL_SECONDS = 180", "CELL_SECONDS = 1"))
    said = nbval(made(tmp_path, "import time\ntime.sleep(600)", "x = 1"))
    assert "Timeout of 1 seconds exceeded" in said
    assert "1 failed, 1 skipped" in said


def test_refreshing_twice_changes_nothing(tmp_path):
    path = tmp_path / SILENT
    for name in (SILENT, "start.py", "conftest.py"):
        (tmp_path / name).write_bytes((notebooks.FOLDER / name).read_bytes())
    stored = json.loads(path.read_text())
    stored["cells"][4]["outputs"] = []
    path.write_text(json.dumps(stored))
    assert notebooks.refresh([path]) == [path]
    assert path.read_bytes() == (notebooks.FOLDER / SILENT).read_bytes()
    assert notebooks.refresh([path]) == []


def test_a_notebook_that_fails_keeps_none_of_the_others_from_being_stored(tmp_path):
    (tmp_path / "start.py").write_bytes((notebooks.FOLDER / "start.py").read_bytes())
    broken, good = made(tmp_path, "1 / 0"), tmp_path / SILENT
    before = broken.read_bytes()
    good.write_text((notebooks.FOLDER / SILENT).read_text().replace("not enforced", "changed"))
    with pytest.raises(CheckFailed, match=r"77_made.ipynb: a cell failed: ZeroDivisionError"):
        notebooks.refresh([broken, good])
    assert broken.read_bytes() == before
    assert good.read_bytes() == (notebooks.FOLDER / SILENT).read_bytes()
