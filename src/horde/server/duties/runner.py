"""Runs the duties of the table when this node leads."""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog

from horde.server.context import Context, Services
from horde.server.db.leader import SILENCE_S_MAX, Leadership
from horde.server.duties.table import Duty

log = structlog.get_logger(__name__)

PAUSES_MISSED = 3
"""A leader that is to look seldom may be silent for so many of its pauses."""


class Runner:
    """The duties with the time at which each is due next."""

    def __init__(self, services: Services, duties: tuple[Duty, ...]) -> None:
        self._services = services
        self._duties = duties
        self._due: dict[str, datetime] = {}

    async def run_once(self, now: datetime) -> list[str]:
        """Do what is due at `now`; returns the names of the duties that had something to do.

        Each is done once, however much there is: what a full round left is due again at `now`, so that the others have
        their turn in between. A duty that fails is logged and comes again at its next time; it does not keep the others
        from theirs.
        """
        busy = []
        for duty in self._duties:
            if now < self._due.get(duty.name, now):
                continue
            self._due[duty.name] = now + duty.period
            try:
                count = await duty.run(Context(self._services, now))
            except Exception:  # the outermost loop of the duties: whatever happened, they go on
                log.exception("duty.failed", duty=duty.name)
                continue
            if duty.is_full(count):
                self._due[duty.name] = now
            if count:
                log.info("duty.done", duty=duty.name, count=count)
                busy.append(duty.name)
        return busy

    def is_due(self, now: datetime) -> bool:
        """Whether anything is to be done at `now`."""
        return any(self._due.get(duty.name, now) <= now for duty in self._duties)


async def run_for_ever(services: Services, duties: tuple[Duty, ...]) -> None:
    """Look once in the shortest period whether this node leads and something is due; until cancelled.

    After a full round it looks again at once, and at whether it still leads.
    """
    runner = Runner(services, duties)
    pause_s = min(duty.period.total_seconds() for duty in duties)
    silence_s_max = max(SILENCE_S_MAX, PAUSES_MISSED * pause_s)
    leadership = Leadership(services.settings.database_url, silence_s_max=silence_s_max)
    try:
        while True:
            now = Context.at_present(services).now
            is_leading = await leadership.is_held()
            if is_leading:
                await runner.run_once(now)
            await asyncio.sleep(0 if is_leading and runner.is_due(now) else pause_s)
    finally:
        await leadership.close()
