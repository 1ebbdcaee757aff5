"""A deleted worker is gone for everybody, and nothing that it did is."""

from dataclasses import replace

import pytest

from horde.errors import AnonForbiddenWorker, NotModerator, WorkerNotFound
from horde.kinds.agents import pay_share
from horde.server.accounts.users import User
from horde.server.workers import read
from horde.server.workers.online import online
from horde.server.workers.remove import remove
from tests.plugins.hordes import Clock
from tests.server.agreement import books_agree
from tests.server.builders import (
    anonymous,
    asked,
    comes_true,
    delivered,
    earned,
    leased,
    nodes,
    one,
    said,
    seldom_looking,
    user,
    worker,
)


@pytest.fixture
async def ada(clock: Clock) -> User:
    """Who owns a worker."""
    return await user(clock.ctx, "Ada", has=0)


async def test_deleted_worker_is_not_found_any_more(clock: Clock, ada: User) -> None:
    atlas = await worker(clock.ctx, ada)

    assert (await remove(clock.ctx, ada, str(atlas.id))).name == atlas.name

    assert await read.workers_online(clock.ctx) == []
    for seek in (read.worker(clock.ctx, str(atlas.id)), read.worker_named(clock.ctx, atlas.name)):
        with pytest.raises(WorkerNotFound):
            await seek
    with pytest.raises(WorkerNotFound):
        await remove(clock.ctx, ada, str(atlas.id))


async def test_its_name_is_free_for_anybody(clock: Clock, ada: User) -> None:
    bob = await user(clock.ctx, "Bob")
    atlas = await worker(clock.ctx, ada)
    await remove(clock.ctx, ada, str(atlas.id))

    new = await worker(clock.ctx, bob)

    assert (new.name, new.user_id, new.id == atlas.id) == (atlas.name, bob.id, False)


async def test_job_that_it_has_may_still_be_delivered_and_is_paid(clock: Clock, ada: User) -> None:
    bob = await user(clock.ctx, "Bob", has=100)
    await asked(clock.ctx, bob)
    job = await leased(clock.ctx, ada)
    await remove(clock.ctx, ada, await one(clock.ctx, "SELECT id::text FROM workers"))

    paid = await delivered(clock.ctx, ada, job)

    assert paid > 0
    assert await earned(clock.ctx, ada) == pay_share(said().agent) * paid
    await books_agree(clock.ctx)


async def test_only_its_owner_and_moderators_delete_it(clock: Clock, ada: User) -> None:
    atlas = await worker(clock.ctx, ada)
    for caller, refusal in (
        (await user(clock.ctx, "Eve"), NotModerator),
        (await anonymous(clock.ctx), AnonForbiddenWorker),
    ):
        with pytest.raises(refusal):
            await remove(clock.ctx, caller, str(atlas.id))
    assert len(await read.workers_online(clock.ctx)) == 1

    await remove(clock.ctx, await user(clock.ctx, "Mod", is_moderator=True), str(atlas.id))

    assert await read.workers_online(clock.ctx) == []


async def test_other_node_forgets_it_with_its_next_look(clock: Clock, ada: User) -> None:
    async with nodes(seldom_looking(clock.ctx), 2) as (here, there):
        atlas = await worker(here, ada)
        assert len(list(await online(there))) == 1

        await remove(here, ada, str(atlas.id))

        assert list(await online(here)) == []
        later = replace(there, now=clock.move(seconds=61).now)
        known = await online(later)
        await comes_true(lambda: not list(known))
