"""A cancelled request hands out nothing more; what runs may be delivered and is owed."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import pytest

from horde.errors import RequestNotFound
from horde.server.accounts.users import User
from horde.server.db import notify
from horde.server.requests.cancel import cancel
from horde.server.requests.deliver import report_fault
from horde.server.requests.read import progress
from tests.plugins.hordes import Clock
from tests.server.builders import (
    CHARGED,
    EARNED,
    TAX,
    asked,
    delivered,
    earned,
    everything,
    has,
    idle,
    leased,
    popped,
    purse,
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


async def test_waiting_request_is_cancelled_and_nothing_is_owed(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, n=3)

    await cancel(clock.ctx, request_id, kind="image")

    found = await progress(clock.ctx, request_id, kind="image")
    assert (found.is_done, found.is_faulted, found.waiting, found.charged) == (True, False, 0, TAX)
    await idle(clock.ctx, bob)
    found_purse = await purse(clock.ctx, ada)
    assert (found_purse.spendable_mk, found_purse.held_mk) == (100_000 - TAX, 0)


async def test_running_job_of_a_cancelled_request_is_owed_once_it_is_delivered(
    clock: Clock, ada: User, bob: User
) -> None:
    request_id = await asked(clock.ctx, ada, n=3)
    job_id = await leased(clock.ctx, bob)

    await cancel(clock.ctx, request_id, kind="image")

    found = await progress(clock.ctx, request_id, kind="image")
    assert (found.is_done, found.processing, found.waiting, found.charged) == (False, 1, 0, TAX)
    await delivered(clock.ctx, bob, job_id)
    found = await progress(clock.ctx, request_id, kind="image")
    assert (found.is_done, found.finished, found.charged) == (True, 1, TAX + CHARGED)
    assert (await has(clock.ctx, ada), await earned(clock.ctx, bob)) == (100_000 - TAX - CHARGED, EARNED)


async def test_running_job_of_a_cancelled_request_that_comes_to_nothing_is_not_owed(
    clock: Clock, ada: User, bob: User
) -> None:
    request_id = await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)
    await cancel(clock.ctx, request_id, kind="image")

    await report_fault(clock.ctx, bob, job_id)

    found = await progress(clock.ctx, request_id, kind="image")
    assert (found.is_done, found.waiting, found.charged) == (True, 0, TAX)
    found_purse = await purse(clock.ctx, ada)
    assert (found_purse.spendable_mk, found_purse.held_mk) == (100_000 - TAX, 0)


async def test_finished_request_keeps_its_results_and_its_charge(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)
    await delivered(clock.ctx, bob, job_id)

    found = await cancel(clock.ctx, request_id, kind="image")

    assert [str(result.id) for result in found.results] == [job_id]
    assert await cancel(clock.ctx, request_id, kind="image") == found
    assert (await has(clock.ctx, ada), await earned(clock.ctx, bob)) == (100_000 - TAX - CHARGED, EARNED)


async def test_answer_is_the_status_as_it_stood_before(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, n=3)
    await delivered(clock.ctx, bob, await leased(clock.ctx, bob))

    found = await cancel(clock.ctx, request_id, kind="image")

    assert (found.progress.waiting, found.progress.finished, found.progress.is_done) == (2, 1, False)
    assert len(found.results) == 1


async def test_cancelling_twice_changes_nothing(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, n=3)
    await popped(clock.ctx, bob)
    await cancel(clock.ctx, request_id, kind="image")
    before = await everything(clock.ctx)

    await cancel(clock.ctx, request_id, kind="image")

    assert await everything(clock.ctx) == before


async def test_request_that_faults_ended_stays_faulted(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada)
    for _ in range(3):
        await report_fault(clock.ctx, bob, await leased(clock.ctx, bob))

    await cancel(clock.ctx, request_id, kind="image")

    assert (await progress(clock.ctx, request_id, kind="image")).is_faulted


async def test_request_that_does_not_exist_or_is_of_another_kind_is_not_found(clock: Clock, ada: User) -> None:
    request_id = await asked(clock.ctx, ada)
    before = await everything(clock.ctx)

    for wrong_id, kind in ((str(uuid4()), "image"), ("no id", "image"), (request_id, "text")):
        with pytest.raises(RequestNotFound):
            await cancel(clock.ctx, wrong_id, kind=kind)

    assert await everything(clock.ctx) == before


@pytest.mark.parametrize("spelled", [str, str.upper, lambda text: text.replace("-", "-" * 3000)])
async def test_cancel_wakes_who_waits_for_the_request_however_its_id_is_spelled(
    clock: Clock, ada: User, spelled: Callable[[str], str]
) -> None:
    request_id = await asked(clock.ctx, ada)

    with clock.ctx.services.hints.bell(notify.done(request_id)) as bell:
        await cancel(clock.ctx, spelled(request_id), kind="image")
        async with asyncio.timeout(notify.POLL_S / 2):
            await bell.wait(60)
