"""Reads the server's settings for a command, from its flags and the environment."""

from __future__ import annotations

import msgspec

from horde.cli.output import CommandFailed
from horde.environment import BadSetting
from horde.server.settings import Settings


def read_settings(**flags: object) -> Settings:
    """The settings, with the data directory's full name; a flag that is not None wins over the environment.

    Raises CommandFailed for a setting that cannot be used.
    """
    try:
        settings = Settings.from_environment(None, **flags)
    except BadSetting as error:
        raise CommandFailed(str(error), hint="correct the flag or the variable, or leave it away") from error
    return msgspec.structs.replace(settings, data_dir=settings.data_dir.expanduser().resolve())
