"""`./lab` makes its environment and hands over, whatever it finds and however it is called."""

import base64
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from labsupport import paths

TOOLS = ("cat", "cksum", "dirname", "readlink", "rm", "sh")  # all that the script calls
MAIN = "import sys, lab_dependency; print(lab_dependency.VERSION, sys.argv[1:])"


def wheel(folder: Path, version: str) -> str:
    """Write a wheel of one module into `folder`; returns its SHA-256."""
    info = f"lab_dependency-{version}.dist-info"
    files = {
        "lab_dependency.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: lab-dependency\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},{digest(text)},{len(text)}\n" for name, text in files.items())
    path = folder / f"lab_dependency-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(name, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest(text: str) -> str:
    raw = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def lock(root: Path, version: str) -> None:
    """Write a lock file that pins one package, found in a folder beside it."""
    (root / "wheels").mkdir(exist_ok=True)
    sha = wheel(root / "wheels", version)
    (root / "requirements.lock").write_text(
        f"--no-index\n--find-links wheels\nlab-dependency=={version} --hash=sha256:{sha}\n"
    )


@pytest.fixture
def checkout(tmp_path):
    """A checkout with the real script, one small package and a main that uses it."""
    root = tmp_path / "a path with spaces"
    (root / "labsupport").mkdir(parents=True)
    (root / "labsupport" / "__main__.py").write_text(MAIN)
    shutil.copy(paths.ROOT / "lab", root)
    lock(root, "1.0")
    return root


@pytest.fixture
def machine(tmp_path):
    """A folder with the tools that the script calls, to be the whole PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(shutil.which(tool))
    return folder


def start(script, *words, path=None, **variables):
    environment = {**os.environ, **variables, **({"PATH": str(path)} if path else {})}
    return subprocess.Popen(
        [script, *words],
        cwd="/",
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def run(script, *words, **options):
    process = start(script, *words, **options)
    out, err = process.communicate()
    return process.returncode, out, err


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_installs_once_and_again_when_the_lock_file_or_the_place_changes(checkout, machine):
    # An old python3 must not keep a newer one beside it from being found.
    program(machine, "python3", "exit 0")
    program(machine, "python3.12", f'exec "{sys.executable}" "$@"')
    link = machine / "link"
    link.symlink_to(checkout / "lab")
    code, out, err = run(link, "run", "two words", path=machine)
    assert (code, out) == (0, "1.0 ['run', 'two words']\n"), err
    assert err.startswith("lab: installing")
    assert run(checkout / "lab", "x") == (0, "1.0 ['x']\n", "")

    lock(checkout, "2.0")
    activated = f"{checkout / '.venv' / 'bin'}:{os.environ['PATH']}"
    assert run(checkout / "lab", path=activated)[:2] == (0, "2.0 []\n")

    moved = checkout.rename(checkout.with_name("moved"))
    code, out, err = run(moved / "lab")
    assert (code, out) == (0, "2.0 []\n")
    assert err.startswith("lab: installing")


def test_killed_installation_is_done_again(checkout):
    process = start(checkout / "lab")
    until(lambda: (checkout / ".venv" / "bin" / "python").exists())
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    code, out, err = run(checkout / "lab")
    assert (code, out) == (0, "1.0 []\n")
    assert "installing" in err


def test_second_of_two_at_once_waits_for_the_first(checkout):
    first, second = start(checkout / "lab", "1"), start(checkout / "lab", "2")
    ends = [process.communicate() for process in (first, second)]
    assert [out for out, _ in ends] == ["1.0 ['1']\n", "1.0 ['2']\n"], ends
    assert sorted("installing the" in err for _, err in ends) == [False, True]


def test_failed_installation_says_so_and_leaves_nothing_half_made(checkout):
    wrong = (checkout / "requirements.lock").read_text()[:-5] + "0000\n"
    (checkout / "requirements.lock").write_text(wrong)
    code, out, err = run(checkout / "lab")
    assert (code, out) == (3, "")
    assert "lab: installing the packages failed" in err
    assert not (checkout / ".venv" / "made-from").exists()


def test_old_python_is_told_from_none(checkout, machine):
    code, _, err = run(checkout / "lab", path=machine)
    assert code == 3
    assert "Python 3.11 or newer is needed, and here is no python3" in err

    program(machine, "python3", 'case $1 in -V) echo "Python 3.9.2" ;; esac')
    code, _, err = run(checkout / "lab", path=machine)
    assert code == 3
    assert "Python 3.11 or newer is needed, and here is Python 3.9.2" in err
    assert "Traceback" not in err


def test_missing_venv_module_is_named_with_its_package(checkout, tmp_path):
    (tmp_path / "ensurepip.py").write_text("raise ImportError")
    code, _, err = run(checkout / "lab", PYTHONPATH=str(tmp_path))
    assert code == 3
    assert re.search(r"no venv module: .*apt-get install python3\.\d+-venv", err)


def until(done) -> None:
    """Wait for a condition, at most a minute."""
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)
