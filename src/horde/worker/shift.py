"""A worker's shift: takes work of one kind until it is told to stop, then ends without losing anything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import cast

import msgspec
import structlog

from horde.client import BadAnswer, HordeError
from horde.errors import AnonForbiddenWorker, BadInput, Missing, Unauthorized, WrongCredentials
from horde.worker.backends.base import AnyBackend, Backend, BackendFailed, OutOfMemory, Progress
from horde.worker.bridge import HOLD_S, Bridge
from horde.worker.kept import Kept, KeptResult
from horde.worker.slots import Piece, Slots
from horde.worker.tally import Doing, Tally
from horde.worker.telling import Telling
from horde.worker.trades.base import Batch, Fetch, Taken
from horde.worker.turns import Preempted

log = structlog.get_logger("worker")

IDLE_S_MIN = 1.0
"""Pops that bring nothing are at least this far apart, should the server not hold them."""
HOLD_S_OF_SEVERAL = 3
"""How long the last of several hordes may hold a pop; the others are asked without waiting."""
REFUSED_PAUSE_S = 30.0
"""How long to wait when the horde wants nothing of us now, e.g. in maintenance mode."""
FAILURES_COUNTED_MAX = 10
FAILURE_PAUSE_S_MAX = 60.0
"""Longest pause of a back end that fails again and again, so that it does not spoil everybody's requests."""
LAST_WORDS_S_MAX = 1.5
"""How long a stop may take beyond its grace, to tell the horde of the jobs that we cannot end."""
OFFER_SHRINKS_TO = 0.75
"""Of the pixels that were too many for the machine; a quarter less is the next smaller size that people ask for."""
PIXELS_MIN = 64 * 64
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


@dataclass(frozen=True, slots=True)
class Source:
    """One horde to take work from, and how the pictures are fetched that it names."""

    bridge: Bridge
    fetch: Fetch


async def always() -> None:
    """Work may be taken at any time."""


def needs_a_person(error: HordeError) -> bool:
    """Whether a refused pop says that a setting is wrong, so that waiting mends nothing."""
    return isinstance(error, FOR_A_PERSON) and error.rc not in MAINTENANCE_CODES


