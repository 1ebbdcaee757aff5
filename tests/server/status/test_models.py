"""Every model that is offered or waited for, with how long it takes."""

import pytest

from horde.server.context import Context
from horde.server.status.models import ETA_UNKNOWN_S, ModelStatus, models
from tests.plugins.hordes import Clock
from tests.server.builders import asked, change, user, worker

THINGS = 512 * 512 * 50


async def by_name(ctx: Context) -> dict[str, ModelStatus]:
    return {found.name: found for found in await models(ctx, "image")}


async def test_models_are_listed_with_threads_speed_and_what_waits(clock: Clock) -> None:
    ada = await user(clock.ctx)
    await worker(clock.ctx, ada, "Atlas", models=("one", "two"), threads=3)
    await worker(clock.ctx, ada, "Zeus", models=("two",), threads=1)
    await worker(clock.ctx, ada, "Hera", models=("two",), kind="text")
    await change(clock.ctx, "UPDATE workers SET speeds = '{3000000}' WHERE name = 'Zeus'")
    await asked(clock.ctx, ada, n=5, models=("two",))

    assert await models(clock.ctx, "image") == [
        ModelStatus(name="one", threads=3, speed=1e6, queued=0, jobs=0, eta_s=0),
        ModelStatus(name="two", threads=4, speed=2e6, queued=5 * THINGS, jobs=5, eta_s=round(5 * THINGS / 8e6)),
    ]


async def test_model_that_nobody_serves_is_listed_as_such(clock: Clock) -> None:
    await asked(clock.ctx, await user(clock.ctx), n=2, models=("rare",))

    assert await models(clock.ctx, "image") == [
        ModelStatus(name="rare", threads=0, speed=0, queued=2 * THINGS, jobs=2, eta_s=ETA_UNKNOWN_S)
    ]


@pytest.mark.parametrize("reason", ["gone", "in maintenance"])
async def test_worker_that_cannot_be_given_work_offers_nothing(clock: Clock, reason: str) -> None:
    await worker(clock.ctx, await user(clock.ctx), models=("one",))
    assert (await by_name(clock.ctx))["one"].threads == 1

    if reason == "gone":
        clock.move(minutes=6)
    else:
        await change(clock.ctx, "UPDATE workers SET is_in_maintenance = true")

    assert await by_name(clock.ctx) == {}
