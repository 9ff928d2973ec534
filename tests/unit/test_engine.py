"""A dockerd of the lab's own, started for real beside any other and ended by its id."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from labsupport import dockerd, engine, findings, machine
from labsupport.dockerd import Engine
from labsupport.errors import MachineCannot

needs_dockerd = pytest.mark.skipif(
    not (shutil.which("dockerd") and shutil.which("docker") and machine.is_root()),
    reason="needs dockerd and root",
)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """An engine with everything in a folder and a network namespace of its own.

    Without the namespace, a dockerd told to have no bridge removes the other one's docker0.
    """
    apart = tmp_path / "bin" / "dockerd"
    apart.parent.mkdir()
    apart.write_text(f'#!/bin/sh\nexec unshare --net {shutil.which("dockerd")} "$@"\n')
    apart.chmod(0o755)
    monkeypatch.setenv("PATH", f"{apart.parent}:{os.environ['PATH']}")
    # Paths of sockets are limited to 108 bytes, which pytest's folders may exceed.
    home = Path(tempfile.mkdtemp(prefix="lab-"))
    alone = {"bridge": "none", "iptables": False, "ip-forward": False}
    engine = Engine(home, home / "run", home / "docker.sock", alone)
    yield engine
    dockerd.stop(engine)
    # A killed dockerd leaves its data mounted on itself.
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for place in (place for place in mounted if place.startswith(f"{home}/")):
        subprocess.run(["umount", "--lazy", place], check=True)
    shutil.rmtree(home)


@needs_dockerd
def test_starts_once_survives_being_killed_and_stops(own):
    dockerd.start(own)
    first = dockerd.running(own)
    assert first is not None
    assert dockerd.answers(own)

    dockerd.start(own)
    assert dockerd.running(own) == first

    os.kill(first, signal.SIGKILL)
    until(lambda: dockerd.running(own) is None)
    containerd = own.exec_root / "containerd" / "containerd.pid"
    for stale in (own.pidfile, containerd):  # ids that others got since
        stale.write_text(str(os.getpid()))
    dockerd.start(own)
    second = dockerd.running(own)
    assert second not in (None, first)

    assert dockerd.stop(own) is True
    assert not dockerd.answers(own)
    assert dockerd.stop(own) is False


@needs_dockerd
def test_failure_to_start_shows_the_end_of_the_log(own):
    own.log.write_text("lines of an earlier start\n")
    broken = replace(own, options={**own.options, "storage-driver": "no-such-driver"})
    with pytest.raises(MachineCannot, match="driver not supported") as failure:
        dockerd.start(broken)
    assert "earlier" not in str(failure.value)
    assert "level=info" not in str(failure.value)
    dockerd.start(own)
    assert dockerd.answers(own)


@needs_dockerd
def test_oci_runtime_is_ours_only_without_sys_resource(own):
    dockerd.start(own)
    config = json.loads(own.config.read_text())
    if machine.sys_resource():
        assert "default-runtime" not in config
    else:
        assert config["default-runtime"] == findings.RUNTIME
        assert os.access(config["runtimes"][findings.RUNTIME]["path"], os.X_OK)


@pytest.mark.parametrize(
    "content", [pytest.param(str(os.getpid()), id="own"), "4194304", "nonsense", ""]
)
def test_process_of_another_program_is_never_taken_for_the_engine(tmp_path, content):
    other = Engine(home=tmp_path)
    other.pidfile.write_text(content)
    assert dockerd.running(other) is None
    assert dockerd.stop(other) is False


def test_live_pid_files_are_kept_and_stale_ones_removed(tmp_path):
    other = Engine(home=tmp_path, exec_root=tmp_path / "run")
    other.pidfile.write_text(str(os.getpid()))
    dockerd.clear_stale(other)
    assert not other.pidfile.exists()
    dockerd.clear_stale(other)


@pytest.mark.skipif(not shutil.which("dpkg-query"), reason="needs dpkg")
def test_debian_packages_are_told_installed_or_not():
    assert engine.is_installed("dpkg")
    assert not engine.is_installed("no-such-package")
    engine.install(["dpkg"])  # nothing is missing, so nothing is asked of apt-get


def test_engine_refuses_where_it_cannot_install(monkeypatch):
    monkeypatch.setattr(machine, "is_root", lambda: False)
    expected = "root" if machine.is_debian() else "Debian and Ubuntu"
    with pytest.raises(MachineCannot, match=expected):
        engine.start()


def until(done) -> None:
    """Wait for a condition, at most half a minute."""
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)
