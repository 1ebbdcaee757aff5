"""Looks into the PostgreSQL of a server under test: deadlocks, transactions, and who waits long for a lock."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

LONG_WAIT_MS = 100
SAMPLE_S = 0.05
COUNTS = "SELECT deadlocks, xact_commit, xact_rollback FROM pg_stat_database WHERE datname = current_database()"
# A wait is one process that waits since one moment, however often it is seen.
LONG_WAITS = f"""
SELECT pid, waitstart FROM pg_locks
WHERE NOT granted AND waitstart < clock_timestamp() - interval '{LONG_WAIT_MS} milliseconds'
"""  # noqa: S608 - a constant of ours
SETTLED_S = 10.5
"""A PostgreSQL process that goes idle reports its last counts within ten seconds (PGSTAT_IDLE_INTERVAL)."""


@dataclass(slots=True)
class Contention:
    """What stood in each other's way while it was watched."""

    deadlocks: int = 0
    long_waits: int = 0
    commits: int = 0
    rollbacks: int = 0


@asynccontextmanager
async def watched(data_dir: Path, *, settled_s: float = SETTLED_S) -> AsyncIterator[Contention]:
    """Fills what it yields when the block ends. Only for a PostgreSQL that the server under test started."""
    host, port = _address(data_dir)
    connection = await asyncpg.connect(host=host, port=port, user="horde", database="postgres")
    found = Contention()
    seen: set[tuple[object, object]] = set()
    try:
        before = await connection.fetchrow(COUNTS)
        is_over = asyncio.Event()
        sampler = asyncio.create_task(_sample(connection, seen, is_over))
        try:
            yield found
        finally:
            is_over.set()
            await sampler
        await asyncio.sleep(settled_s)
        after = await connection.fetchrow(COUNTS)
        assert before is not None
        assert after is not None
        found.deadlocks, found.commits, found.rollbacks = (int(b) - int(a) for a, b in zip(before, after, strict=True))
        found.long_waits = len(seen)
    finally:
        await connection.close()


async def _sample(connection: asyncpg.Connection, seen: set[tuple[object, object]], is_over: asyncio.Event) -> None:
    while not is_over.is_set():
        rows = await connection.fetch(LONG_WAITS)
        seen.update((row["pid"], row["waitstart"]) for row in rows)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(is_over.wait(), SAMPLE_S)


def _address(data_dir: Path) -> tuple[str, int]:
    # Lines of postmaster.pid: process, directory, start, port, directory of the socket (PostgreSQL's manual, "Database
    # file layout").
    lines = (data_dir / "postgres" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    return lines[4].strip(), int(lines[3])
