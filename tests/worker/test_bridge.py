"""What the bridge reads out of a pop, which refusals it knows, and how it brings a picture home."""

import asyncio
import base64
import time

import msgspec
import pytest
import stamina

from horde import errors
from horde.client import AsyncHorde, BadAnswer
from horde.errors import HordeError
from horde.kinds.agents import OUR_AGENT, capabilities
from horde.wire import v2
from horde.worker import transfer
from horde.worker.backends.base import Sources
from horde.worker.bridge import AGENT, FOR_EVER, Bridge, is_lost, order_of
from horde.worker.shift import Shift, needs_a_person
from horde.worker.slots import Slots
from tests.api.actors import picture
from tests.plugins.hordes import RunningHorde
from tests.worker.shifts import PATIENCE_S, Failing, Gated, worker_settings


def popped(**payload: object) -> v2.PopAnswer:
    return v2.PopAnswer(id="a", ids=["a"], model="demo", payload={"prompt": "a stable", "seed": "7", **payload})


def test_order_has_one_seed_for_each_picture() -> None:
    order = order_of(popped(width=128, height=64, ddim_steps=9), 3)

    assert order.seeds == (7, 8, 9)
    assert (order.model, order.width, order.height, order.steps) == ("demo", 128, 64, 9)


def test_seeds_of_a_batch_stay_within_32_bits() -> None:
    assert all(seed < 2**32 for seed in order_of(popped(seed=str(2**32 - 1)), 3).seeds)


def test_prompt_is_parted_where_the_unwanted_begins() -> None:
    order = order_of(popped(prompt="a stable ### rain, ### mud"), 1)

    assert (order.prompt, order.negative_prompt) == ("a stable", "rain, ### mud")


def test_back_ends_get_all_that_was_sent() -> None:
    assert order_of(popped(sampler_name="k_euler", hires_fix=True), 1).payload["sampler_name"] == "k_euler"


def test_back_ends_get_the_pictures_that_came_along() -> None:
    answer = popped()
    answer.source_image, answer.source_mask, answer.source_processing = "https://x/src", "https://x/msk", "inpainting"
    answer.extra_source_images = [v2.ExtraSourceImage("https://x/more", 0.5)]

    assert order_of(answer, 1).sources == Sources(
        processing="inpainting", picture="https://x/src", mask="https://x/msk", extras=(("https://x/more", 0.5),)
    )
    assert order_of(popped(), 1).sources is None


def test_payload_without_a_prompt_is_no_order() -> None:
    with pytest.raises(msgspec.ValidationError):
        order_of(v2.PopAnswer(id="a", ids=["a"], payload={"seed": "7"}), 1)


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
        assert base64.b64decode(await transfer.place(client, None, picture())) == picture()


async def test_picture_whose_link_is_refused_goes_along_with_the_delivery(horde: RunningHorde) -> None:
    link = f"{horde.url}/api/files/00000000-0000-0000-0000-000000000000.webp?expires=1&signature=forged"
    async with AsyncHorde(horde.url) as client:
        assert base64.b64decode(await transfer.place(client, link, picture())) == picture()


async def test_picture_whose_storage_is_away_goes_along_with_the_delivery() -> None:
    async with AsyncHorde("http://127.0.0.1:9", retries=FOR_EVER) as client:
        said = await transfer.place(client, "http://127.0.0.1:9/a.webp", picture(), within_s=0.05)

    assert base64.b64decode(said) == picture()


async def test_pop_waits_at_the_server_until_there_is_work(horde: RunningHorde) -> None:
    async with AsyncHorde(horde.url, retries=FOR_EVER) as client:
        popping = asyncio.create_task(Bridge(client, worker_settings(horde.url), Gated().abilities).pop([]))
        async for attempt in stamina.retry_context(on=AssertionError, attempts=None, timeout=PATIENCE_S, wait_max=0.05):
            with attempt:
                assert await client.workers()
        await client.generate("a stable", width=64, height=64)

        batch = await asyncio.wait_for(popping, PATIENCE_S)

    assert batch is not None
    assert len(batch.job_ids) == 1


async def test_idle_pops_that_the_server_does_not_hold_keep_a_distance(horde: RunningHorde) -> None:
    backend = Gated()
    async with AsyncHorde(horde.url, retries=FOR_EVER) as client:
        bridge = Bridge(client, worker_settings(horde.url), backend.abilities, hold_s=0)
        shift = Shift(backend, bridge, Slots(1), grace_s=0)
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
        bridge, slots = Bridge(client, worker_settings(horde.url), backend.abilities, hold_s=0), Slots(1)
        shift = Shift(backend, bridge, slots, grace_s=0, sleep=remember)
        for _ in range(5):
            await shift.pop_once()
        await slots.room()

    assert pauses == [0, 1, 3, 7, 0]
