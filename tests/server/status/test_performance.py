"""The horde in numbers: what waits, who serves, what was done in the past minute."""

from horde.server.accounts.users import User
from horde.server.status.models import models
from horde.server.status.performance import Performance, performance
from horde.server.workers.done import done_lately
from horde.server.workers.history import fold_work
from tests.plugins.hordes import Clock
from tests.server.builders import MODEL, asked, delivered, leased, nodes, one, seldom_looking, user, worker

THINGS = 512 * 512 * 50
NOTHING = Performance(jobs_waiting=0, things_waiting=0, workers=0, threads=0, things_in_past_minute=0)


async def make_one(clock: Clock, ada: User) -> None:
    """A picture that takes a second."""
    await asked(clock.ctx, ada)
    job = await leased(clock.ctx, ada, "Maker")
    await delivered(clock.move(seconds=1), ada, job)


async def test_what_waits_and_who_serves_is_counted(clock: Clock) -> None:
    ada = await user(clock.ctx)
    await asked(clock.ctx, ada, n=3)
    await asked(clock.ctx, ada, n=2, models=("rare",))
    await leased(clock.ctx, ada, "Atlas", threads=2)
    await worker(clock.ctx, ada, "Zeus", threads=3)
    await worker(clock.ctx, ada, "Hera", kind="text")

    assert await performance(clock.ctx, "image") == Performance(
        jobs_waiting=4, things_waiting=4 * THINGS, workers=2, threads=5, things_in_past_minute=0
    )


async def test_kind_that_is_not_there_counts_nothing(clock: Clock) -> None:
    await make_one(clock, await user(clock.ctx))

    assert await performance(clock.ctx, "alchemy") == NOTHING


async def test_past_minute_holds_what_was_delivered_in_it(clock: Clock) -> None:
    ada = await user(clock.ctx)

    async def done() -> int:
        return (await performance(clock.ctx, "image")).things_in_past_minute

    await make_one(clock, ada)
    assert await done() == THINGS

    clock.move(seconds=30)
    await make_one(clock, ada)
    assert await done() == 2 * THINGS

    clock.move(seconds=30)  # the first is a minute old now, and the second is not, whichever slices they fell into
    assert await done() == THINGS
    clock.move(seconds=31)
    assert await done() == 0


async def test_work_of_more_than_an_hour_ago_is_forgotten_and_nothing_else(clock: Clock) -> None:
    ada = await user(clock.ctx)
    await make_one(clock, ada)
    clock.move(minutes=30)
    await make_one(clock, ada)

    assert await fold_work(clock.ctx) == 0
    assert await fold_work(clock.move(minutes=40)) == 1
    assert await fold_work(clock.ctx) == 0

    assert await one(clock.ctx, "SELECT sum(jobs)::integer FROM work_done") == 1
    assert (await done_lately(clock.ctx)).speed("image", MODEL) == THINGS


async def test_numbers_and_models_come_out_of_memory(clock: Clock) -> None:
    ada = await user(clock.ctx)
    await make_one(clock, ada)
    await asked(clock.ctx, ada)
    async with nodes(clock.ctx, 1) as [node]:
        lost = seldom_looking(node)
        before = await performance(lost, "image"), await models(lost, "image")
    # From here on its pool is closed: nothing can be read of the database any more.

    assert (await performance(lost, "image"), await models(lost, "image")) == before
    assert before[0].jobs_waiting == before[0].workers == 1
