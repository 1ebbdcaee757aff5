"""How a command speaks: what was asked for goes to stdout, everything else to stderr.

A command that cannot go on raises CommandFailed; `horde.cli.main.run` alone prints it and ends the process.
"""

from __future__ import annotations

import contextlib
import sys

FAILED = 1
"""Exit status: the command ran, and what it was for did not happen."""
MISUSED = 2
"""Exit status: the command could not begin: wrong usage, a bad setting, a taken port, a broken directory."""
INTERRUPTED = 130
"""Exit status: Ctrl-C; 128 + SIGINT, as shells have it."""


class CommandFailed(Exception):
    """A command cannot go on; `message` says what happened, with the values, and `hint` the next step."""

    def __init__(self, message: str, *, hint: str = "", status: int = MISUSED) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status


def answer(text: str) -> None:
    """Write a line of what the command was asked for; a pipe may read it, so nothing else goes there."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Write a line for the person who waits: progress, notes, warnings."""
    # A terminal that was closed must not keep a command from cleaning up behind itself.
    with contextlib.suppress(OSError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def complain(message: str, hint: str = "") -> None:
    """Write an error as every command writes it: one line, and after a blank line the next step."""
    say(f"error: {message}\n\nhint: {hint}" if hint else f"error: {message}")
