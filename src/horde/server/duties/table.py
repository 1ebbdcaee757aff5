"""Every duty: what it does is in its feature, how often is here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from horde.server.context import Context
from horde.server.idempotency.keys import forget_old_keys
from horde.server.matching.lanes import delete_unused
from horde.server.requests.expire import forget_expired, return_late_jobs
from horde.server.requests.orphans import delete_orphans
from horde.server.settings import Settings
from horde.server.workers.record import prune_work_done

HOURLY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that is to be done every `period`; `run` returns how much there was to do."""

    name: str
    period: timedelta
    run: Callable[[Context], Awaitable[int]]


def duties(settings: Settings) -> tuple[Duty, ...]:
    """All of them, with the operator's periods."""
    sweep = timedelta(seconds=settings.duty_period_s)
    return (
        Duty("return late jobs", sweep, return_late_jobs),
        Duty("forget expired requests", 2 * sweep, forget_expired),
        Duty("delete orphaned pictures", HOURLY, delete_orphans),
        Duty("forget old idempotency keys", HOURLY, forget_old_keys),
        Duty("forget old work", HOURLY, prune_work_done),
        Duty("delete unused lanes", HOURLY, delete_unused),
    )
