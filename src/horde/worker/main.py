"""Puts a worker together and runs it until a signal ends it."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import stamina
import structlog
from stamina.instrumentation import RetryDetails

from horde.client import AsyncHorde
from horde.worker.backends import load
from horde.worker.backends.base import Backend
from horde.worker.bridge import AGENT, FOR_EVER, Bridge
from horde.worker.settings import Settings
from horde.worker.shift import Shift, Wishes
from horde.worker.slots import Slots

log = structlog.get_logger("worker")

WISHES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Ctrl-C, `kill`, a closed terminal, and Ctrl-Break on Windows."""


def run(settings: Settings) -> None:
    """Run a worker in this process until it is told to stop.

    Raises UnknownBackend, and the HordeError of a horde that does not want this worker.
    """
    backend = load(settings.backend)
    _speak(settings)
    asyncio.run(_until_signalled(settings, backend))


async def work(settings: Settings, backend: Backend, wishes: Wishes) -> None:
    """Run a worker on this event loop until there is a wish to stop. The back end is started and closed here."""
    try:
        await backend.start()
        horde = AsyncHorde(settings.horde_url, settings.api_key, client_agent=AGENT, retries=FOR_EVER)
        async with horde:
            models = backend.abilities.models
            log.info("starting", name=settings.name, horde=horde.url, backend=settings.backend, models=models)
            bridge = Bridge(horde, settings, backend.abilities)
            await Shift(backend, bridge, Slots(settings.threads), grace_s=settings.grace_s).run(wishes)
    finally:
        await backend.close()
    log.info("stopped")


async def _until_signalled(settings: Settings, backend: Backend) -> None:
    wishes = Wishes()
    with _listening(wishes.add):
        await work(settings, backend, wishes)


@contextmanager
def _listening(wish: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def hear(number: int, frame: FrameType | None) -> None:
        # Not loop.add_signal_handler, which Windows does not have; this wakes the loop on every system.
        loop.call_soon_threadsafe(wish)

    numbers = [getattr(signal, name) for name in WISHES if hasattr(signal, name)]
    before = {number: signal.signal(number, hear) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _speak(settings: Settings) -> None:
    """Log plain lines to stderr."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper("%Y-%m-%d %H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    stamina.instrumentation.set_on_retry_hooks([_log_retry])


def _log_retry(details: RetryDetails) -> None:
    log.warning("the horde cannot answer now", reason=str(details.caused_by), again_in_s=round(details.wait_for, 1))
