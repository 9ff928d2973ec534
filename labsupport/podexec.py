"""Commands that run in pods and converse: started within a limit, asked line by line."""

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import urllib3
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream
from websocket import WebSocketException

from labsupport.conversation import ExecFailed

START_SECONDS = 15.0
"""How long the node of a pod has to take a command; one that is frozen never does."""

_STREAM_ERRORS = (ApiException, WebSocketException, OSError, urllib3.exceptions.HTTPError)


class Unanswered(ExecFailed):
    """The node did not take a command in time, and the client that asked still waits."""


class PodConversation:
    """A command that runs in a pod and answers each line on its input with some lines."""

    def __init__(self, channel: Any, where: str) -> None:
        self._channel, self._where = channel, where  # a kubernetes.stream WSClient, untyped

    def ask(self, question: str, last: str, timeout: float) -> list[str]:
        """Send a line and return the lines of the answer, up to and without the line `last`.

        Raises:
            ExecFailed: the command ended, or `last` did not come within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        lines: list[str] = []
        try:
            self._channel.write_stdin(f"{question}\n")
            while (left := deadline - time.monotonic()) > 0 and self._channel.is_open():
                line = self._channel.readline_stdout(timeout=left)
                if line == last:
                    return lines
                lines.append(line)
        except _STREAM_ERRORS as error:
            raise ExecFailed(f"the exec into {self._where} broke: {message(error)}") from None
        ended = "gave no answer in time" if self._channel.is_open() else "ended"
        raise ExecFailed(f"the command in {self._where} {ended}")

    def close(self) -> None:
        """End the command; its input ends, and with it its loop."""
        with contextlib.suppress(*_STREAM_ERRORS):
            self._channel.close()


def start(
    core: client.CoreV1Api, namespace: str, pod: str, command: Sequence[str]
) -> PodConversation:
    """Start a command in a pod's first container that answers lines with lines.

    Raises:
        Unanswered: its node did not take it in time; `core` is to be used no more.
        ExecFailed: it could not be started.
    """
    where, begin = f"{namespace}/{pod}", core.connect_get_namespaced_pod_exec
    fixed = {"stdin": True, "stdout": True, "stderr": True, "tty": False}

    def converse() -> PodConversation:
        channel = stream(
            begin, pod, namespace, command=list(command), **fixed, _preload_content=False
        )
        return PodConversation(channel, where)

    try:
        return _within(START_SECONDS, converse)
    except _STREAM_ERRORS as error:
        raise ExecFailed(f"no exec into {where}: {message(error)}") from None
    except queue.Empty:
        raise Unanswered(f"no exec into {where}: its node does not answer") from None


def message(error: BaseException) -> str:
    """What an API error says, without its headers; the first line of anything else."""
    if isinstance(error, ApiException) and error.body:
        body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else error.body
        with contextlib.suppress(ValueError, TypeError, KeyError):
            return str(json.loads(body)["message"])[:300]
        return str(body)[:300]
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def _within(seconds: float, start: Callable[[], PodConversation]) -> PodConversation:
    """Start a conversation, in a thread, for the client gives the start of one no limit.

    Raises:
        queue.Empty: it took longer. It is ended should it start after all.
    """
    begun: queue.SimpleQueue[PodConversation | BaseException] = queue.SimpleQueue()
    late = threading.Event()

    def run() -> None:
        try:
            conversation = start()
        except BaseException as error:
            begun.put(error)
            return
        begun.put(conversation)
        if late.is_set():
            _end(conversation)

    threading.Thread(target=run, daemon=True).start()
    try:
        found = begun.get(timeout=seconds)
    except queue.Empty:
        late.set()
        with contextlib.suppress(queue.Empty):  # it started in this very moment
            _end(begun.get_nowait())
        raise
    if isinstance(found, BaseException):
        raise found
    return found


def _end(found: PodConversation | BaseException) -> None:
    if not isinstance(found, BaseException):
        found.close()
