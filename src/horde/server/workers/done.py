"""What the whole horde has done lately, as this process remembers it. Counted by record.py, as it happens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from horde.server.context import Context
from horde.server.memory import Copy
from horde.server.workers.record import SLICE_S
from horde.server.workers.roster import sql

LATELY = timedelta(hours=1)
"""How far back speeds of models go (contract/lifecycle.md, section 15)."""
MINUTE = timedelta(minutes=1)
PERIODS = SLICE_S
"""How many times as old as other pictures of the horde this one may be: it is made of slices of some seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _ModelDone:
    kind: str
    model: str
    things: int
    busy_s: float
    things_in_minute: int


class Done:
    """The work of the last hour."""

    def __init__(self, models: Iterable[_ModelDone]) -> None:
        self._models = {(done.kind, done.model): done for done in models}

    def speed(self, kind: str, model: str) -> float:
        """Things per second of one job with this model, on average; 0 where none was done."""
        done = self._models.get((kind, model))
        return done.things / done.busy_s if done and done.busy_s else 0.0

    def in_past_minute(self, kind: str) -> int:
        """Things of this kind that were delivered in the last six slices, of which the last is not full yet."""
        return sum(done.things_in_minute for (of_kind, _), done in self._models.items() if of_kind == kind)


class Lately:
    """This process's copy of it."""

    def __init__(self) -> None:
        self._copy = Copy(_read)

    async def read(self, ctx: Context) -> Done:
        """The work of the last hour, about a slice old at most. Raises Overloaded at the start without a database."""
        return await self._copy.read(ctx, now=ctx.now, period_s=PERIODS * ctx.services.settings.refresh_s)


async def done_lately(ctx: Context) -> Done:
    """The work of the last hour, as this process remembers it."""
    return await ctx.remembered(Lately).read(ctx)


async def _read(ctx: Context, _previous: Done | None) -> Done:
    async with ctx.database.statement() as tx:
        found = await tx.all(sql.done_since, _ModelDone, since=ctx.now - LATELY, minute=slice_after(ctx.now - MINUTE))
    return Done(found)


def slice_after(moment: datetime) -> datetime:
    """The beginning of the slice after the one in which the moment lies."""
    seconds = int(moment.timestamp()) // SLICE_S * SLICE_S + SLICE_S
    return datetime.fromtimestamp(seconds, tz=moment.tzinfo)
