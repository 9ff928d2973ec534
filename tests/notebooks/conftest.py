"""Tests of the notebooks' machinery with real kernels; no Docker, no cluster."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labsupport import notebooks, paths


class Nbval:
    """Runs `pytest --nbval` on a copy of a folder of notebooks, in recorded mode."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "NETPOL_LAB_MODE": "recorded"}
        self.environment["PYTHONPATH"] = str(paths.ROOT)
        for name in ("conftest.py", "sanitize.cfg", "start.py"):
            (folder / name).write_bytes((notebooks.FOLDER / name).read_bytes())

    def __call__(self, path: Path, **environment: str) -> str:
        """What pytest printed, its exit code last."""
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--nbval", "-p", "no:cacheprovider", "-rs", str(path)],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
        )
        return f"{done.stdout}{done.stderr}\nexit code {done.returncode}"


@pytest.fixture
def nbval(tmp_path):
    return Nbval(tmp_path)
