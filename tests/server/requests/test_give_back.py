"""Jobs that come to nothing wait again, at once or when their lease ends, and three of them end a request."""

import asyncio
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.db import notify
from horde.server.requests.cancel import cancel
from horde.server.requests.deliver import report_fault
from horde.server.requests.expire import return_late_jobs
from horde.server.requests.read import progress
from horde.server.requests.wait import Waiting
from horde.server.workers.checkin import check_in
from tests.plugins.hordes import Clock
from tests.server.builders import (
    EARNED,
    TAX,
    asked,
    change,
    delivered,
    earned,
    everything,
    has,
    idle,
    leased,
    look,
    one,
    popped,
    said,
    user,
)


@pytest.fixture
async def ada(clock: Clock) -> User:
    """Who asks."""
    return await user(clock.ctx, "Ada", has=100)


@pytest.fixture
async def bob(clock: Clock) -> User:
    """Who serves."""
    return await user(clock.ctx, "Bob", has=0)


async def the_request(ctx: Context) -> tuple[str, int, int]:
    """State, waiting and faults of the one request."""
    [row] = await look(ctx, "SELECT state, waiting, faults FROM requests")
    return row["state"], row["waiting"], row["faults"]


async def stick(ctx: Context, job_id: str, code: str) -> None:
    """Let the database refuse every change of this job, with the error of that name."""
    await change(ctx, f"CREATE FUNCTION stick() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE {code}; END $$")
    await change(
        ctx,
        f"CREATE TRIGGER stick BEFORE UPDATE ON jobs FOR EACH ROW WHEN (OLD.id = '{UUID(job_id)}')"
        " EXECUTE FUNCTION stick()",
    )


async def test_lost_lease_returns_the_image_to_the_queue(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)

    assert await return_late_jobs(clock.move(seconds=150)) == 0
    assert await return_late_jobs(clock.move(seconds=1)) == 1

    assert await the_request(clock.ctx) == ("live", 1, 1)
    assert await one(clock.ctx, "SELECT state FROM jobs WHERE id = $1", id=UUID(job_id)) == "lost"
    assert await one(clock.ctx, "SELECT uncompleted FROM workers") == 1
    again = await leased(clock.ctx, bob)
    assert await delivered(clock.ctx, bob, again) == 11_000


async def test_returning_late_jobs_twice_returns_them_once(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, n=2)
    await popped(clock.ctx, bob, amount=2)
    await return_late_jobs(clock.move(minutes=3))
    before = await everything(clock.ctx)

    assert await return_late_jobs(clock.ctx) == 0
    assert await everything(clock.ctx) == before


@pytest.mark.parametrize(
    ("code", "said"), [("raise_exception", "late_job.stuck"), ("deadlock_detected", "late_job.held")]
)
async def test_one_stuck_job_does_not_hold_up_the_others(
    clock: Clock, ada: User, bob: User, code: str, said: str
) -> None:
    await asked(clock.ctx, ada, n=3)
    stuck, *others = [await leased(clock.ctx, bob) for _ in range(3)]
    await stick(clock.ctx, stuck, code)

    with capture_logs() as logs:
        counts = [await return_late_jobs(clock.move(minutes=3)), await return_late_jobs(clock.ctx)]

    # What cannot be given back is no progress, so it makes no round a full one.
    assert counts == [2, 0]
    assert [line["job"] for line in logs if line["event"] == said] == [stuck, stuck]
    states = {str(row["id"]): row["state"] for row in await look(clock.ctx, "SELECT id, state FROM jobs")}
    assert states == {stuck: "leased"} | dict.fromkeys(others, "lost")
    await change(clock.ctx, "DROP TRIGGER stick ON jobs")
    assert await return_late_jobs(clock.ctx) == 1


async def test_reported_fault_returns_the_image_to_the_queue_and_pays_nobody(
    clock: Clock, ada: User, bob: User
) -> None:
    request_id = await asked(clock.ctx, ada)
    await report_fault(clock.ctx, bob, await leased(clock.ctx, bob))

    assert await the_request(clock.ctx) == ("live", 1, 1)
    assert (await progress(clock.ctx, request_id, kind="image")).restarted == 1
    assert (await has(clock.ctx, ada), await earned(clock.ctx, bob)) == (100_000 - TAX, 0)


async def test_repeated_fault_report_changes_nothing(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)
    await report_fault(clock.ctx, bob, job_id)
    before = await everything(clock.ctx)

    await report_fault(clock.ctx, bob, job_id)

    assert await everything(clock.ctx) == before


async def test_three_faults_end_the_request(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, n=2)

    for faults in (1, 2):
        await report_fault(clock.ctx, bob, await leased(clock.ctx, bob))
        assert await the_request(clock.ctx) == ("live", 2, faults)
    await report_fault(clock.ctx, bob, await leased(clock.ctx, bob))

    assert await the_request(clock.ctx) == ("faulted", 0, 3)
    found = await progress(clock.ctx, request_id, kind="image")
    assert (found.is_faulted, found.is_done, found.is_possible, found.restarted) == (True, True, False, 3)
    await idle(clock.ctx, bob)


async def test_lost_and_reported_jobs_count_together(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    await report_fault(clock.ctx, bob, await leased(clock.ctx, bob))
    for _ in range(2):
        await leased(clock.ctx, bob)
        await return_late_jobs(clock.move(minutes=3))

    assert await the_request(clock.ctx) == ("faulted", 0, 3)


async def test_what_runs_when_a_request_ends_in_faults_is_still_taken_and_paid(
    clock: Clock, ada: User, bob: User
) -> None:
    await asked(clock.ctx, ada, n=2)
    kept = await leased(clock.ctx, bob)
    for _ in range(3):
        await report_fault(clock.ctx, bob, await leased(clock.ctx, bob))

    assert await delivered(clock.ctx, bob, kept) == 11_000
    assert await earned(clock.ctx, bob) == EARNED


async def test_fault_in_a_cancelled_request_lets_nothing_wait_again(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)
    await cancel(clock.ctx, request_id, kind="image")

    await report_fault(clock.ctx, bob, job_id)

    assert await the_request(clock.ctx) == ("cancelled", 0, 1)
    await idle(clock.ctx, bob)


async def test_give_back_wakes_a_worker_and_the_requestor(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)
    member = await check_in(clock.ctx, bob, said("Zeus"))

    with (
        clock.ctx.remembered(Waiting).worker(clock.ctx, member) as work,
        clock.ctx.services.hints.bell(notify.done(request_id)) as done,
    ):
        await report_fault(clock.ctx, bob, job_id)
        async with asyncio.timeout(notify.POLL_S / 2):
            await work.wait(60)
            await done.wait(60)


async def test_worker_that_fails_with_a_whole_batch_in_hand_has_failed_once(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, n=4)
    batch = await popped(clock.ctx, bob, amount=4)
    for job_id in batch.job_ids:
        await report_fault(clock.ctx, bob, job_id)

    assert len(batch.job_ids) == 4
    assert await the_request(clock.ctx) == ("live", 4, 1)
