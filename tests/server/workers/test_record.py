"""What a worker has done is counted, and its speed is that of its last 20 jobs."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from horde.kinds.image import DEFAULT_SPEED
from horde.server.context import Context
from horde.server.workers.record import SLICE_S, Done, count_uncompleted, credit
from horde.server.workers.roster import Worker, worker_by_id
from horde.units import Kudos
from tests.plugins.hordes import Clock
from tests.server.builders import MODEL, change, look, nodes, user, worker

THINGS = 1_000_000


def done(atlas: Worker, speed: float = 1e6, **changes: Any) -> Done:
    """A delivered job that was done with this speed."""
    job = Done(worker_id=atlas.id, kind="image", model=MODEL, things=THINGS, seconds=THINGS / speed, earned=Kudos(10))
    return replace(job, **changes)


async def credited(ctx: Context, *jobs: Done) -> None:
    """Count jobs in one batch."""
    async with ctx.database.transaction() as tx:
        await credit(tx, jobs, now=ctx.now)


async def after(ctx: Context, atlas: Worker, *speeds: float) -> Worker:
    """The worker after it delivered jobs with these speeds, each in a batch of its own."""
    for speed in speeds:
        await credited(ctx, done(atlas, speed))
    async with ctx.database.transaction() as tx:
        found = await worker_by_id(tx, atlas.id)
    assert found is not None
    return found


async def test_delivered_jobs_are_counted(clock: Clock) -> None:
    atlas = await after(clock.ctx, await worker(clock.ctx, await user(clock.ctx)), 1e6, 2e6, 3e6)

    assert (atlas.fulfilled, atlas.things, atlas.earned_mk, atlas.uncompleted) == (3, 3_000_000, 30, 0)


async def test_speed_is_the_mean_of_the_last_20_jobs(clock: Clock) -> None:
    atlas = await worker(clock.ctx, await user(clock.ctx))
    assert atlas.speed == DEFAULT_SPEED

    assert (await after(clock.ctx, atlas, 1e6, 3e6)).speed == 2e6
    found = await after(clock.ctx, atlas, *[4e6] * 19)

    assert len(found.speeds) == 20
    assert found.speed == (3e6 + 19 * 4e6) / 20


async def test_jobs_of_one_batch_count_in_the_order_in_which_they_came(clock: Clock) -> None:
    atlas = await worker(clock.ctx, await user(clock.ctx))

    await credited(clock.ctx, *[done(atlas, number * 1e5) for number in range(1, 16)])
    assert [round(speed / 1e5) for speed in (await after(clock.ctx, atlas)).speeds] == list(range(15, 0, -1))
    await credited(clock.ctx, *[done(atlas, number * 1e5) for number in range(16, 46)])

    found = await after(clock.ctx, atlas)
    assert [round(speed / 1e5) for speed in found.speeds] == list(range(45, 25, -1))
    assert found.fulfilled == 45


async def test_speeds_of_a_worker_are_kept_for_each_of_its_models(clock: Clock) -> None:
    ada = await user(clock.ctx)
    atlas, zeus = await worker(clock.ctx, ada, "Atlas"), await worker(clock.ctx, ada, "Zeus")

    await credited(
        clock.ctx, done(atlas, 1e6, model="one"), done(zeus, 2e6, model="one"), done(atlas, 4e6, model="two")
    )
    await credited(clock.ctx, *[done(atlas, 5e6, model="two")] * 25)

    rows = await look(clock.ctx, "SELECT worker_id, model, jobs, speeds FROM worker_models")
    assert {(row["worker_id"], row["model"]): (row["jobs"], row["speeds"]) for row in rows} == {
        (atlas.id, "one"): (1, [1e6]),
        (zeus.id, "one"): (1, [2e6]),
        (atlas.id, "two"): (26, [5e6] * 20),
    }


async def test_work_is_counted_by_model_in_slices_of_time(clock: Clock) -> None:
    atlas = await worker(clock.ctx, await user(clock.ctx))
    clock.move(seconds=SLICE_S - clock.now.timestamp() % SLICE_S)  # to the very beginning of a slice
    for seconds in (0, SLICE_S - 0.001, 0.001):
        clock.move(seconds=seconds)
        await credited(clock.ctx, done(atlas), done(atlas, 2e6), done(atlas, model="two"))

    rows = await look(clock.ctx, "SELECT kind, model, jobs, things, busy_s FROM work_done ORDER BY slice, model DESC")

    assert [tuple(row.values()) for row in rows] == [
        ("image", "two", 2, 2 * THINGS, 2.0),
        ("image", MODEL, 4, 4 * THINGS, 3.0),
        ("image", "two", 1, THINGS, 1.0),
        ("image", MODEL, 2, 2 * THINGS, 1.5),
    ]


async def test_worker_is_slow_below_half_a_megapixelstep_a_second(clock: Clock) -> None:
    atlas = await worker(clock.ctx, await user(clock.ctx))

    assert not (await after(clock.ctx, atlas, 500_000)).offer.is_slow
    assert (await after(clock.ctx, atlas, 499_000)).offer.is_slow


async def test_job_that_took_no_time_has_a_speed_all_the_same(clock: Clock) -> None:
    atlas = await worker(clock.ctx, await user(clock.ctx))

    await credited(clock.ctx, done(atlas, things=5, seconds=0))

    assert (await after(clock.ctx, atlas)).speeds == (5_000,)


async def test_jobs_that_came_to_nothing_are_counted(clock: Clock) -> None:
    ada = await user(clock.ctx)
    atlas, zeus = await worker(clock.ctx, ada, "Atlas"), await worker(clock.ctx, ada, "Zeus")

    async with clock.ctx.database.transaction() as tx:
        await count_uncompleted(tx, [atlas.id], [], now=clock.now)
        await count_uncompleted(tx, [atlas.id, zeus.id, atlas.id, atlas.id], [zeus.id], now=clock.now)
        await count_uncompleted(tx, [], [], now=clock.now)

    assert (await after(clock.ctx, atlas)).uncompleted == 4
    assert (await after(clock.ctx, zeus)).uncompleted == 1


async def test_batches_of_several_nodes_that_name_the_same_workers_in_any_order_add_up(clock: Clock) -> None:
    chance = random.Random(6)
    ada = await user(clock.ctx)
    workers = [await worker(clock.ctx, ada, f"W{number}") for number in range(6)]
    batches = [
        [done(chance.choice(workers), model=chance.choice("abc"), things=chance.randrange(1, 9)) for _ in range(8)]
        for _ in range(30)
    ]

    async with nodes(clock.ctx, 3) as contexts:
        await asyncio.gather(*[credited(contexts[place % 3], *batch) for place, batch in enumerate(batches)])

    jobs, models, slices = Counter[object](), Counter[object](), Counter[object]()
    for job in (job for batch in batches for job in batch):
        jobs[job.worker_id] += 1
        models[job.worker_id, job.model] += 1
        slices[job.model] += job.things
    kept = await look(clock.ctx, "SELECT id, fulfilled FROM workers")
    assert {row["id"]: row["fulfilled"] for row in kept} == jobs
    kept = await look(clock.ctx, "SELECT worker_id, model, jobs FROM worker_models")
    assert {(row["worker_id"], row["model"]): row["jobs"] for row in kept} == models
    kept = await look(clock.ctx, "SELECT model, sum(things)::bigint AS things FROM work_done GROUP BY model")
    assert {row["model"]: row["things"] for row in kept} == slices


async def test_counting_and_checking_in_at_once_lose_nothing(clock: Clock) -> None:
    ada = await user(clock.ctx)
    workers = [await worker(clock.ctx, ada, f"W{number}") for number in range(4)]

    async def gives_back(ctx: Context, names: list[Worker]) -> None:
        async with ctx.database.transaction() as tx:
            await count_uncompleted(tx, [found.id for found in names], [names[0].id], now=ctx.now)

    async with nodes(clock.ctx, 3) as contexts:
        calls: list[Awaitable[object]] = []
        for turn in range(20):
            ctx = contexts[turn % 3]
            calls += [credited(ctx, *map(done, workers[::-1])), gives_back(ctx, workers)]
            calls += [worker(ctx, ada, found.name, threads=turn + 2) for found in workers]
        await asyncio.gather(*calls)

    kept = await look(clock.ctx, "SELECT fulfilled, uncompleted FROM workers")
    assert kept == [{"fulfilled": 20, "uncompleted": 20}] * 4


async def test_work_of_a_worker_that_was_deleted_counts_for_the_horde(clock: Clock) -> None:
    ada = await user(clock.ctx)
    atlas, zeus = await worker(clock.ctx, ada, "Atlas"), await worker(clock.ctx, ada, "Zeus")
    await credited(clock.ctx, done(atlas), done(zeus))

    await change(clock.ctx, "DELETE FROM workers WHERE id = $1", id=atlas.id)

    assert len(await look(clock.ctx, "SELECT FROM worker_models")) == 1
    assert await look(clock.ctx, "SELECT jobs FROM work_done") == [{"jobs": 2}]
