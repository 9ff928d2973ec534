"""What a learner's own mistakes look like in a real kernel."""

import time
from queue import Empty

import pytest
from jupyter_client.manager import start_new_kernel

from labsupport import failures, notebooks

OPEN = 'import start\nfrom labsupport.lesson import Lesson\nlesson = Lesson("77")'


@pytest.fixture
def kernel(monkeypatch):
    monkeypatch.setenv("NETPOL_LAB_MODE", "recorded")
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(notebooks.FOLDER))
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def messages(client, request):
    """What a cell sends to the page until it ends, by the kind of message."""
    found = {}
    while True:
        try:
            message = client.get_iopub_msg(timeout=60)
        except Empty:
            pytest.fail("the kernel fell silent")
        if message["parent_header"].get("msg_id") != request:
            continue
        found.setdefault(message["msg_type"], []).append(message["content"])
        if message["content"].get("execution_state") == "idle":
            return found


def error_of(client, source):
    (error,) = messages(client, client.execute(source))["error"]
    return error["traceback"]


def test_errors_are_one_sentence_and_others_keep_their_traceback(kernel):
    _, client = kernel
    assert "error" not in messages(client, client.execute(OPEN))
    (line,) = error_of(client, 'lesson.measure("deny-all", "weave")')
    assert "weave" in line
    (line,) = error_of(client, 'from labsupport import failures\nfailures.read_policy("a: [")')
    assert "not YAML" in line
    assert len(error_of(client, "1 / 0")) > 1


def test_an_interrupt_is_one_sentence_and_the_kernel_lives(kernel):
    manager, client = kernel
    messages(client, client.execute(OPEN))
    request = client.execute("import time\nprint('begun', flush=True)\ntime.sleep(600)")
    while client.get_iopub_msg(timeout=60)["msg_type"] != "stream":
        time.sleep(0)
    manager.interrupt_kernel()
    (error,) = messages(client, request)["error"]
    (line,) = error["traceback"]
    assert failures.INTERRUPTED in line
    assert "error" not in messages(client, client.execute("lesson.mode"))


def test_a_wrong_kernel_is_told_which_to_choose(kernel):
    _, client = kernel
    hide = "import importlib.util as u\nu.find_spec = lambda name: None\nimport start"
    traceback = error_of(client, hide)
    assert len(traceback) == 1
    assert "./lab notebook" in traceback[0]
