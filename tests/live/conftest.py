"""Live tests run on the four clusters; `./lab test` makes them first."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labsupport import clusters, versions

ROOT = Path(__file__).parents[2]


class Lab:
    """Runs `./lab` as a user would, on this test's own output folder."""

    def __init__(self, out):
        self.out = out

    def __call__(self, *arguments, env=None):
        return subprocess.run(
            [sys.executable, "-m", "labsupport", *arguments],
            cwd=ROOT, env={**os.environ, **(env or {})}, capture_output=True, text=True,
        )  # fmt: skip

    def run(self, *arguments):
        done = self("run", *arguments, "--json", "--out", str(self.out))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def report(self, profile):
        return json.loads((self.out / f"report-{profile}.json").read_text())


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


@pytest.fixture(scope="session")
def flannel():
    return versions.profile("flannel")


@pytest.fixture(scope="session")
def calico():
    return versions.profile("calico")


@pytest.fixture(autouse=True, scope="session")
def _clusters_are_up():
    states = {one.name: clusters.status(one).state for one in versions.profiles()}
    assert set(states.values()) == {clusters.State.READY}, f"run `./lab up` first: {states}"
