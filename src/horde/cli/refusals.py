"""What a horde refuses, said as a command says it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from horde.cli.output import FAILED, MISUSED, CommandFailed
from horde.errors import BadInput, HordeError


@contextmanager
def refusals() -> Iterator[None]:
    """Turn a HordeError into the end of the command, with its message and hint.

    The status tells who has to act: MISUSED for input that cannot be used, FAILED for all that the horde refuses.
    """
    try:
        yield
    except HordeError as error:
        status = MISUSED if isinstance(error, BadInput) else FAILED
        raise CommandFailed(error.message, hint=error.hint, status=status) from error
