"""One node at a time: who holds an advisory lock does the duties.

The lock lives as long as its session, so the place of a leader that dies is free as soon as PostgreSQL sees the
connection end, without a clock or a table.
"""

from __future__ import annotations

import contextlib

import asyncpg

from horde.server.db.pool import LOST
from horde.server.db.queries import load

sql = load(__package__)

DUTIES_LOCK = 0x44757479
"""Any number that nobody else uses as an advisory lock: the letters "Duty"."""


class Leadership:
    """This node's try to be the one. Close it to step back."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self._has_lock = False

    async def is_held(self) -> bool:
        """Whether this node leads now; tries to become the leader when nobody is. False when the database is away."""
        try:
            if self._connection is None or self._connection.is_closed():
                self._has_lock = False
                self._connection = await asyncpg.connect(self._url, timeout=5)
            if self._has_lock:
                await self._connection.execute("SELECT 1", timeout=5)
            else:
                self._has_lock = bool(await self._connection.fetchval(sql.is_leader.sql, DUTIES_LOCK))
        except LOST:
            await self.close()
        return self._has_lock

    async def close(self) -> None:
        """Let another node lead. Safe to call twice."""
        self._has_lock = False
        if self._connection is not None:
            with contextlib.suppress(*LOST):
                await self._connection.close(timeout=1)
            self._connection = None
