"""How long a request will take yet, from what stands before it and from measured speeds. Pure."""

from __future__ import annotations

from datetime import datetime

from horde.server.requests.places import Ahead
from horde.server.workers.online import Power


def seconds_to_come(
    ahead: Ahead,
    things: int,
    waiting: int,
    *,
    horde: Power,
    able: Power,
    last_leased_at: datetime | None,
    now: datetime,
) -> int:
    """Whole seconds until the last job of a request is done, as far as can be told.

    What stands before it is shared by the whole `horde`; its own jobs, each of so many `things`, are done by those who
    are `able`. To that comes what is left of the job of its own that was leased last. Nobody able: what the horde would
    take. No worker at all: 0, for nothing can be told.
    """
    able = able if able.workers else horde
    if not able.speed or not horde.speed:
        return 0
    seconds = ahead.things / _speed(horde, ahead.jobs) + things * waiting / _speed(able, waiting)
    if last_leased_at is not None:
        seconds += max(things / able.speed_of_thread - (now - last_leased_at).total_seconds(), 0.0)
    return round(seconds)


def _speed(power: Power, jobs: int) -> float:
    # Fewer jobs than threads leave threads idle.
    return power.speed_of_thread * max(min(power.threads, jobs), 1)
