"""Runs the duties of the table when this node leads."""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog

from horde.server.context import Context, Services
from horde.server.db.leader import Leadership
from horde.server.duties.table import Duty

log = structlog.get_logger(__name__)


class Runner:
    """The duties with the time at which each is due next."""

    def __init__(self, services: Services, duties: tuple[Duty, ...]) -> None:
        self._services = services
        self._duties = duties
        self._due: dict[str, datetime] = {}

    async def run_once(self, now: datetime) -> list[str]:
        """Do what is due at `now`; returns the names of the duties that had something to do.

        A duty that fails is logged and comes again at its next time; it does not keep the others from theirs.
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
            if count:
                log.info("duty.done", duty=duty.name, count=count)
                busy.append(duty.name)
        return busy


async def run_for_ever(services: Services, duties: tuple[Duty, ...]) -> None:
    """Look once in the shortest period whether this node leads and something is due; until cancelled."""
    runner = Runner(services, duties)
    leadership = Leadership(services.settings.database_url)
    pause_s = min(duty.period.total_seconds() for duty in duties)
    try:
        while True:
            if await leadership.is_held():
                await runner.run_once(Context.at_present(services).now)
            await asyncio.sleep(pause_s)
    finally:
        await leadership.close()
