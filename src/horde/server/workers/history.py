"""What the whole horde has ever done: counted by record.py where a job is settled, and added up as it grows old.

The work of the last hours stands in slices of seconds, that of the last day in hours, that of the last month in days,
and all before in one row for each model. So telling of a hundred million jobs reads a few thousand rows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from horde.kinds.models import MARKS
from horde.server.context import Context
from horde.server.db.queries import Query
from horde.server.memory import Copy
from horde.server.workers.done import slice_after
from horde.server.workers.roster import sql

Period = Literal["minute", "hour", "day", "month", "total"]
WINDOWS: dict[Period, timedelta] = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "month": timedelta(days=30),
}
"""How far back each period goes, to the full slice, hour or day that it holds wholly."""
SLICES_KEPT_FOR = timedelta(minutes=65)
HOURS_KEPT_FOR = timedelta(hours=26)
DAYS_KEPT_FOR = timedelta(days=32)
"""Each a little longer than the window that is made of them."""
PERIODS = 50
"""How many times as old as other pictures of the horde this one may be (contract/api-v2.md, section 1.6)."""
NOT_TOLD = MARKS["special"]
"""How the names of models begin that are for special users alone."""


@dataclass(frozen=True, slots=True)
class Amount:
    """How many jobs, and how many things they were together."""

    jobs: int = 0
    things: int = 0


class History:
    """The work of each kind and model, by period."""

    def __init__(self, amounts: Mapping[tuple[str, Period], Mapping[str, Amount]]) -> None:
        self._amounts = amounts
        self._totals = {
            key: Amount(
                sum(amount.jobs for amount in models.values()), sum(amount.things for amount in models.values())
            )
            for key, models in amounts.items()
        }

    def total(self, kind: str, period: Period) -> Amount:
        """What was done of a kind."""
        return self._totals.get((kind, period), Amount())

    def jobs_by_model(self, kind: str, period: Period, *, at_most: int) -> dict[str, int]:
        """How many jobs were done with each model, the most used first."""
        models = self._amounts.get((kind, period), {})
        jobs = Counter({model: amount.jobs for model, amount in models.items() if amount.jobs})
        return dict(jobs.most_common(at_most))


class Remembered:
    """This process's copy of it."""

    def __init__(self) -> None:
        self._copy = Copy(_read)

    async def read(self, ctx: Context) -> History:
        """All work, a minute old at most, or more where reading takes long. Raises Overloaded without a database."""
        return await self._copy.read(ctx, now=ctx.now, period_s=PERIODS * ctx.services.settings.refresh_s)


async def history(ctx: Context) -> History:
    """All work that was ever done, as this process remembers it."""
    return await ctx.remembered(Remembered).read(ctx)


async def fold_work(ctx: Context) -> int:
    """Add up what is older than its period needs; returns how many rows it came to. The sums stay the same.

    Each step is one transaction, so that killed at any moment it has done all of it or nothing.
    """
    steps: list[tuple[Query, dict[str, object]]] = [
        (sql.fold_history, {"period": "day", "larger": "ever", "before": ctx.now - DAYS_KEPT_FOR}),
        (sql.fold_history, {"period": "hour", "larger": "day", "before": ctx.now - HOURS_KEPT_FOR}),
        (sql.fold_slices, {"before": ctx.now - SLICES_KEPT_FOR}),
    ]
    rows = 0
    for query, arguments in steps:
        async with ctx.database.transaction() as tx:
            rows += await tx.run(query, **arguments)
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    kind: str
    model: str
    minute_jobs: int
    minute_things: int
    hour_jobs: int
    hour_things: int
    day_jobs: int
    day_things: int
    month_jobs: int
    month_things: int
    total_jobs: int
    total_things: int


async def _read(ctx: Context, _previous: History | None) -> History:
    since = {period: slice_after(ctx.now - window) for period, window in WINDOWS.items()}
    async with ctx.database.statement() as tx:
        rows = await tx.all(sql.work_by_period, _Row, **since)
    amounts: defaultdict[tuple[str, Period], dict[str, Amount]] = defaultdict(dict)
    for row in rows:
        if row.model.startswith(NOT_TOLD):
            continue
        for period in (*WINDOWS, "total"):
            jobs, things = getattr(row, f"{period}_jobs"), getattr(row, f"{period}_things")
            amounts[row.kind, period][row.model] = Amount(jobs, things)
    return History(amounts)
