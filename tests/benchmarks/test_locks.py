"""What is told of locks is what really happened in a PostgreSQL."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from benchmarks.locks import LONG_WAIT_MS, watched
from horde.server.db.embedded import EmbeddedPostgres


async def test_long_waits_and_deadlocks_are_counted(data_dir: Path) -> None:
    postgres = EmbeddedPostgres(data_dir, options={"fsync": "off", "deadlock_timeout": "20ms"})
    url = postgres.start()
    try:
        one, other = await asyncpg.connect(url), await asyncpg.connect(url)
        await one.execute("CREATE TABLE a (); CREATE TABLE b ()")
        async with watched(data_dir, settled_s=0) as found:
            await wait_longer_than_allowed(one, other)
            await wait_in_a_ring(one, other)
            for connection in (one, other):
                await connection.execute("SELECT pg_stat_force_next_flush()")
        await one.close()
        await other.close()
    finally:
        postgres.stop()

    assert (found.long_waits, found.deadlocks) == (1, 1)


async def wait_longer_than_allowed(holder: asyncpg.Connection, waiter: asyncpg.Connection) -> None:
    async with holder.transaction():
        await holder.execute("LOCK TABLE a")
        await waiter.execute(f"SET lock_timeout = {LONG_WAIT_MS * 5}")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await waiter.execute("SELECT FROM a")
        await waiter.execute("SET lock_timeout = 0")


async def wait_in_a_ring(one: asyncpg.Connection, other: asyncpg.Connection) -> None:
    await one.execute("BEGIN; LOCK TABLE a")
    await other.execute("BEGIN; LOCK TABLE b")
    told = await asyncio.gather(one.execute("LOCK TABLE b"), other.execute("LOCK TABLE a"), return_exceptions=True)
    await one.execute("ROLLBACK")
    await other.execute("ROLLBACK")
    assert [type(each) for each in told].count(asyncpg.DeadlockDetectedError) == 1
