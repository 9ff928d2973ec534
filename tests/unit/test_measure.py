"""What a report says of the lab that made it: its commit, and whether tracked files differed."""

import subprocess
from pathlib import Path

import pytest

from labsupport import measure, paths


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, a file and a recording, in place of the lab's own."""
    recording = tmp_path / "labsupport" / "recordings" / "calico.json"
    recording.parent.mkdir(parents=True)
    for file in (tmp_path / "tracked", recording):
        file.write_text("as committed\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "one")
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    answer = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
    )
    return answer.stdout.strip()


def test_a_clean_checkout_is_told_by_its_commit(checkout: Path) -> None:
    found = measure.lab()
    assert found["commit"] == git(checkout, "rev-parse", "HEAD")
    assert found["dirty"] is False


def test_a_changed_tracked_file_makes_it_dirty(checkout: Path) -> None:
    (checkout / "tracked").write_text("changed\n")
    assert measure.lab()["dirty"] is True


def test_a_file_that_git_does_not_track_does_not(checkout: Path) -> None:
    (checkout / "notes").write_text("mine\n")
    assert measure.lab()["dirty"] is False


def test_what_the_first_clusters_recording_changed_does_not_make_the_next_dirty(
    checkout: Path,
) -> None:
    (checkout / "labsupport" / "recordings" / "calico.json").write_text("recorded\n")
    assert measure.lab()["dirty"] is False


def test_outside_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    assert measure.lab() == {**measure.lab(), "commit": None, "dirty": False}
