"""What a prober speaks with: a command that runs somewhere and answers lines with lines."""

from typing import Protocol

from labsupport.errors import LabError


class ExecFailed(LabError):
    """A command in a pod could not be run, or did not end in time."""


class Conversation(Protocol):
    """A command that answers each line on its input with some lines."""

    def ask(self, question: str, last: str, timeout: float) -> list[str]:
        """Send a line; the lines of the answer, up to and without the line `last`.

        Raises:
            ExecFailed: the command ended, or `last` did not come within `timeout` seconds.
        """

    def close(self) -> None:
        """End the command."""
