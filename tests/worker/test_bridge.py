"""What the bridge reads out of a pop, which refusals it knows, and how it brings a picture home."""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable

import pytest
import stamina

from horde import errors
from horde.client import AsyncHorde, BadAnswer
from horde.errors import HordeError
from horde.kinds.agents import OUR_AGENT, capabilities
from horde.worker import transfer
from horde.worker.bridge import AGENT, FOR_EVER, Bridge, is_lost
from horde.worker.kept import Kept
from horde.worker.owner import Owner
from horde.worker.settings import Settings
from horde.worker.shift import Shift, Source, needs_a_person
from horde.worker.slots import Slots
from horde.worker.sources import SourcePictures
from horde.worker.trades import trade_of
from horde.worker.trades.base import Fetch
from tests.api.actors import picture
from tests.plugins.hordes import RunningHorde
from tests.worker.shifts import PATIENCE_S, Failing, Gated, Scribbling, worker_settings


def bridge_of(client: AsyncHorde, settings: Settings, backend: Gated) -> Bridge:
    return Bridge(client, trade_of(backend.abilities), Owner(settings).said)


async def at_once(_: float) -> None:
    """For rounds that have nothing to wait for."""


def shift_of(
    client: AsyncHorde,
    settings: Settings,
    backend: Gated,
    slots: Slots,
    sleep: Callable[[float], Awaitable[object]] = at_once,
) -> Shift:
    source = Source(bridge_of(client, settings, backend), Fetch(SourcePictures(client).fetch))
    return Shift(backend, [source], slots, grace_s=0, kept=Kept(settings.data), hold_s=0, sleep=sleep)


def test_agent_is_one_that_every_horde_of_ours_trusts_with_all_features() -> None:
    assert AGENT.startswith(f"{OUR_AGENT}:")
    assert "karras" in capabilities(AGENT)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.InvalidJobID("Processing Job with ID x does not exist."), True),
        (errors.DuplicateGen(), True),
        (errors.AbortedGen(), True),
        (errors.BadInput("Job x has already been aborted. Please check your worker speed."), True),
        (errors.ImageValidationFailed(), False),
        (errors.Unavailable(), False),
    ],
)
def test_job_that_is_no_longer_ours_is_known_by_code_or_text(error: HordeError, expected: bool) -> None:
    assert is_lost(error) is expected


class MaintenanceMode(errors.BadInput):
    """A code that we have no class for, as the client makes one."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.InvalidAPIKey(), True),
        (errors.WrongCredentials(), True),
        (errors.PolymorphicNameConflict(), True),
        (BadAnswer(), True),
        (errors.WorkerMaintenance(), False),
        (errors.Refused("This IP is in timeout."), False),
        (MaintenanceMode(), False),
    ],
)
def test_refusal_that_waiting_mends_does_not_end_a_worker(error: HordeError, expected: bool) -> None:
    assert needs_a_person(error) is expected


async def test_picture_without_a_link_goes_along_with_the_delivery(horde: RunningHorde) -> None:
    async with AsyncHorde(horde.url) as client:
        assert await transfer.place(client, None, picture()) == base64.b64encode(picture()).decode()


async def test_picture_whose_link_is_refused_goes_along_with_the_delivery(horde: RunningHorde) -> None:
    link = f"{horde.url}/api/files/00000000-0000-0000-0000-000000000000.webp?expires=1&signature=forged"
    async with AsyncHorde(horde.url) as client:
        assert await transfer.place(client, link, picture()) == base64.b64encode(picture()).decode()


async def test_picture_whose_storage_is_away_goes_along_with_the_delivery() -> None:
    async with AsyncHorde("http://127.0.0.1:9", retries=FOR_EVER) as client:
        said = await transfer.place(client, "http://127.0.0.1:9/a.webp", picture(), within_s=0.05)

    assert said == base64.b64encode(picture()).decode()


async def test_pop_waits_at_the_server_until_there_is_work(horde: RunningHorde) -> None:
    async with AsyncHorde(horde.url, retries=FOR_EVER) as client:
        backend = Gated()
        bridge = bridge_of(client, worker_settings(horde.url), backend)
        popping = asyncio.create_task(bridge.pop(backend.abilities, []))
        async for attempt in stamina.retry_context(on=AssertionError, attempts=None, timeout=PATIENCE_S, wait_max=0.05):
            with attempt:
                assert await client.workers()
        await client.generate("a stable", width=64, height=64)

        taken = await asyncio.wait_for(popping, PATIENCE_S)

    assert [len(batch.job_ids) for batch in taken.batches] == [1]


async def test_idle_pops_that_the_server_does_not_hold_keep_a_distance(horde: RunningHorde) -> None:
    backend = Gated()
    async with AsyncHorde(horde.url, retries=FOR_EVER) as client:
        shift = shift_of(client, worker_settings(horde.url), backend, Slots(1))
        began_at = time.monotonic()

        pause_s = await shift.pop_once()

        assert pause_s + time.monotonic() - began_at == pytest.approx(1.0, abs=0.1)


async def test_back_end_that_fails_again_and_again_gets_less_and_less_to_spoil(horde: RunningHorde) -> None:
    backend = Failing(failures=3)
    pauses: list[float] = []

    async def remember(seconds: float) -> None:
        pauses.append(seconds)

    async with AsyncHorde(horde.url, retries=FOR_EVER) as client:
        await client.generate("a stable", width=64, height=64, n=2)
        await client.generate("another stable", width=64, height=64)
        slots = Slots(1)
        shift = shift_of(client, worker_settings(horde.url), backend, slots, sleep=remember)
        for _ in range(5):
            await shift.pop_once()
        await slots.room()

    assert pauses == [0, 1, 3, 7, 0]


async def test_back_end_whose_results_are_refused_gets_less_and_less_to_spoil(horde: RunningHorde) -> None:
    backend = Scribbling()
    pauses: list[float] = []

    async def remember(seconds: float) -> None:
        pauses.append(seconds)

    async with AsyncHorde(horde.url, retries=FOR_EVER) as client:
        await client.generate("a stable", width=64, height=64)
        slots = Slots(1)
        shift = shift_of(client, worker_settings(horde.url), backend, slots, sleep=remember)
        for _ in range(3):
            await shift.pop_once()
            await slots.drain(PATIENCE_S, asyncio.Event())

    assert pauses == [0, 1, 3]
