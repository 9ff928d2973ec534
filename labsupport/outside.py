"""A host outside the clusters: a container on the network that kind's nodes are on.

Pods reach it by its address or its name, which Docker's DNS answers; it reaches pods
through node ports. One container serves all clusters of the lab.
"""

import queue
import subprocess
import threading
import time

from labsupport import docker, versions
from labsupport.cast import Cast
from labsupport.conversation import ExecFailed

NAME = "netpol-lab-outside"
NETWORK = "kind"
_LABEL = "netpol-lab.role=outside"


def ensure(actors: Cast) -> str:
    """Start the container where it does not run, and return its address."""
    running = docker.run(
        "ps", "--filter", f"name=^{NAME}$", "--filter", f"label={_LABEL}", "--format", "{{.Image}}"
    ).strip()
    if running != versions.image("agnhost").name:
        remove()
        serves = [
            word
            for protocol, ports in actors.ports.items()
            for port in ports
            if protocol != "SCTP"
            for word in ("--env", f"SERVE_{protocol}_PORT_{port}=outside")
        ]
        docker.run(
            "run", "--detach", "--name", NAME, "--label", _LABEL, "--network", NETWORK,
            "--cap-drop", "ALL", "--user", "65534", "--security-opt", "no-new-privileges",
            "--restart", "unless-stopped", *serves, versions.image("agnhost").name, "porter",
        )  # fmt: skip
    form = f'{{{{(index .NetworkSettings.Networks "{NETWORK}").IPAddress}}}}'
    return docker.run("inspect", "--format", form, NAME).strip()


def remove() -> None:
    """Delete the container, where there is one and it is the lab's."""
    theirs = docker.run(
        "ps", "--all", "--quiet", "--filter", f"name=^{NAME}$", "--filter", f"label={_LABEL}"
    ).split()
    if theirs:
        docker.run("rm", "--force", "--volumes", *theirs)


class ContainerConversation:
    """A command in the container that answers each line on its input with some lines."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self._process = subprocess.Popen(
            ["docker", "exec", "--interactive", NAME, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, question: str, last: str, timeout: float) -> list[str]:
        """Send a line and return the lines of the answer, up to and without the line `last`.

        Raises:
            ExecFailed: the command ended, or `last` did not come within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        lines: list[str] = []
        try:
            assert self._process.stdin is not None  # noqa: S101 (it was asked for)
            print(question, file=self._process.stdin, flush=True)
            while (line := self._lines.get(timeout=max(0, deadline - time.monotonic()))) != last:
                if line is None:
                    raise ExecFailed(f"the command in {NAME} ended")
                lines.append(line)
        except queue.Empty:
            raise ExecFailed(f"the command in {NAME} gave no answer in time") from None
        except OSError as error:
            raise ExecFailed(f"the command in {NAME} broke: {error}") from None
        return lines

    def close(self) -> None:
        """End the command."""
        self._process.terminate()
        self._process.wait()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)
