"""Twenty quiet minutes after the last activity a request is forgotten with its pictures, and not before."""

import pytest

from horde.errors import InvalidJobID, RequestNotFound, StorageFailed
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.requests import expire
from horde.server.requests.expire import forget_expired, return_late_jobs
from horde.server.requests.read import progress
from horde.server.storage.objects import job_key
from tests.plugins.hordes import Clock
from tests.server.builders import (
    CHARGED,
    EARNED,
    TAX,
    asked,
    change,
    delivered,
    earned,
    everything,
    has,
    leased,
    look,
    one,
    sum_of_balances,
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


async def requests(ctx: Context) -> int:
    return int(await one(ctx, "SELECT count(*) FROM requests"))


async def test_request_expires_twenty_minutes_after_it_came(clock: Clock, ada: User) -> None:
    request_id = await asked(clock.ctx, ada)

    assert await forget_expired(clock.move(minutes=20)) == 0
    assert await forget_expired(clock.move(seconds=1)) == 1

    with pytest.raises(RequestNotFound):
        await progress(clock.ctx, request_id, kind="image")
    assert await forget_expired(clock.ctx) == 0


async def test_request_expires_with_its_jobs_and_pictures(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, n=2)
    job_ids = [await leased(clock.ctx, bob) for _ in range(2)]
    for job_id in job_ids:
        await delivered(clock.ctx, bob, job_id)

    assert await forget_expired(clock.move(minutes=30)) == 1

    assert await look(clock.ctx, "SELECT * FROM jobs") == []
    assert [await clock.ctx.services.objects.exists(job_key(job_id)) for job_id in job_ids] == [False, False]
    with pytest.raises(InvalidJobID):
        await delivered(clock.ctx, bob, job_ids[0])


async def test_what_was_paid_stays_paid(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    await delivered(clock.ctx, bob, await leased(clock.ctx, bob))

    await forget_expired(clock.move(minutes=30))

    assert (await has(clock.ctx, ada), await earned(clock.ctx, bob)) == (100_000 - TAX - CHARGED, EARNED)
    assert await sum_of_balances(clock.ctx) == 0


async def test_request_does_not_expire_while_somebody_works_on_it(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)

    assert await forget_expired(clock.move(hours=5)) == 0

    assert await delivered(clock.ctx, bob, job_id) == 11_000
    assert await forget_expired(clock.move(minutes=19)) == 0
    assert await forget_expired(clock.move(minutes=2)) == 1


async def test_request_whose_worker_is_lost_expires_after_all(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    await leased(clock.ctx, bob)

    await return_late_jobs(clock.move(hours=5))

    assert await forget_expired(clock.ctx) == 1


async def test_upload_that_was_never_delivered_is_removed_too(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    key = job_key(await leased(clock.ctx, bob))
    await clock.ctx.services.objects.put(key, b"half a picture")
    await return_late_jobs(clock.move(minutes=3))

    await forget_expired(clock.move(hours=1))

    assert not await clock.ctx.services.objects.exists(key)


async def test_request_is_kept_as_long_as_its_pictures_cannot_be_removed(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)
    await delivered(clock.ctx, bob, job_id)
    before = await everything(clock.ctx)
    file = clock.ctx.services.settings.objects_dir / job_key(job_id)
    file.unlink()
    file.mkdir()  # no file any more: it cannot be deleted as one

    with pytest.raises(StorageFailed):
        await forget_expired(clock.move(hours=1))

    assert await everything(clock.ctx) == before
    file.rmdir()
    assert await forget_expired(clock.ctx) == 1


async def test_one_round_forgets_no_more_than_its_bound(clock: Clock, ada: User) -> None:
    await asked(clock.ctx, ada)
    await change(
        clock.ctx,
        """
        INSERT INTO requests (id, user_id, kind, lane_id, prompt, params, n, waiting, rank, seed_variation, things,
            price_mk, lease_s, is_inline, wants_censoring, disable_batching, client_agent, created_at, expires_at)
        SELECT gen_random_uuid(), user_id, kind, lane_id, prompt, params, n, waiting, rank, seed_variation, things,
            price_mk, lease_s, is_inline, wants_censoring, disable_batching, client_agent, created_at, expires_at
        FROM requests, generate_series(1, $1)
        """,
        many=expire.ROUND_MAX,
    )

    later = clock.move(hours=1)

    assert [await forget_expired(later) for _ in range(3)] == [expire.ROUND_MAX, 1, 0]
    assert await requests(later) == 0
