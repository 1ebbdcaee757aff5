"""What a worker has done is counted, and its speed is that of its last 20 jobs."""

from horde.server.context import Context
from horde.server.workers.record import count_uncompleted, credit
from horde.server.workers.roster import DEFAULT_SPEED, Worker, worker_by_id
from horde.units import Kudos
from tests.plugins.hordes import Clock
from tests.server.builders import user, worker


async def after(ctx: Context, atlas: Worker, *speeds: float) -> Worker:
    """The worker after it delivered jobs with these speeds."""
    async with ctx.database.transaction() as tx:
        for speed in speeds:
            await credit(tx, atlas.id, things=1_000_000, seconds=1_000_000 / speed, earned=Kudos(10_000))
        found = await worker_by_id(tx, atlas.id)
    assert found is not None
    return found


async def test_delivered_jobs_are_counted(clock: Clock) -> None:
    atlas = await after(clock.ctx, await worker(clock.ctx, await user(clock.ctx)), 1e6, 2e6, 3e6)

    assert (atlas.fulfilled, atlas.things, atlas.earned_mk, atlas.uncompleted) == (3, 3_000_000, 30_000, 0)


async def test_speed_is_the_mean_of_the_last_20_jobs(clock: Clock) -> None:
    atlas = await worker(clock.ctx, await user(clock.ctx))
    assert atlas.speed == DEFAULT_SPEED

    assert (await after(clock.ctx, atlas, 1e6, 3e6)).speed == 2e6
    found = await after(clock.ctx, atlas, *[4e6] * 19)

    assert len(found.speeds) == 20
    assert found.speed == (3e6 + 19 * 4e6) / 20


async def test_worker_is_slow_below_half_a_megapixelstep_a_second(clock: Clock) -> None:
    atlas = await worker(clock.ctx, await user(clock.ctx))

    assert not (await after(clock.ctx, atlas, 500_000)).offer.is_slow
    assert (await after(clock.ctx, atlas, 499_000)).offer.is_slow


async def test_job_that_took_no_time_has_a_speed_all_the_same(clock: Clock) -> None:
    atlas = await worker(clock.ctx, await user(clock.ctx))

    async with clock.ctx.database.transaction() as tx:
        await credit(tx, atlas.id, things=5, seconds=0, earned=Kudos(0))

    assert (await after(clock.ctx, atlas)).speeds == (5_000,)


async def test_jobs_that_came_to_nothing_are_counted(clock: Clock) -> None:
    atlas = await worker(clock.ctx, await user(clock.ctx))

    async with clock.ctx.database.transaction() as tx:
        await count_uncompleted(tx, atlas.id)
        await count_uncompleted(tx, atlas.id, 3)

    assert (await after(clock.ctx, atlas)).uncompleted == 4
