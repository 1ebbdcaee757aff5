"""A worker that is paused is told so, in words, and not fed with decoys."""

from dataclasses import replace
from datetime import timedelta

from horde.server.workers.notices import notices
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, user, worker


async def test_worker_that_serves_is_told_nothing(clock: Clock) -> None:
    atlas = await worker(clock.ctx, await user(clock.ctx))

    assert notices(atlas, now=clock.now) == []


async def test_paused_worker_is_told_what_it_still_gets_always_under_the_same_id(clock: Clock) -> None:
    atlas = replace(await worker(clock.ctx, await user(clock.ctx)), is_paused=True)

    (notice,) = notices(atlas, now=clock.now)
    (later,) = notices(atlas, now=clock.now + timedelta(hours=1))

    assert "paused" in notice.text
    assert "only the requests of its own account" in notice.text
    assert notice.expires_at > clock.now
    assert later.id == notice.id


async def test_paused_worker_of_nobody_is_told_that_it_gets_nothing(clock: Clock) -> None:
    nemo = replace(await worker(clock.ctx, await anonymous(clock.ctx)), is_paused=True)

    (notice,) = notices(nemo, now=clock.now)

    assert "no requests" in notice.text
