"""The back end that the worker sees: child processes that are started, watched and started again, one a device."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic

import structlog

from horde.worker.backends.base import BackendFailed, Can, Made, Ordered, Report
from horde.worker.child.engine import Work
from horde.worker.child.process import Child

log = structlog.get_logger("worker")

FAILURES_COUNTED_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long children may take; seconds."""

    load_s_max: float = 900.0
    """Weights of ten gigabytes and more come from slow disks, and the first time over the net."""
    stop_s_max: float = 10.0
    """From the wish to stop an order to its end at the next step; then the child is killed."""
    pause_s_max: float = 60.0
    """The longest pause before a child that dies again and again is started once more."""


class Children(Generic[Can, Ordered, Made]):
    """Runs one engine in several processes that are alike but for their settings, e.g. the device.

    A child that dies costs the order that it was at. It is started again: at once, then after pauses that double
    until an order has been done.
    """

    def __init__(
        self,
        work: Work[Can, Ordered, Made],
        factory: str,
        settings: Sequence[Mapping[str, object]],
        *,
        patience: Patience = Patience(),
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`factory` is `package.module:factory` of an `Engine`; `settings` its keyword arguments for each child."""
        assert settings, "without a child there is nobody to work"
        self._work: Work[Can, Ordered, Made] = work
        self._factory = factory
        self._settings = settings
        self._patience = patience
        self._sleep = sleep
        self._living: dict[Child[Can, Ordered, Made], int] = {}
        """Each with which of the settings it has: its machine, for whoever looks at its pace."""
        self._idle: list[Child[Can, Ordered, Made]] = []
        self._more = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures_in_a_row = 0
        self._abilities: Can | None = None

    @property
    def abilities(self) -> Can:
        """As the engine says, with as many orders at a time as there are children alive."""
        assert self._abilities is not None, "asked before the start"
        parallel = max(1, len(self._living))
        return replace(self._abilities, parallel=parallel)  # type: ignore[type-var]  # all are dataclasses, unsaid

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that are alive and loaded."""
        return tuple(child.pid for child in self._living)

    async def start(self) -> None:
        """Start all children and wait until they are loaded. Raises BackendFailed if one of them cannot be."""
        starting = [asyncio.create_task(self._start(settings)) for settings in self._settings]
        try:
            children = await asyncio.gather(*starting)
        except BaseException:
            for task in starting:
                task.cancel()
            for outcome in await asyncio.gather(*starting, return_exceptions=True):
                if isinstance(outcome, Child):
                    await outcome.kill()
            raise
        self._abilities = children[0].abilities
        for machine, child in enumerate(children):
            self._enlist(child, machine)
            self._own(self._keep(machine, child))

    async def ready(self) -> None:
        """Wait until a child is alive."""
        while not self._living:
            await self._one_more()

    async def generate(self, order: Ordered, report: Report) -> Sequence[Made]:
        """Have the order done by the first child that is free. Raises BackendFailed, also when the child dies."""
        child = await self._free()
        machine = self._living.get(child)
        try:
            results = await child.make(order, lambda progress: report(replace(progress, machine=machine)))
        finally:
            # Also when cancelled, which must not wait: the lease is over, and the child ends its step by itself.
            self._own(self._give_back(child))
        self._failures_in_a_row = 0
        return results

    async def close(self) -> None:
        """End all children. Safe to call twice, and when `start` failed."""
        tasks, living = list(self._tasks), list(self._living)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(child.end() for child in living))
        self._living.clear()
        self._idle.clear()

    def _own(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self, settings: Mapping[str, object]) -> Child[Can, Ordered, Made]:
        return await Child.start(self._work, self._factory, settings, within_s=self._patience.load_s_max)

    async def _keep(self, machine: int, child: Child[Can, Ordered, Made]) -> None:
        """See to it that there is always a child with the settings of this machine."""
        while True:
            reason = await child.ended()
            self._strike_off(child)
            log.warning("a child of the back end ended and is started again", reason=reason, pause_s=self._pause_s)
            child = await self._started_again(self._settings[machine])
            self._enlist(child, machine)

    async def _started_again(self, settings: Mapping[str, object]) -> Child[Can, Ordered, Made]:
        while True:
            pause_s = self._pause_s
            self._failures_in_a_row += 1
            await self._sleep(pause_s)
            try:
                return await self._start(settings)
            except BackendFailed as error:
                log.warning("the back end cannot be started again", reason=str(error), next_pause_s=self._pause_s)

    @property
    def _pause_s(self) -> float:
        failures = min(self._failures_in_a_row, FAILURES_COUNTED_MAX)
        return min(2.0**failures - 1, self._patience.pause_s_max)

    def _enlist(self, child: Child[Can, Ordered, Made], machine: int) -> None:
        self._living[child] = machine
        self._idle.append(child)
        self._more.set()

    def _strike_off(self, child: Child[Can, Ordered, Made]) -> None:
        del self._living[child]
        if child in self._idle:
            self._idle.remove(child)

    async def _free(self) -> Child[Can, Ordered, Made]:
        while True:
            while self._idle:
                # One that has just died is struck off in a moment.
                if (child := self._idle.pop(0)).lives:
                    return child
            await self._one_more()

    async def _give_back(self, child: Child[Can, Ordered, Made]) -> None:
        await child.rest(within_s=self._patience.stop_s_max)
        if child.lives:
            self._idle.append(child)
            self._more.set()

    async def _one_more(self) -> None:
        self._more.clear()
        await self._more.wait()
