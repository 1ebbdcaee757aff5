"""The database of a command: the one that DATABASE_URL names, or our own for as long as the command runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import asyncpg

from horde.cli.output import CommandFailed
from horde.server.db.datadir import EmbeddedError
from horde.server.db.embedded import EmbeddedPostgres
from horde.server.settings import Settings

CONNECT_S_MAX = 10.0


@contextmanager
def database_for(settings: Settings, pause: Callable[[float], None]) -> Iterator[str]:
    """How to connect to the database, which answers. Raises CommandFailed where there is none."""
    if settings.database_url:
        reach_database(settings.database_url)
        yield settings.database_url
        return
    postgres = EmbeddedPostgres(settings.data_dir, pause=pause)
    try:
        url = postgres.start()
    except EmbeddedError as error:
        raise CommandFailed(error.message, hint=error.hint) from error
    try:
        yield url
    finally:
        postgres.stop()


def reach_database(url: str) -> None:
    """Raise CommandFailed unless a database answers: one clear line, not a server that cannot start."""
    try:
        asyncio.run(_connect_once(url))
    except (OSError, ValueError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = str(error).splitlines()[0] if str(error) else f"no answer within {CONNECT_S_MAX:.0f} s"
        raise CommandFailed(
            f"the database {_public(url)} cannot be used: {reason}",
            hint="check DATABASE_URL (postgresql://user:password@host:5432/name), or unset it for our own",
        ) from error


async def _connect_once(url: str) -> None:
    connection = await asyncpg.connect(url, timeout=CONNECT_S_MAX)
    await connection.close()


def _public(url: str) -> str:
    """The part of the address that holds no password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "of DATABASE_URL"
    return f"{parts.hostname or 'on this machine'}{parts.path}"
