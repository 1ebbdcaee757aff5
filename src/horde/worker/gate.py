"""When work may be taken: not while the owner said so, outside the hours, on battery, or while the GPU is in use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import psutil
import structlog

from horde.worker.owner import Owner
from horde.worker.tally import Tally

log = structlog.get_logger("worker")

LOOK_S = 5.0
"""How often it is looked again while work may not be taken. Also how soon a `resume` is felt."""
GPU_BUSY_PERCENT = 20
"""What a desktop with windows takes is less, and a game or a render more."""


def _now() -> datetime:
    return datetime.now().astimezone()


class Gate:
    """One for a whole worker; every shift asks before each pop."""

    def __init__(
        self,
        owner: Owner,
        tally: Tally,
        *,
        now: Callable[[], datetime] = _now,
        is_on_battery: Callable[[], bool] | None = None,
        gpu_busy_percent: Callable[[], int] = lambda: 0,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.shut = asyncio.Event()
        """The owner said `pause`: a pop that waits for work is called back."""
        self._owner = owner
        self._tally = tally
        self._now = now
        self._is_on_battery = is_on_battery or on_battery
        self._gpu_busy_percent = gpu_busy_percent
        self._sleep = sleep

    def pause(self) -> None:
        """Take no work until `resume`. Safe to call twice, as that is."""
        self.shut.set()

    def resume(self) -> None:
        """Take work again, if nothing else is in the way."""
        self.shut.clear()

    async def may_work(self) -> None:
        """Wait until work may be taken."""
        while True:
            self._owner.look()
            reason = self.reason()
            if reason != self._tally.paused_for:
                self._tally.paused_for = reason
                log.info("paused" if reason else "taking work again", **({"reason": reason} if reason else {}))
            if not reason:
                return
            await self._sleep(LOOK_S)

    def reason(self) -> str:
        """Why no work is taken now; empty when it is."""
        settings = self._owner.settings
        if self.shut.is_set():
            return "the owner paused it"
        if not settings.hours.holds(self._now().time()):
            return f"outside the hours {settings.work_hours}"
        if settings.pause_on_battery and self._is_on_battery():
            return "on battery"
        if settings.pause_when_gpu_used and not self._tally.doing:
            busy = self._gpu_busy_percent()
            if busy >= GPU_BUSY_PERCENT:
                return f"another program uses {busy} % of the GPU"
        return ""


def on_battery() -> bool:
    """Whether this machine runs on a battery now; a machine without one never does."""
    sensors = getattr(psutil, "sensors_battery", None)
    battery = sensors() if sensors is not None else None
    return battery is not None and battery.power_plugged is False
