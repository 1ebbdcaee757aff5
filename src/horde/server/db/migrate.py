"""Bring a database to the schema of this code: Alembic revisions, forward only."""

from __future__ import annotations

import asyncio
from importlib import resources

from alembic import command
from alembic.config import Config

MIGRATIONS = "horde.server.db.migrations"


async def migrate(database_url: str) -> None:
    """Apply what is missing. Safe to call twice and by several nodes at once: they queue at an advisory lock.

    Raises what the driver raises when the database is away, or when a lock is not had in `lock_timeout`.
    """
    await asyncio.to_thread(command.upgrade, configuration(database_url), "head")


def configuration(database_url: str) -> Config:
    """Alembic's configuration for that database; no file is read."""
    config = Config()
    config.set_main_option("script_location", str(resources.files(MIGRATIONS)))
    config.attributes["database_url"] = database_url
    return config
