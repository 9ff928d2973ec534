"""Interruptions that leave time to tidy up."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from labsupport import console


@contextmanager
def once_only() -> Iterator[None]:
    """Let the first signal interrupt the work, and no other the removal that follows."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told = False

    def once(number: int, frame: FrameType | None) -> None:
        nonlocal told
        if told:
            console.say("Removing what was made; this takes a few seconds.")
            return
        told = True
        raise KeyboardInterrupt

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, once) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
