"""What this process remembers of blocks and filters: a copy that is about a second old, compared by revision.

While nothing changes, keeping it true costs one small statement a second, if anybody calls.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from horde.errors import Overloaded
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.db.queries import load
from horde.server.memory import Copy
from horde.server.moderation.filterset import Filter, FilterSet
from horde.server.moderation.networks import Block, Networks

sql = load(__package__)

Subject = Literal["blocks", "filters"]
BLOCKS_MAX = 100_000
"""Of more, those that end first are not looked at; each takes half a kilobyte."""
FILTERS_MAX = 1000
UNASKED_MAX = timedelta(seconds=10)
"""A copy that nobody asked for in so long is made anew before it is used: it may be of yesterday."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Who and what is kept out, at one moment."""

    blocks: Networks = field(default_factory=Networks)
    filters: FilterSet = field(default_factory=FilterSet)
    revisions: tuple[tuple[str, int], ...] = ()


class Watch:
    """This process's copy."""

    def __init__(self) -> None:
        self._copy = Copy(_look)
        self._asked_at: datetime | None = None
        self._is_doubted = False
        self._looking: asyncio.Task[Watched] | None = None

    async def read(self, ctx: Context) -> Watched:
        """What is kept out, as of about a second ago. Raises Overloaded where that cannot be known."""
        if self._asked_at is not None and ctx.now - self._asked_at > UNASKED_MAX:
            self.doubt()
        self._asked_at = ctx.now
        if self._is_doubted:
            return await self._look_once_for_all(ctx)
        return await self._copy.read(ctx, now=ctx.now, period_s=ctx.services.settings.refresh_s)

    def doubt(self) -> None:
        """Have it looked at anew before anybody uses it."""
        self._is_doubted, self._looking = True, None

    async def _look_once_for_all(self, ctx: Context) -> Watched:
        looking = self._looking
        if looking is None:
            looking = asyncio.create_task(self._copy.read(ctx, now=ctx.now, period_s=0), name="watch")
            self._looking = looking
        try:
            # Shielded: who hangs up does not take it from the others.
            found = await asyncio.shield(looking)
        except Overloaded:
            if self._looking is looking:
                self._looking = None
            raise
        if self._looking is looking:
            self._is_doubted, self._looking = False, None
        return found


async def watched(ctx: Context) -> Watched:
    """What is kept out, as this process remembers it."""
    return await ctx.remembered(Watch).read(ctx)


async def revise(ctx: Context, tx: Tx, subject: Subject) -> None:
    """Let every process hear of what the transaction changes, this one as soon as it is committed.

    To be called first in the transaction: changes of a subject come one after the other.
    """
    await tx.run(sql.revise, subject=subject)
    tx.when_committed(ctx.remembered(Watch).doubt)


async def _look(ctx: Context, before: Watched | None) -> Watched:
    before = before or Watched()
    # The revisions first: what is changed after this look is read below, and read again next time.
    async with ctx.database.statement() as tx:
        revisions = tuple(sorted(await tx.all(sql.revisions, _revision)))
    if revisions == before.revisions:
        return before
    known = dict(before.revisions)
    blocks, filters = before.blocks, before.filters
    for subject, revision in revisions:
        if known.get(subject) == revision:
            continue
        async with ctx.database.statement() as tx:
            if subject == "blocks":
                blocks = Networks(await tx.all(sql.blocks_in_force, Block, now=ctx.now, limit=BLOCKS_MAX))
            else:
                found = await tx.all(sql.all_filters, Filter, limit=FILTERS_MAX)
                # Beside the loop: a thousand expressions take a second.
                filters = await asyncio.to_thread(FilterSet, found)
    return Watched(blocks, filters, revisions)


def _revision(*, subject: str, revision: int) -> tuple[str, int]:
    return subject, revision
