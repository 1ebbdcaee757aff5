"""One node at a time: who holds an advisory lock does the duties.

The lock lives as long as its session, so the place of a leader that dies is free as soon as PostgreSQL sees the
connection end, without a clock or a table. It sees that by itself when the process ends; that the machine vanished it
sees by its probes (`DEAD_PEER`), that the process stands still by its silence.
"""

from __future__ import annotations

import contextlib

import asyncpg

from horde.server.db.pool import DEAD_PEER, LOST, milliseconds
from horde.server.db.queries import load

sql = load(__package__)

DUTIES_LOCK = 0x44757479
"""Any number that nobody else uses as an advisory lock: the letters "Duty"."""

SILENCE_S_MAX = 60.0
"""A leader that says nothing for so long leads no more: its process stands still, though its machine answers probes. So
does one that is held up by a duty; then two nodes do duties for a while, which does no harm, as each takes only what it
can lock."""
ANSWER_TIMEOUT_S = 5
"""A database that does not answer for so long is away."""


async def open_session(url: str, *, silence_s_max: float) -> asyncpg.Connection:
    """A connection whose locks are free soon after our machine vanished or said nothing for so long.

    Raises one of `LOST` when the database is away.
    """
    settings = {**DEAD_PEER, "idle_session_timeout": milliseconds(silence_s_max)}
    return await asyncpg.connect(url, timeout=ANSWER_TIMEOUT_S, server_settings=settings)


class Leadership:
    """This node's try to be the one. Close it to step back.

    Who leads must ask `is_held` more often than every `silence_s_max` seconds.
    """

    def __init__(self, url: str, *, silence_s_max: float = SILENCE_S_MAX) -> None:
        self._url = url
        self._silence_s_max = silence_s_max
        self._connection: asyncpg.Connection | None = None
        self._has_lock = False

    async def is_held(self) -> bool:
        """Whether this node leads now; tries to become the leader when nobody is. False when the database is away."""
        try:
            if self._connection is None or self._connection.is_closed():
                self._has_lock = False
                self._connection = await open_session(self._url, silence_s_max=self._silence_s_max)
            if self._has_lock:
                await self._connection.execute("SELECT 1", timeout=ANSWER_TIMEOUT_S)
            else:
                got_lock = await self._connection.fetchval(sql.is_leader.sql, DUTIES_LOCK, timeout=ANSWER_TIMEOUT_S)
                self._has_lock = bool(got_lock)
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
