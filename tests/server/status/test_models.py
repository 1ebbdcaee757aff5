"""Every model that is offered or waited for, with how long it takes."""

from dataclasses import replace

import msgspec
import pytest

from horde.server.context import Context
from horde.server.status.models import ETA_UNKNOWN_S, ModelStatus, models
from tests.plugins.hordes import Clock
from tests.server.builders import SMALL, asked, change, delivered, leased, user, worker

THINGS = 512 * 512 * 50


async def by_name(ctx: Context) -> dict[str, ModelStatus]:
    return {found.name: found for found in await models(ctx, "image")}


async def done(clock: Clock, model: str, *, seconds: float) -> None:
    """Somebody asks for a picture of that model, and gets it after so long; nobody is online for it afterwards."""
    ada = await user(clock.ctx)
    await asked(clock.ctx, ada, models=(model,))
    job = await leased(clock.ctx, ada, f"Maker of {model}", models=(model,))
    await delivered(clock.move(seconds=seconds), ada, job)
    await change(clock.ctx, "UPDATE workers SET is_in_maintenance = true")


async def test_models_are_listed_with_threads_speed_and_what_waits(clock: Clock) -> None:
    await done(clock, "two", seconds=4)
    ada = await user(clock.ctx)
    await worker(clock.ctx, ada, "Atlas", models=("one", "two"), threads=3)
    await worker(clock.ctx, ada, "Zeus", models=("two",), threads=1)
    await worker(clock.ctx, ada, "Hera", models=("two",), kind="text")
    await asked(clock.ctx, ada, n=5, models=("two",))

    assert await models(clock.ctx, "image") == [
        ModelStatus(name="one", threads=3, speed=0, queued=0, jobs=0, eta_s=0),
        ModelStatus(name="two", threads=4, speed=THINGS / 4, queued=5 * THINGS, jobs=5, eta_s=5),
    ]


async def test_model_that_nobody_serves_is_listed_as_such(clock: Clock) -> None:
    await done(clock, "rare", seconds=4)
    await asked(clock.ctx, await user(clock.ctx), n=2, models=("rare",))

    assert await models(clock.ctx, "image") == [
        ModelStatus(
            name="rare", threads=0, speed=THINGS / 4, queued=2 * THINGS, jobs=2, eta_s=ETA_UNKNOWN_S
        )
    ]  # fmt: skip


async def test_nothing_is_foretold_of_a_model_that_nobody_used_within_the_hour(clock: Clock) -> None:
    await done(clock, "one", seconds=4)
    clock.move(hours=1, seconds=11)
    ada = await user(clock.ctx)
    await worker(clock.ctx, ada, models=("one",))
    await asked(clock.ctx, ada, models=("one",))

    found = (await by_name(clock.ctx))["one"]

    assert (found.speed, found.eta_s) == (0, ETA_UNKNOWN_S)


@pytest.mark.parametrize("reason", ["gone", "in maintenance", "paused"])
async def test_worker_that_cannot_be_given_work_offers_nothing(clock: Clock, reason: str) -> None:
    await worker(clock.ctx, await user(clock.ctx), models=("one",))
    assert (await by_name(clock.ctx))["one"].threads == 1

    if reason == "gone":
        clock.move(minutes=6)
    elif reason == "paused":
        await change(clock.ctx, "UPDATE workers SET is_paused = true")
    else:
        await change(clock.ctx, "UPDATE workers SET is_in_maintenance = true")

    assert await by_name(clock.ctx) == {}


async def test_models_for_special_users_are_not_shown(clock: Clock) -> None:
    ada = replace(await user(clock.ctx), is_special=True)
    own = f"horde_special::{ada.alias}"
    await worker(clock.ctx, ada, models=(own, "one"))
    await asked(clock.ctx, ada, models=(own,), params=msgspec.structs.replace(SMALL, special={"what": "that"}))

    assert list(await by_name(clock.ctx)) == ["one"]
