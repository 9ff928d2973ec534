"""Commands in pods: started in time or given up, with conversations that are made up."""

import queue
import threading

import pytest

from labsupport import podexec


class Conversation:
    def __init__(self):
        self.closed = threading.Event()

    def close(self):
        self.closed.set()


def test_a_command_that_starts_or_fails_in_time_is_what_it_is():
    conversation = Conversation()
    assert podexec._within(5, lambda: conversation) is conversation
    assert not conversation.closed.is_set()

    def refuse():
        raise OSError("refused")

    with pytest.raises(OSError, match="refused"):
        podexec._within(5, refuse)


def test_a_command_on_a_frozen_node_is_given_up_and_ended_should_it_start_after_all():
    thaws, conversation = threading.Event(), Conversation()

    def start():
        thaws.wait()
        return conversation

    with pytest.raises(queue.Empty):
        podexec._within(0.01, start)
    assert not conversation.closed.is_set()
    thaws.set()
    assert conversation.closed.wait(5)
