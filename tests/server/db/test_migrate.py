"""Any number of nodes may bring a database up to date, at once and again."""

import asyncio
import sys
from collections.abc import AsyncIterator

import asyncpg
import pytest

from horde.server.db.migrate import migrate
from tests.plugins.databases import fresh_database

SCHEMA = """
SELECT table_name, column_name, data_type FROM information_schema.columns
WHERE table_schema = 'public' ORDER BY 1, 2
"""
PROGRAM = "import asyncio, sys; from horde.server.db.migrate import migrate; asyncio.run(migrate(sys.argv[1]))"


@pytest.fixture
async def empty_url(postgres_url: str) -> AsyncIterator[str]:
    """A database with nothing in it."""
    async with fresh_database(postgres_url, "template1") as url:
        yield url


async def schema(url: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(SCHEMA)]
    finally:
        await connection.close()


async def first_rows(url: str) -> tuple[object, ...]:
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM keys), (SELECT count(*) FROM ledger_accounts),"
            " (SELECT count(*) FROM alembic_version)"
        )
        return tuple(row or ())
    finally:
        await connection.close()


async def test_empty_database_is_brought_to_the_newest_schema(empty_url: str, database_url_shared: str) -> None:
    await migrate(empty_url)

    assert await schema(empty_url) == await schema(database_url_shared)
    assert await first_rows(empty_url) == (1, 1, 3, 1)


async def test_migrating_twice_changes_nothing(database_url: str) -> None:
    before = await schema(database_url)

    await migrate(database_url)

    assert await schema(database_url) == before
    assert await first_rows(database_url) == (1, 1, 3, 1)


async def test_nodes_that_migrate_at_once_queue_and_do_it_once(empty_url: str, database_url_shared: str) -> None:
    programs = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, empty_url, stderr=asyncio.subprocess.PIPE)
        for _ in range(3)
    ]

    ends = [(await program.communicate())[1] for program in programs]

    assert [program.returncode for program in programs] == [0, 0, 0], ends
    assert await schema(empty_url) == await schema(database_url_shared)
    assert await first_rows(empty_url) == (1, 1, 3, 1)


async def test_database_that_is_away_is_told_and_not_waited_for(database_url: str) -> None:
    with pytest.raises((OSError, asyncpg.PostgresError)):
        await migrate("postgresql://horde@127.0.0.1:1/nowhere")
