"""A Docker daemon of the lab's own, for machines where nothing else starts one.

It runs in the background until it is stopped or the machine is. Its process is known by
its process id and by the configuration file on its command line, so that no other
daemon is ever taken for it.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from labsupport import console, findings, machine, paths, programs
from labsupport.errors import LabError, MachineCannot

_WRAPPER = paths.CLUSTERS / "images" / "runc-without-sys-resource"
_START_LIMIT = 60.0
_STOP_LIMIT = 60.0  # dockerd gives containers 15 s to end before it kills them


@dataclass(frozen=True)
class Engine:
    """A dockerd of the lab's own: where it keeps its things, and how it differs.

    Attributes:
        home: data, configuration, process id and log.
        exec_root: sockets and process ids of what dockerd starts in turn.
        socket: where it answers.
        options: more of dockerd's configuration file,
            https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file.
    """

    home: Path = Path("/var/lib/netpol-lab")
    exec_root: Path = Path("/var/run/docker")
    socket: Path = Path("/var/run/docker.sock")
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        """Its configuration file, which also marks its process as the lab's."""
        return self.home / "dockerd.json"

    @property
    def pidfile(self) -> Path:
        """Where dockerd writes its process id."""
        return self.home / "dockerd.pid"

    @property
    def log(self) -> Path:
        """What dockerd printed, of all its starts."""
        return self.home / "dockerd.log"

    @property
    def wrapper(self) -> Path:
        """The OCI runtime; a copy, so that it outlives the checkout it came from."""
        return self.home / "runc-without-sys-resource"


def start(engine: Engine) -> None:
    """Start a dockerd in the background, unless it runs, and wait until it answers.

    Raises:
        MachineCannot: it ended or did not answer in time; the message has its last lines.
    """
    engine.home.mkdir(parents=True, exist_ok=True)
    started = engine.log.stat().st_size if engine.log.exists() else 0
    with console.task(f"starting dockerd, its data and log in {engine.home}", 5):
        process = None
        if running(engine) is None:
            _write_config(engine)
            clear_stale(engine)
            with engine.log.open("ab") as log:
                process = subprocess.Popen(
                    ("dockerd", "--config-file", str(engine.config)),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # it outlives this command and its terminal
                )
        ended = _poll(
            lambda: answers(engine) or (process is not None and process.poll() is not None),
            _START_LIMIT,
        )
        if not ended or not answers(engine):
            if process and process.poll() is None:
                process.terminate()
            raise MachineCannot(f"dockerd does not start: {_last_words(engine.log, started)}")


def stop(engine: Engine) -> bool:
    """End an engine that the lab started, by its process id; False where there is none.

    Raises:
        LabError: it does not end.
    """
    pid = running(engine)
    if pid is None:
        return False
    with console.task("stopping dockerd", 10):
        os.kill(pid, signal.SIGTERM)
        if not _poll(lambda: running(engine) is None, _STOP_LIMIT):
            raise LabError(f"dockerd (process {pid}) does not end; its log is {engine.log}.")
    return True


def running(engine: Engine) -> int | None:
    """The process id of the engine, if it is alive and truly that dockerd."""
    pid = _pid(engine.pidfile)
    words = _command(pid) if pid else []
    return pid if str(engine.config) in words and Path(words[0]).name == "dockerd" else None


def answers(engine: Engine) -> bool:
    """Whether the engine answers on its socket."""
    try:
        host = f"unix://{engine.socket}"
        programs.run("docker", "-H", host, "version", "-f", "{{.Server.Version}}", timeout=5)
    except LabError:
        return False
    return True


def _write_config(engine: Engine) -> None:
    """Write dockerd's configuration; without CAP_SYS_RESOURCE it names the OCI runtime."""
    config: dict[str, object] = {
        "data-root": str(engine.home / "docker"),
        "exec-root": str(engine.exec_root),
        "pidfile": str(engine.pidfile),
        "hosts": [f"unix://{engine.socket}"],
        **engine.options,
    }
    if not machine.sys_resource():
        shutil.copyfile(_WRAPPER, engine.wrapper)
        engine.wrapper.chmod(0o755)
        config["default-runtime"] = findings.RUNTIME
        config["runtimes"] = {findings.RUNTIME: {"path": str(engine.wrapper)}}
    engine.config.write_text(json.dumps(config, indent=2) + "\n")


def clear_stale(engine: Engine) -> None:
    """Remove process ids that a killed engine left behind.

    dockerd takes any live process with such an id for its predecessor or its containerd,
    and ids are given again, at the latest after the machine restarts.
    """
    for file, name in (
        (engine.pidfile, "dockerd"),
        (engine.exec_root / "containerd" / "containerd.pid", "containerd"),
    ):
        pid = _pid(file)
        words = _command(pid) if pid else []
        if not any(name in Path(word).name for word in words[:1]):
            file.unlink(missing_ok=True)


def _pid(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _command(pid: int) -> list[str]:
    """A process's command line; empty for one that is gone or a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
    except OSError:
        return []


def _poll(done: Callable[[], bool], limit: float) -> bool:
    end = time.monotonic() + limit
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def _last_words(log: Path, start: int) -> str:
    """The last lines of the log since `start` that are more than information."""
    lines = log.read_bytes()[start:].decode(errors="replace").strip().splitlines()
    telling = [line for line in lines if not re.search(r"level=(debug|info|warning)", line)]
    return f"{' / '.join((telling or lines)[-3:]) or 'it printed nothing'} (log: {log})"
