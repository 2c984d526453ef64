"""The errors that a user may meet; `pipeline` and `commands` turn them into messages.

In: what went wrong and what to do about it. Out: an exception. Never prints, never exits.
"""

from __future__ import annotations


class PipguardError(Exception):
    """An expected failure, worded for the person who typed the command.

    `reference` is kebab-case and stable, `message` one sentence without a full stop, `hint` the
    next thing to do (empty when there is none), `exit_status` what the process ends with.
    """

    reference = "pipguard-error"
    exit_status = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NoPip(PipguardError):
    """There is no pip to run and no way round; 127 is the shell's status for it."""

    reference = "no-pip"
    exit_status = 127


class BadSetting(PipguardError):
    """A configuration file or environment variable holds a value that is not accepted."""

    reference = "bad-setting"
