"""The process of a back end is killed in the middle of a job, fifty times: no request is lost, the worker goes on."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import stamina

from horde.client import AsyncHorde
from horde.worker.bridge import FOR_EVER, Bridge
from horde.worker.child.engine import IMAGES
from horde.worker.child.host import Children
from horde.worker.kept import Kept
from horde.worker.owner import Owner
from horde.worker.shift import Shift, Source, Wishes
from horde.worker.slots import Slots
from horde.worker.sources import SourcePictures
from horde.worker.trades import trade_of
from horde.worker.trades.base import Fetch, Said
from tests.plugins.hordes import RunningHorde
from tests.worker.child.orders import PATIENCE, at_once
from tests.worker.shifts import PATIENCE_S, worker_settings

KILLS = 50
KILLS_OF_A_NAME = 15
"""The horde rightly stops a worker that fails more than twenty times an hour; ours comes back under another name."""


async def until(holds: Callable[[], object]) -> None:
    """Wait until something is so."""
    async for attempt in stamina.retry_context(on=AssertionError, attempts=None, timeout=PATIENCE_S, wait_max=0.02):
        with attempt:
            assert holds()


async def test_fifty_kills_lose_no_request(horde: RunningHorde, tmp_path: Path) -> None:
    kills = 0
    children = Children(
        IMAGES, "tests.worker.child.engines:HangsOnce", [{"diary": str(tmp_path)}], patience=PATIENCE, sleep=at_once
    )
    owner = Owner(worker_settings(horde.url))

    def said() -> Said:
        return owner.said(f" {kills // KILLS_OF_A_NAME}")

    wishes = Wishes()
    async with AsyncHorde(horde.url, retries=FOR_EVER) as client, SourcePictures(client) as pictures:
        await children.start()
        source = Source(Bridge(client, trade_of(children.abilities), said), Fetch(pictures.fetch))
        shift = Shift(children, [source], Slots(1), grace_s=0, kept=Kept(tmp_path / "kept"), hold_s=1, sleep=at_once)
        working = asyncio.create_task(shift.run(wishes))
        try:
            for number in range(KILLS):
                request = await client.generate(f"request {number}", width=64, height=64, steps=1)
                mark = tmp_path / f"request {number}"
                await until(mark.exists)
                os.kill(int(mark.read_text()), signal.SIGKILL)
                kills += 1
                progress = await (await request.wait(timeout_s=PATIENCE_S)).check()
                assert (progress.finished, progress.restarted) == (1, 1)
        finally:
            wishes.stop.set()
            wishes.hurry.set()
            await working
            await children.close()
