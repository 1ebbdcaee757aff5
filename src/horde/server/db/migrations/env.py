"""Runs the revisions inside one transaction, under a lock that all nodes share."""

from __future__ import annotations

import asyncio

import asyncpg
from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

MIGRATION_LOCK = 0x486F726465
"""Any number that nobody else uses as an advisory lock: the letters "Horde"."""
LOCK_TIMEOUT = "10s"
"""A migration that cannot have its table lock gives up instead of stopping all traffic behind it."""


async def run() -> None:
    """Connect and upgrade."""
    url = context.config.attributes["database_url"]
    # The driver reads the URL itself, so that every form that asyncpg takes works here too.
    engine = create_async_engine(
        "postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: asyncpg.connect(url)
    )
    async with engine.connect() as connection:
        await connection.run_sync(upgrade)
        await connection.commit()
    await engine.dispose()


def upgrade(connection: Connection) -> None:
    """Apply the missing revisions."""
    context.configure(connection=connection)
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        context.run_migrations()


asyncio.run(run())
