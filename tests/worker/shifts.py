"""Workers for tests: back ends that a test holds in its hand, and shifts of the real worker against a real server."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from tempfile import TemporaryDirectory

from horde.worker.backends.base import AnyBackend, ImageAbilities, ImageOrder, Picture, Report
from horde.worker.backends.demo import Demo
from horde.worker.main import Team, work
from horde.worker.owner import Owner
from horde.worker.settings import Settings
from horde.worker.shift import Wishes
from tests.api.actors import MODEL, picture

PATIENCE_S = 20.0
"""How long a test waits for what must come; reached only when it fails."""


class Gated:
    """A back end that makes pictures when the test opens the gate; it tells of each order it gets."""

    def __init__(self, images_max: int = 1, *, is_open: bool = False) -> None:
        self.abilities = ImageAbilities(models=(MODEL,), pixels_max=512 * 512, images_max=images_max)
        self.gate = asyncio.Event()
        self.orders: asyncio.Queue[ImageOrder] = asyncio.Queue()
        self.reports: list[Report] = []
        """Of the orders, in their order."""
        self.closed = 0
        if is_open:
            self.gate.set()

    async def start(self) -> None:
        pass

    async def generate(self, order: ImageOrder, report: Report) -> Sequence[Picture]:
        self.reports.append(report)
        self.orders.put_nowait(order)
        await self.gate.wait()
        return [Picture(picture=picture(), seed=seed) for seed in order.seeds]

    async def ready(self) -> None:
        pass

    async def close(self) -> None:
        self.closed += 1

    async def next_order(self) -> ImageOrder:
        """The next order that the worker brings."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.orders.get()


class Failing(Gated):
    """A back end that fails as often as it is told to, and is well after that."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        super().__init__(is_open=True)
        self.failures = failures
        self.error = error or ZeroDivisionError("as one might say")

    async def generate(self, order: ImageOrder, report: Report) -> Sequence[Picture]:
        results = await super().generate(order, report)
        if self.failures:
            self.failures -= 1
            raise self.error
        return results


class Scribbling(Gated):
    """A back end whose pictures are none."""

    async def generate(self, order: ImageOrder, report: Report) -> Sequence[Picture]:
        return [Picture(picture=b"a robot, believe me", seed=seed) for seed in order.seeds]


def worker_settings(url: str, **fields: object) -> Settings:
    """Settings as flags give them, whatever the environment says."""
    # Ahead of time nothing is taken, unless a test wants that: it shows which jobs wait.
    defaults = {"name": "tested worker", "queue_size": 0, "data": _data().name}
    return Settings.from_environment({}, horde_url=url, **{**defaults, **fields})


@cache
def _data() -> TemporaryDirectory[str]:
    # One for all workers of this process, which tell their results apart; deleted when it ends.
    return TemporaryDirectory(prefix="horde-test-workers-")


@asynccontextmanager
async def team_on_shift(settings: Settings, backends: dict[str, AnyBackend]) -> AsyncIterator[Wishes]:
    """A worker on this loop. Leaving stops it in a hurry, if the test has not stopped it before."""
    wishes = Wishes()
    task = asyncio.create_task(work(Team(Owner(settings), backends, wishes=wishes)))
    try:
        yield wishes
        wishes.stop.set()
        wishes.hurry.set()
        async with asyncio.timeout(PATIENCE_S):
            await task
    finally:
        task.cancel()


@asynccontextmanager
async def on_shift(settings: Settings, backend: AnyBackend) -> AsyncIterator[Wishes]:
    """The same with one back end."""
    async with team_on_shift(settings, {"tested": backend}) as wishes:
        yield wishes


@contextmanager
def demo_worker(url: str) -> Iterator[None]:
    """The demo worker in a thread, for tests that do not run on a loop."""
    loop, wishes = asyncio.new_event_loop(), Wishes()
    thread = threading.Thread(
        target=loop.run_until_complete, args=[work(Team(Owner(worker_settings(url)), {"demo": Demo()}, wishes=wishes))]
    )
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(wishes.add)
        loop.call_soon_threadsafe(wishes.add)
        thread.join()
        loop.close()
