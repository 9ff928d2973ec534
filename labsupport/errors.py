"""Errors a user can act on: one sentence each, and the exit code it ends with."""


class LabError(Exception):
    """Something the user should read: what is wrong, where, and what to do.

    The command line prints the message alone, without a traceback, and ends with
    `exit_code`.
    """

    exit_code = 1


class CheckFailed(LabError):
    """A check that the user asked for did not hold."""

    exit_code = 1


class WrongUse(LabError):
    """The command, a file or an argument is not what the lab expects."""

    exit_code = 2


class MachineCannot(LabError):
    """This machine cannot do what was asked: a program, a right or room is missing."""

    exit_code = 3
