"""The commands as a user types them, where no Docker is needed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labsupport import versions

ROOT = Path(__file__).parents[2]


def lab(*arguments, **env):
    return subprocess.run(
        [sys.executable, "-m", "labsupport", *map(str, arguments)],
        cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True,
    )  # fmt: skip


def test_help_names_every_command_and_a_first_step():
    done = lab("--help")
    assert done.returncode == 0
    for word in ("doctor", "engine", "images", "up", "status", "down", "run", "test", "New here?"):
        assert word in done.stdout


def test_recorded_results_need_no_docker(tmp_path):
    done = lab(
        "run", "--recorded", "--out", tmp_path, DOCKER_HOST="unix:///nowhere", PATH="/nowhere"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Recorded: measured ")
    for name in ("matrix.html", "matrix.md"):
        assert "Recorded: measured " in (tmp_path / name).read_text().splitlines()[0]
    assert (tmp_path / "matrix.png").exists()


def test_recorded_results_for_a_program(tmp_path):
    done = lab("run", "--recorded", "--json", "--out", tmp_path)
    matrix = json.loads(done.stdout)
    assert matrix["mode"] == "recorded"
    assert list(matrix["measured"]) == [profile.name for profile in versions.profiles()]


def test_one_profile_alone(tmp_path):
    done = lab("run", "calico", "--recorded", "--json", "--out", tmp_path)
    assert list(json.loads(done.stdout)["measured"]) == ["calico"]


def test_without_docker_the_results_are_the_recorded_ones(tmp_path):
    done = lab("run", "--json", "--out", tmp_path, DOCKER_HOST="unix:///nowhere")
    assert json.loads(done.stdout)["mode"] == "recorded"
    assert "Docker" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["up", "weave"], "no profile 'weave'; choose from flannel, calico, cilium, canal"),
        (["run", "--live", "--recorded"], "exclude each other"),
        (["run", "--recorded", "--case", "deny-all"], "shown whole"),
        (["run", "--record"], "give --live"),
        (["run", "--runs", "3"], "--runs measures several times: give --live"),
        (["run", "--live", "--runs", "0"], "runs"),
        (["run", "--live", "--case", "nothing"], "no case 'nothing'"),
        (["up", "--images", "cloud"], "cloud"),
        (["workshop", "--end", "--participants", "3"], "exclude each other"),
        (["workshop", "--participants", "0"], "participants"),
        (["fly"], "fly"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(arguments, complaint):
    done = lab(*arguments)
    assert done.returncode == 2
    assert complaint in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["up", "status", "down"])
def test_without_docker_clusters_cannot_be(command):
    done = lab(command, DOCKER_HOST="unix:///nowhere")
    assert done.returncode == 3
    assert "Docker does not answer" in done.stderr


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = lab("run", "--recorded", "--out", tmp_path / "file")
    assert done.returncode == 3
    assert str(tmp_path / "file") in done.stderr


def test_further_reports_are_columns_and_junit_has_a_suite_each(tmp_path):
    one = json.loads((ROOT / "labsupport" / "recordings" / "calico.json").read_text())
    one["implementation"] |= {"profile": "verify-ours", "title": "ours"}
    (tmp_path / "ours.json").write_text(json.dumps(one))
    done = lab(
        "run", "calico", "--recorded", "--with", tmp_path / "ours.json", "--out", tmp_path,
        "--junit", tmp_path / "junit.xml",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "| Calico | ours |" in (tmp_path / "matrix.md").read_text()
    assert (tmp_path / "junit.xml").read_text().count("<testsuite ") == 2
