"""Wait for a condition, with a limit."""

import time


def poll(condition, limit=120.0):
    """Ask until the condition holds and return its answer; fail after `limit` seconds."""
    deadline = time.monotonic() + limit
    while not (answer := condition()):
        assert time.monotonic() < deadline, "the condition was not met within the limit"
        time.sleep(0.2)
    return answer
