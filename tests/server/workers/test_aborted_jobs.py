"""A worker that fails again and again is put into maintenance, and told why."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from horde.errors import WorkerMaintenance
from horde.kinds.image import KIND
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.requests.deliver import report_fault
from horde.server.requests.expire import return_late_jobs
from horde.server.workers.modify import Changes, change
from horde.server.workers.record import ABORTED_WITHIN, count_uncompleted
from horde.server.workers.roster import Worker, worker_by_id
from tests.plugins.hordes import Clock
from tests.server.builders import asked, leased, look, one, popped, user, worker
from tests.server.builders import change as change_row

ABORTED_MAX = KIND.aborted_max
ABORTED_MAX_IN_RAID = ABORTED_MAX // 2
ON, OFF = Changes(is_in_maintenance=True, maintenance_message="new GPU"), Changes(is_in_maintenance=False)


@pytest.fixture
async def ada(clock: Clock) -> User:
    """Who serves."""
    return await user(clock.ctx)


@pytest.fixture
async def atlas(clock: Clock, ada: User) -> Worker:
    """A worker of hers."""
    return await worker(clock.ctx, ada)


async def failed(ctx: Context, atlas: Worker, times: int) -> bool:
    """Let the worker fail so many times; returns whether it is in maintenance then."""
    for _ in range(times):
        async with ctx.database.transaction() as tx:
            await count_uncompleted(tx, [atlas.id], [atlas.id], now=ctx.now)
    return (await stored(ctx, atlas)).is_in_maintenance


async def stored(ctx: Context, atlas: Worker) -> Worker:
    async with ctx.database.statement() as tx:
        found = await worker_by_id(tx, atlas.id)
    assert found is not None
    return found


async def test_owner_is_suspected_once_for_each_time_that_a_worker_is_stopped(
    clock: Clock, ada: User, atlas: Worker
) -> None:
    for times in (ABORTED_MAX, 1, ABORTED_MAX, 1):
        await failed(clock.ctx, atlas, times)

    assert await one(clock.ctx, "SELECT suspicion FROM users WHERE id = $1", user_id=ada.id) == 2


async def test_twenty_failures_are_borne_and_the_next_is_one_too_many(clock: Clock, atlas: Worker) -> None:
    assert not await failed(clock.ctx, atlas, ABORTED_MAX)
    with capture_logs() as logs:
        assert await failed(clock.ctx, atlas, 1)

    assert ABORTED_MAX == 20
    assert "maintenance mode" in ((await stored(clock.ctx, atlas)).maintenance_message or "")
    assert [(line["event"], line["worker"]) for line in logs] == [("worker.guarded", "Atlas")]


async def test_ten_failures_in_a_raid_are_suspect_and_stop_no_worker(clock: Clock, ada: User, atlas: Worker) -> None:
    await change_row(clock.ctx, "UPDATE modes SET raid = true")

    for times in (ABORTED_MAX_IN_RAID, 1):
        assert not await failed(clock.ctx, atlas, times)

    assert ABORTED_MAX_IN_RAID == 10
    assert await one(clock.ctx, "SELECT suspicion FROM users WHERE id = $1", user_id=ada.id) == 1


async def test_failures_are_counted_anew_after_an_hour(clock: Clock, atlas: Worker) -> None:
    await failed(clock.ctx, atlas, ABORTED_MAX)
    clock.move(seconds=ABORTED_WITHIN.total_seconds())

    assert not await failed(clock.ctx, atlas, ABORTED_MAX)
    assert await failed(clock.move(minutes=59), atlas, 1)
    assert timedelta(hours=1) == ABORTED_WITHIN


async def test_hour_begins_with_the_first_failure(clock: Clock, atlas: Worker) -> None:
    await failed(clock.ctx, atlas, 1)
    await failed(clock.move(minutes=59), atlas, ABORTED_MAX - 1)

    assert not await failed(clock.move(minutes=1), atlas, ABORTED_MAX)


async def test_failures_before_maintenance_do_not_count_after_it(clock: Clock, atlas: Worker) -> None:
    await failed(clock.ctx, atlas, ABORTED_MAX + 1)
    await change(clock.ctx, atlas.id, OFF)

    assert not await failed(clock.ctx, atlas, ABORTED_MAX)
    assert await failed(clock.ctx, atlas, 1)


async def test_failures_of_one_worker_are_not_anothers(clock: Clock, ada: User, atlas: Worker) -> None:
    zeus = await worker(clock.ctx, ada, "Zeus")
    await failed(clock.ctx, zeus, ABORTED_MAX)

    assert not await failed(clock.ctx, atlas, ABORTED_MAX)
    assert await failed(clock.ctx, zeus, 1)
    assert not (await stored(clock.ctx, atlas)).is_in_maintenance


async def test_what_the_owner_said_of_the_maintenance_stays(clock: Clock, atlas: Worker) -> None:
    await change(clock.ctx, atlas.id, ON)

    await failed(clock.ctx, atlas, ABORTED_MAX + 1)

    assert (await stored(clock.ctx, atlas)).maintenance_message == "new GPU"


async def test_batch_that_fails_job_by_job_is_one_failure(clock: Clock, ada: User) -> None:
    await asked(clock.ctx, ada, n=20)
    batch = await popped(clock.ctx, ada, amount=20)
    assert len(batch.job_ids) == 20
    for job_id in batch.job_ids[:10]:
        await report_fault(clock.ctx, ada, job_id)
    await popped(clock.ctx, ada, amount=10)
    await return_late_jobs(clock.move(minutes=3))

    assert await look(clock.ctx, "SELECT aborted, uncompleted FROM workers") == [{"aborted": 2, "uncompleted": 30}]


async def test_worker_that_keeps_failing_gets_no_more_work_of_others_and_is_told_why(clock: Clock, ada: User) -> None:
    others = await user(clock.ctx, "Others")
    for _ in range(ABORTED_MAX + 1):
        await asked(clock.ctx, others)
        await report_fault(clock.ctx, ada, await leased(clock.ctx, ada))

    # The worker programs look for these words (contract/api-v2.md, section 3.1).
    with pytest.raises(WorkerMaintenance, match=r"maintenance mode.* 20 times within an hour"):
        await popped(clock.ctx, ada)
    await asked(clock.ctx, ada)
    await leased(clock.ctx, ada)
