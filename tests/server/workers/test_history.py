"""What the horde has ever done stays true, however old it gets."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest

from horde.server.context import Context
from horde.server.workers.history import WINDOWS, Amount, fold_work, history
from horde.server.workers.record import Done, credit
from horde.server.workers.roster import Worker
from horde.units import Kudos
from tests.plugins.hordes import Clock
from tests.server.builders import look, one, user, worker

LEEWAY = {"minute": 10, "hour": 10, "day": 3600, "month": 24 * 3600}
"""By how many seconds a period may be shorter than it says: the first slice, hour or day that it holds only in part."""


@pytest.fixture
async def atlas(clock: Clock) -> Worker:
    """Somebody who delivers."""
    return await worker(clock.ctx, await user(clock.ctx))


async def delivers(ctx: Context, atlas: Worker, **changes: Any) -> None:
    """Count one delivered job."""
    fields: dict[str, Any] = {"kind": "image", "model": "one", "things": 100, "seconds": 1.0, "earned": Kudos(1)}
    async with ctx.database.transaction() as tx:
        await credit(tx, [Done(worker_id=atlas.id, **(fields | changes))], now=ctx.now)


async def test_horde_that_did_nothing_tells_nothing(clock: Clock) -> None:
    found = await history(clock.ctx)

    assert (found.total("image", "total"), found.total("text", "day")) == (Amount(), Amount())
    assert found.jobs_by_model("image", "total", at_most=10) == {}


async def test_kinds_and_models_are_told_apart_and_special_ones_not_at_all(clock: Clock, atlas: Worker) -> None:
    for kind, model in (("image", "one"), ("image", "two"), ("image", "two"), ("text", "one")):
        await delivers(clock.ctx, atlas, kind=kind, model=model)
    await delivers(clock.ctx, atlas, model="horde_special::x#1")

    found = await history(clock.ctx)

    assert found.total("image", "minute") == Amount(3, 300)
    assert found.total("text", "total") == Amount(1, 100)
    assert list(found.jobs_by_model("image", "day", at_most=2).items()) == [("two", 2), ("one", 1)]
    assert found.jobs_by_model("image", "total", at_most=1) == {"two": 2}


@pytest.mark.parametrize("seed", range(3))
async def test_sums_stay_the_same_while_work_grows_old(clock: Clock, atlas: Worker, seed: int) -> None:
    drawn = random.Random(seed)
    moments = []
    for _ in range(60):
        clock.move(seconds=drawn.choice([1, 50, 1800, 20_000, 200_000, 900_000]))
        await delivers(clock.ctx, atlas, model=drawn.choice(["one", "two"]))
        moments.append(clock.now)
        if drawn.random() < 0.5:
            await fold_work(clock.ctx)

        found = await history(clock.ctx)

        assert found.total("image", "total") == Amount(len(moments), 100 * len(moments))
        assert sum(found.jobs_by_model("image", "total", at_most=10).values()) == len(moments)
        for period, window in WINDOWS.items():
            age = [clock.now - moment for moment in moments]
            most = sum(1 for old in age if old <= window)
            least = sum(1 for old in age if old <= window - timedelta(seconds=LEEWAY[period]))
            assert least <= found.total("image", period).jobs <= most, period


async def test_hour_that_is_added_up_in_two_steps_holds_both(clock: Clock, atlas: Worker) -> None:
    clock.move(seconds=3600 - clock.now.timestamp() % 3600)  # to the very beginning of an hour
    await delivers(clock.move(minutes=5), atlas)
    await delivers(clock.move(minutes=45), atlas)

    assert await fold_work(clock.move(minutes=30)) == 1
    assert await fold_work(clock.move(minutes=90)) == 1

    [row] = await look(clock.ctx, "SELECT period, jobs, things FROM work_history")
    assert (row["period"], row["jobs"], row["things"]) == ("hour", 2, 200)


async def test_old_work_takes_one_row_for_each_model(clock: Clock, atlas: Worker) -> None:
    for _ in range(40):
        await delivers(clock.move(days=1), atlas)
        await fold_work(clock.ctx)
    clock.move(days=100)
    for _ in range(3):
        await fold_work(clock.ctx)

    [row] = await look(clock.ctx, "SELECT period, jobs, things FROM work_history")
    assert (row["period"], row["jobs"], row["things"]) == ("ever", 40, 4000)
    assert await one(clock.ctx, "SELECT count(*) FROM work_done") == 0
    assert await fold_work(clock.ctx) == 0


async def test_whoever_reads_while_work_is_added_up_sees_all_of_it(clock: Clock, atlas: Worker) -> None:
    for _ in range(5):
        await delivers(clock.move(hours=30), atlas)

    async def read() -> int:
        return (await history(clock.ctx)).total("image", "total").jobs

    totals = await asyncio.gather(read(), fold_work(clock.ctx), read(), fold_work(clock.ctx), read())

    assert [totals[0], totals[2], totals[4]] == [5, 5, 5]


async def test_work_counts_with_its_settlement_or_not_at_all(clock: Clock, atlas: Worker) -> None:
    job = Done(worker_id=atlas.id, kind="image", model="one", things=1, seconds=1.0, earned=Kudos(1))

    async def settle_in_vain() -> None:
        async with clock.ctx.database.transaction() as tx:
            await credit(tx, [job], now=clock.now)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await settle_in_vain()

    assert (await history(clock.ctx)).total("image", "total") == Amount()
