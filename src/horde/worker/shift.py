"""A worker's shift: takes work into the slots until it is told to stop, then ends without losing anything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from horde.client import BadAnswer, HordeError
from horde.errors import AnonForbiddenWorker, BadInput, Missing, Unauthorized, WrongCredentials
from horde.worker.backends.base import Backend
from horde.worker.bridge import Batch, Bridge
from horde.worker.slots import Slots

log = structlog.get_logger("worker")

IDLE_S_MIN = 1.0
"""Pops that bring nothing are at least this far apart, should the server not hold them."""
REFUSED_PAUSE_S = 30.0
"""How long to wait when the horde wants nothing of us now, e.g. in maintenance mode."""
FAILURES_COUNTED_MAX = 10
FAILURE_PAUSE_S_MAX = 60.0
"""Longest pause of a back end that fails again and again, so that it does not spoil everybody's requests."""
LAST_WORDS_S_MAX = 1.5
"""How long a stop may take beyond its grace, to tell the horde of the jobs that we cannot end."""
FOR_A_PERSON = (AnonForbiddenWorker, BadAnswer, BadInput, Missing, Unauthorized, WrongCredentials)
"""Refusals that no waiting mends: key, name, models or address are wrong."""
MAINTENANCE_CODES = ("MaintenanceMode", "WorkerMaintenance")


@dataclass(frozen=True, slots=True)
class Wishes:
    """Who asks a shift to end: first in order, then in a hurry."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self) -> None:
        """One more wish to stop; the second one hurries."""
        (self.hurry if self.stop.is_set() else self.stop).set()


def needs_a_person(error: HordeError) -> bool:
    """Whether a refused pop says that a setting is wrong, so that waiting mends nothing."""
    return isinstance(error, FOR_A_PERSON) and error.rc not in MAINTENANCE_CODES


class Shift:
    """The loop of a worker. `pop_once` is one round of it."""

    def __init__(
        self,
        backend: Backend,
        bridge: Bridge,
        slots: Slots,
        *,
        grace_s: float,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._backend = backend
        self._bridge = bridge
        self._slots = slots
        self._grace_s = grace_s
        self._sleep = sleep
        self._was_welcome = False
        self._failures_in_a_row = 0

    async def run(self, wishes: Wishes) -> None:
        """Work until there is a wish to stop; then end jobs within the grace and give the others back.

        Raises the HordeError of a horde that refuses our very first pop: a setting is wrong, and waiting mends nothing.
        """
        popping = asyncio.create_task(self._pop_for_ever())
        wished = asyncio.create_task(wishes.stop.wait())
        try:
            await asyncio.wait({popping, wished}, return_when=asyncio.FIRST_COMPLETED)
            if not popping.done():
                log.info("stopping", jobs=self._slots.held_jobs)
        finally:
            wished.cancel()
            # A waiting pop ends with its connection, which tells the server that nobody is there to take a job.
            popping.cancel()
            await asyncio.wait({popping})
            left = await self._slots.drain(self._grace_s, wishes.hurry)
            await self._bridge.give_back(left, within_s=LAST_WORDS_S_MAX)
        if not popping.cancelled():
            popping.result()

    async def pop_once(self) -> float:
        """Wait for room, ask for work once and begin it; returns the seconds to wait before the next round."""
        await self._slots.room()
        await self._sleep(self._failure_pause_s)
        asked_at = time.monotonic()
        try:
            batch = await self._bridge.pop(self._slots.held_jobs)
        except HordeError as error:
            if not self._was_welcome and needs_a_person(error):
                raise
            log.warning("the horde refuses this worker now", code=error.rc, reason=error.sentence)
            return REFUSED_PAUSE_S
        self._was_welcome = True
        if batch is None:
            return max(0.0, IDLE_S_MIN - (time.monotonic() - asked_at))
        self._slots.start(batch.job_ids, self._work(batch))
        return 0.0

    @property
    def _failure_pause_s(self) -> float:
        failures = min(self._failures_in_a_row, FAILURES_COUNTED_MAX)
        return min(2.0**failures - 1, FAILURE_PAUSE_S_MAX)

    async def _pop_for_ever(self) -> None:
        while True:
            await self._sleep(await self.pop_once())

    async def _work(self, batch: Batch) -> None:
        order = batch.order
        log.info("took", jobs=batch.job_ids, model=order.model, size=f"{order.width}x{order.height}", steps=order.steps)
        started_at = time.monotonic()
        try:
            async with asyncio.timeout_at(batch.deadline):
                results = await self._backend.generate(order)
            if len(results) != len(batch.job_ids):
                raise RuntimeError(f"the back end made {len(results)} pictures for {len(batch.job_ids)} jobs")
        except Exception:
            # A back end is foreign code, and its failure must cost these jobs alone.
            self._failures_in_a_row += 1
            log.exception("the back end failed", jobs=batch.job_ids, failures_in_a_row=self._failures_in_a_row)
            await self._bridge.give_back(batch.job_ids)
            return
        self._failures_in_a_row = 0
        log.info("made", jobs=batch.job_ids, seconds=round(time.monotonic() - started_at, 2))
        for job_id, link, result in zip(batch.job_ids, batch.links, results, strict=True):
            await self._bridge.deliver(job_id, link, result, deadline=batch.deadline)
            self._slots.settle(job_id)
