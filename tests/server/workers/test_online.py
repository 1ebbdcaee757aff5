"""A process remembers who is online, and brings that up to date with what changed."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace as replaced

from horde.kinds.base import Needs
from horde.kinds.image import DEFAULT_SPEED
from horde.server.context import Context
from horde.server.matching.lanes import Lane, Lanes
from horde.server.settings import Settings
from horde.server.workers.online import NOBODY, OVERLAP, WHOLE_EVERY, Online, Power, online
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, change, nodes, user, worker

T = TypeVar("T")
LATER = timedelta(seconds=20)
"""On the slowest machine, too, a copy is made anew after this."""
NEEDS = Needs(kind="image", models=("one",))
PAUSE = "UPDATE workers SET is_in_maintenance = true, changed_at = {at} WHERE name = $1"


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """As in production: who is online is known as of a second ago."""
    return Settings(database_url=database_url, data_dir=tmp_path, refresh_s=1)


def names(found: Online) -> list[str]:
    """Who is online and serves all."""
    return [worker.name for worker in found.workers() if worker.is_serving_all]


async def seen(ctx: Context, look: Callable[[Online], T], expected: T) -> None:
    """Return when the node of `ctx` sees what is expected, which it does after its next refresh."""
    async with asyncio.timeout(10):
        while True:
            if look(await online(ctx)) == expected:
                return
            await asyncio.sleep(0)


async def pause(ctx: Context, name: str, at: str = "clock_timestamp()") -> None:
    """Set a worker to maintenance, as another node does."""
    assert await change(ctx, PAUSE.format(at=at), name=name) == 1


async def a_lane(ctx: Context, needs: Needs = NEEDS) -> tuple[Lanes, Lane]:
    lanes = ctx.remembered(Lanes)
    await lanes.intern(ctx.database, [needs])
    return lanes, lanes.of(needs)


async def test_what_changed_elsewhere_is_seen_at_the_next_refresh(clock: Clock) -> None:
    ada = await user(clock.ctx)
    async with nodes(clock.ctx, 1) as [other]:
        for name in ("Atlas", "Zeus"):
            await worker(other, ada, name)
        assert names(await online(clock.ctx)) == ["Atlas", "Zeus"]

        await pause(other, "Atlas")
        await worker(other, ada, "Hera")
        clock.now += LATER

        await seen(clock.ctx, names, ["Hera", "Zeus"])


async def test_own_news_are_seen_at_once(clock: Clock) -> None:
    ada = await user(clock.ctx)
    assert names(await online(clock.ctx)) == []

    await worker(clock.ctx, ada, "Atlas", models=("one",))
    assert names(await online(clock.ctx)) == ["Atlas"]
    await worker(clock.ctx, ada, "Atlas", models=("two",))

    [atlas] = (await online(clock.ctx)).workers()
    assert atlas.models == ("two",)


async def test_nodes_see_each_others_workers(clock: Clock) -> None:
    ada = await user(clock.ctx)
    async with nodes(clock.ctx, 2) as contexts:
        assert [names(await online(ctx)) for ctx in contexts] == [[], []]
        for place, ctx in enumerate(contexts):
            await worker(ctx, ada, f"W{place}")
        clock.now += LATER

        for ctx in contexts:
            await seen(replace(ctx, now=clock.now), names, ["W0", "W1"])


async def test_whoever_says_nothing_for_five_minutes_is_dropped(clock: Clock) -> None:
    ada = await user(clock.ctx)
    await worker(clock.ctx, ada, "Atlas")
    await worker(clock.move(seconds=100), ada, "Zeus")
    assert names(await online(clock.ctx)) == ["Atlas", "Zeus"]

    clock.move(seconds=200)
    await seen(clock.ctx, names, ["Atlas", "Zeus"])
    clock.now += LATER
    await seen(clock.ctx, names, ["Zeus"])
    assert (await online(clock.ctx)).named("Atlas") is None


async def test_change_that_became_visible_late_is_seen_all_the_same(clock: Clock) -> None:
    ada = await user(clock.ctx)
    await worker(clock.ctx, ada, "Atlas")
    await change(clock.ctx, "UPDATE workers SET changed_at = clock_timestamp() - interval '1 h'")
    await worker(clock.ctx, ada, "Zeus")
    async with nodes(clock.ctx, 1) as [other]:
        assert names(await online(other)) == ["Atlas", "Zeus"]

        # Its transaction began before Zeus' and ended after it.
        await pause(clock.ctx, "Atlas", at=f"clock_timestamp() - interval '{OVERLAP.total_seconds() - 5} s'")

        await seen(replace(other, now=clock.now + LATER), names, ["Zeus"])


async def test_everything_is_read_anew_every_few_minutes(clock: Clock) -> None:
    ada = await user(clock.ctx)
    await worker(clock.ctx, ada, "Atlas")
    async with nodes(clock.ctx, 1) as [other]:
        await online(other)
        # As nobody should: without saying that something changed.
        await change(clock.ctx, "UPDATE workers SET is_in_maintenance = true, last_seen = last_seen + interval '1 h'")
        await worker(clock.ctx, ada, "Zeus")

        await seen(replace(other, now=clock.now + LATER), names, ["Atlas", "Zeus"])
        await worker(clock.move(seconds=WHOLE_EVERY.total_seconds()), ada, "Zeus")
        await seen(replace(other, now=clock.now), names, ["Zeus"])


async def test_refresh_takes_nothing_back_that_was_said_meanwhile(clock: Clock) -> None:
    ada = await user(clock.ctx)
    await worker(clock.ctx, ada, "Atlas", models=("one",))
    await online(clock.ctx)
    clock.now += LATER

    # The refresh and the check-in run at the same time, whichever is first.
    for threads in range(2, 12):
        clock.now += LATER
        reading = asyncio.create_task(online(clock.ctx))
        await worker(clock.ctx, ada, "Atlas", threads=threads)
        await reading
        [atlas] = (await online(clock.ctx)).workers()
        assert atlas.threads == threads


# -------------------------------------------------------------------------------------- what they can do
async def test_power_is_that_of_all_who_can_serve_the_lane(clock: Clock) -> None:
    ada = await user(clock.ctx)
    for name, models, threads in (("Atlas", ("one",), 2), ("Zeus", ("one", "two"), 3), ("Hera", ("two",), 5)):
        await worker(clock.ctx, ada, name, models=models, threads=threads)
    await worker(clock.ctx, ada, "Scribe", kind="text", threads=7)
    lanes, lane = await a_lane(clock.ctx)

    found = await online(clock.ctx)

    assert found.power(lanes, lane) == Power(2, 5, 5 * DEFAULT_SPEED)
    assert found.power_of_kind("image") == Power(3, 10, 10 * DEFAULT_SPEED)
    assert found.power(lanes, lane).speed_of_thread == DEFAULT_SPEED
    assert NOBODY.speed_of_thread == 0


async def test_power_and_explanation_follow_what_workers_say(clock: Clock) -> None:
    ada = await user(clock.ctx)
    lanes, lane = await a_lane(clock.ctx)

    async def now(ctx: Context) -> tuple[int, int, str | None]:
        """How many can serve the lane, how many there are, and why nobody can."""
        found = await online(ctx)
        return found.power(lanes, lane).workers, found.power_of_kind("image").workers, found.explanation(lanes, lane)

    lacking = "No worker online offers model one."
    assert await now(clock.ctx) == (0, 0, "No worker is online.")
    await worker(clock.ctx, ada, "Atlas", models=("two",))
    assert await now(clock.ctx) == (0, 1, lacking)
    await worker(clock.ctx, ada, "Zeus", models=("one",))
    assert await now(clock.ctx) == (1, 2, None)
    await worker(clock.ctx, ada, "Atlas", models=("one", "two"))
    assert await now(clock.ctx) == (2, 2, None)
    await worker(clock.ctx, ada, "Zeus", models=("two",))
    await worker(clock.ctx, ada, "Atlas", models=("two",))
    assert await now(clock.ctx) == (0, 2, lacking)


async def test_power_and_explanation_follow_a_refresh(clock: Clock) -> None:
    ada = await user(clock.ctx)
    lanes, lane = await a_lane(clock.ctx)
    await worker(clock.ctx, ada, "Atlas", models=("one",))
    assert (await online(clock.ctx)).power(lanes, lane).workers == 1

    await pause(clock.ctx, "Atlas")
    clock.now += LATER
    await seen(clock.ctx, lambda found: found.power(lanes, lane), NOBODY)
    assert resting("in maintenance") in str((await online(clock.ctx)).explanation(lanes, lane))
    await change(
        clock.ctx, "UPDATE workers SET is_paused = true, is_in_maintenance = false, changed_at = clock_timestamp()"
    )
    clock.now += LATER
    await seen(clock.ctx, lambda found: resting("paused") in str(found.explanation(lanes, lane)), True)

    clock.move(minutes=5)
    await seen(clock.ctx, lambda found: found.named("Atlas"), None)
    assert (await online(clock.ctx)).power_of_kind("image") == NOBODY


def resting(state: str) -> str:
    return f"1 worker online could do it, but it is {state}."


async def test_worker_in_maintenance_that_is_named_is_the_reason(clock: Clock) -> None:
    ada = await user(clock.ctx)
    await worker(clock.ctx, ada, "Zeus", models=("one",))
    atlas = await worker(clock.ctx, ada, "Atlas", models=("one",))
    await pause(clock.ctx, "Atlas")
    lanes, lane = await a_lane(clock.ctx, replaced(NEEDS, workers=(str(atlas.id),)))

    async with nodes(clock.ctx, 1) as [other]:
        assert resting("in maintenance") in str((await online(other)).explanation(lanes, lane))


async def test_worker_in_maintenance_has_power_for_its_owner_alone(clock: Clock) -> None:
    ada = await user(clock.ctx)
    lanes, lane = await a_lane(clock.ctx)
    await worker(clock.ctx, ada, "Atlas", models=("one",))
    await pause(clock.ctx, "Atlas")

    async with nodes(clock.ctx, 1) as [other]:
        found = await online(other)

    assert not found.can_serve_lane(lanes, lane)
    assert not found.can_serve_lane(lanes, lane, owner_id=ada.id + 1)
    assert found.can_serve_lane(lanes, lane, owner_id=ada.id)


async def test_anonymous_worker_in_maintenance_has_power_for_nobody(clock: Clock) -> None:
    nobody = await anonymous(clock.ctx)
    lanes, lane = await a_lane(clock.ctx)
    await worker(clock.ctx, nobody, "Nemo", models=("one",))
    await pause(clock.ctx, "Nemo")

    async with nodes(clock.ctx, 1) as [other]:
        found = await online(other)

    assert not found.can_serve_lane(lanes, lane, owner_id=nobody.id)
    assert not found.can_serve(NEEDS, owner_id=nobody.id)


async def test_lane_that_lists_workers_is_served_by_those_alone(clock: Clock) -> None:
    ada = await user(clock.ctx)
    atlas = await worker(clock.ctx, ada, "Atlas", models=("one",), threads=2)
    await worker(clock.ctx, ada, "Zeus", models=("one",), threads=4)
    listed = replaced(NEEDS, workers=(str(atlas.id),))

    found = await online(clock.ctx)
    threads = []
    for needs in (NEEDS, listed, replaced(NEEDS, workers=listed.workers, worker_blacklist=True)):
        lanes, lane = await a_lane(clock.ctx, needs)
        threads.append(found.power(lanes, lane).threads)

    assert threads == [6, 2, 4]