class Shift:
    """The loop of a worker with one back end. `pop_once` is one round of it."""

    def __init__(
        self,
        backend: AnyBackend,
        sources: Sequence[Source],
        slots: Slots,
        *,
        grace_s: float,
        kept: Kept,
        tally: Tally | None = None,
        may_work: Callable[[], Awaitable[None]] = always,
        shut: asyncio.Event | None = None,
        hold_s: int | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        assert sources, "a shift without a horde has nothing to do"
        # Its trade fits it (trades.trade_of), so it gets the orders that it knows.
        self._backend = cast("Backend[object, object, object]", backend)
        self._sources = sources
        self._slots = slots
        self._grace_s = grace_s
        self._kept = kept
        self._tally = tally or Tally()
        self._may_work = may_work
        self._shut = shut or asyncio.Event()
        self._hold_s = hold_s if hold_s is not None else HOLD_S if len(sources) == 1 else HOLD_S_OF_SEVERAL
        self._sleep = sleep
        self._welcome: set[int] = set()
        self._failures_in_a_row = 0
        self._refusals_in_a_row = 0
        self._pixels_max: int | None = None

    async def run(self, wishes: Wishes) -> None:
        """Work until there is a wish to stop; then end jobs within the grace and give the others back.

        What an earlier run made and could not deliver is handed in first. Raises the HordeError of a horde that
        refuses our very first pop: a setting is wrong, and waiting mends nothing.
        """
        self._resume()
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
            # Whose they are only the horde knows; the others do not know these ids.
            await asyncio.gather(
                *(
                    source.bridge.give_back(left, "the worker stops", within_s=LAST_WORDS_S_MAX)
                    for source in self._sources
                )
            )
        if not popping.cancelled():
            popping.result()

    async def pop_once(self) -> float:
        """Wait for room, ask for work once and begin it; returns the seconds to wait before the next round."""
        await self._slots.room()
        await self._may_work()
        await self._backend.ready()
        await self._sleep(self._failure_pause_s)
        asked_at = time.monotonic()
        refused = 0
        for number, source in enumerate(self._sources):
            is_last = number == len(self._sources) - 1
            try:
                batches = await self._taken(source, wait_s=self._hold_s if is_last else 0)
            except HordeError as error:
                if number not in self._welcome and needs_a_person(error):
                    raise
                log.warning(
                    "the horde refuses this worker now",
                    horde=source.bridge.horde.url,
                    code=error.rc,
                    reason=error.sentence,
                )
                refused += 1
                continue
            self._welcome.add(number)
            if batches:
                return 0.0
        if refused == len(self._sources):
            return REFUSED_PAUSE_S
        return max(0.0, IDLE_S_MIN - (time.monotonic() - asked_at))

    @property
    def _failure_pause_s(self) -> float:
        failures = min(max(self._failures_in_a_row, self._refusals_in_a_row), FAILURES_COUNTED_MAX)
        return min(2.0**failures - 1, FAILURE_PAUSE_S_MAX)

    async def _pop_for_ever(self) -> None:
        while True:
            await self._sleep(await self.pop_once())

    async def _taken(self, source: Source, *, wait_s: int) -> int:
        taken = await self._popped(source, wait_s=wait_s)
        if taken is None:
            return 0
        self._tally.skipped.clear()
        self._tally.skipped.update(taken.skipped or {})
        for batch in taken.batches:
            self._slots.start(batch.job_ids, partial(self._work, source, batch))
        return len(taken.batches)

    async def _popped(self, source: Source, *, wait_s: int) -> Taken[object] | None:
        # None: called back, because no work shall be taken now. The server sees the line end and gives nothing.
        pop = source.bridge.pop(
            self._backend.abilities, self._slots.held_jobs, pixels_max=self._pixels_max, wait_s=wait_s
        )
        popping, shut = asyncio.create_task(pop), asyncio.create_task(self._shut.wait())
        try:
            await asyncio.wait({popping, shut}, return_when=asyncio.FIRST_COMPLETED)
            return popping.result() if popping.done() else None
        finally:
            shut.cancel()
            popping.cancel()
            await asyncio.gather(popping, return_exceptions=True)

    async def _work(self, source: Source, batch: Batch[object], piece: Piece) -> None:
        deadline = asyncio.get_running_loop().time() + batch.lease_s
        until_s = time.time() + batch.lease_s
        log.info("took", jobs=batch.job_ids, what=batch.about)
        doing = Doing(source.bridge.trade.kind, batch.about, len(batch.job_ids), datetime.now().astimezone())
        self._tally.doing[id(piece)] = doing
        try:
            results = await self._made(source, batch, piece, doing, deadline)
            if results is None:
                return
            doing.stage = "delivering"
            keeping = [self._keep(source, batch, number, result, until_s) for number, result in enumerate(results)]
            await asyncio.gather(*(asyncio.to_thread(self._kept.put, kept) for kept in keeping))
            for job_id, link, result in zip(batch.job_ids, batch.links, results, strict=True):
                await self._deliver(source.bridge, job_id, link, result, deadline)
        finally:
            self._tally.doing.pop(id(piece), None)

    async def _made(
        self, source: Source, batch: Batch[object], piece: Piece, doing: Doing, deadline: float
    ) -> Sequence[object] | None:
        telling = Telling(source.bridge, batch.job_ids)

        def report(progress: Progress) -> None:
            doing.share = progress.share
            piece.progress(progress.share, progress.machine)
            telling.tell(progress)

        try:
            async with asyncio.timeout_at(deadline) as lease:
                order = await batch.prepare(source.fetch)
                doing.stage = "waiting"
                async with piece.turn(), telling.until_made(lease):
                    doing.stage = "making"
                    began_at = time.monotonic()
                    results = await self._backend.generate(order, report)
            if len(results) != len(batch.job_ids):
                raise BackendFailed(f"the back end made {len(results)} results for {len(batch.job_ids)} jobs")
        except Preempted:
            log.info("given back for something urgent", jobs=batch.job_ids)
            await source.bridge.give_back(batch.job_ids, "the owner needs the machine")
            return None
        except TimeoutError as error:
            if telling.is_wanted:
                await self._failed(source.bridge, batch, error)
            else:
                log.info("nobody waits for it any more", jobs=batch.job_ids)
            return None
        except Exception as error:  # noqa: BLE001 - a back end is foreign code: its failure must cost these jobs alone
            await self._failed(source.bridge, batch, error)
            return None
        self._failures_in_a_row = 0
        log.info("made", jobs=batch.job_ids, seconds=round(time.monotonic() - began_at, 2))
        return results

    async def _failed(self, bridge: Bridge, batch: Batch[object], error: Exception) -> None:
        self._failures_in_a_row += 1
        reason = "the lease ended" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        if isinstance(error, BackendFailed | TimeoutError):
            log.warning("the back end failed", jobs=batch.job_ids, reason=reason)
        else:
            log.exception("the back end failed", jobs=batch.job_ids, failures_in_a_row=self._failures_in_a_row)
        if isinstance(error, OutOfMemory) and batch.pixels:
            self._pixels_max = max(PIXELS_MIN, int(batch.pixels * OFFER_SHRINKS_TO))
            log.warning("offering smaller pictures from now on", max_pixels=self._pixels_max)
        self._tally.failed(len(batch.job_ids), reason, datetime.now().astimezone())
        await bridge.give_back(batch.job_ids, reason)

    def _keep(self, source: Source, batch: Batch[object], number: int, result: object, until_s: float) -> KeptResult:
        bridge = source.bridge
        return KeptResult(
            horde=bridge.horde.url,
            worker=bridge.worker,
            kind=bridge.trade.kind,
            job_id=batch.job_ids[number],
            link=batch.links[number],
            until_s=until_s,
            result=msgspec.Raw(msgspec.msgpack.encode(result)),
        )

    async def _deliver(self, bridge: Bridge, job_id: str, link: str | None, result: object, deadline: float) -> None:
        try:
            answer = await bridge.deliver(job_id, link, result, deadline=deadline)
        except BackendFailed as error:
            self._refusals_in_a_row += 1
            self._tally.failed(1, str(error), datetime.now().astimezone())
            log.warning("the back end failed", jobs=[job_id], reason=str(error))
        else:
            if answer is not None:
                self._refusals_in_a_row = 0
                self._tally.delivered(answer.reward, datetime.now().astimezone())
        await asyncio.to_thread(self._kept.drop, job_id)
        self._slots.settle(job_id)

    def _resume(self) -> None:
        for source in self._sources:
            bridge = source.bridge
            now_s = time.time()
            for kept in self._kept.of(bridge.horde.url, bridge.worker, bridge.trade.kind, now_s=now_s):
                log.info("made before and not delivered yet", job=kept.job_id)
                self._slots.start([kept.job_id], partial(self._hand_in, bridge, kept))

    async def _hand_in(self, bridge: Bridge, kept: KeptResult, piece: Piece) -> None:
        piece.made()
        deadline = asyncio.get_running_loop().time() + kept.until_s - time.time()
        result = msgspec.msgpack.decode(kept.result, type=bridge.trade.result)
        await self._deliver(bridge, kept.job_id, kept.link, result, deadline)
