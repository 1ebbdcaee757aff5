"""A worker's first check-in makes it; a name belongs to one account and one kind for ever."""

import asyncio
from dataclasses import replace

import pytest

from horde.errors import AnonForbiddenWorker, BadInput, PolymorphicNameConflict, WrongCredentials
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.workers.checkin import NAME_MAX, check_in
from horde.server.workers.roster import Worker, worker_by_id
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, everything, look, nodes, said, user, worker


async def stored(ctx: Context, found: Worker) -> Worker | None:
    async with ctx.database.transaction() as tx:
        return await worker_by_id(tx, found.id)


async def test_first_check_in_makes_the_worker(clock: Clock) -> None:
    ada = await user(clock.ctx, is_trusted=True)

    atlas = await worker(clock.ctx, ada, "Atlas", models=("one", "two"), threads=3, features=["lora"], nsfw=False)

    assert (atlas.name, atlas.user_id, atlas.owner_is_trusted) == ("Atlas", ada.id, True)
    assert (atlas.models, atlas.threads, atlas.terms.features, atlas.terms.nsfw) == (("one", "two"), 3, ["lora"], False)
    assert (atlas.first_seen, atlas.last_seen, atlas.uptime_s) == (clock.now, clock.now, 0)
    assert await stored(clock.ctx, atlas) == atlas


async def test_later_check_in_changes_the_offer_and_keeps_the_worker(clock: Clock) -> None:
    ada = await user(clock.ctx)
    first = await worker(clock.ctx, ada, models=("one",), agent="Old:1:x")

    again = await worker(clock.move(seconds=60), ada, models=("two",), agent="New:2:x", threads=2, is_extra_slow=True)

    assert again.id == first.id
    assert (again.models, again.agent, again.threads, again.terms.is_extra_slow) == (("two",), "New:2:x", 2, True)
    # The rest is what was known before this check-in; stored is the whole.
    assert await stored(clock.ctx, first) == replace(again, uptime_s=60)


async def test_name_belongs_to_one_account(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada"), await user(clock.ctx, "Bob")
    await worker(clock.ctx, ada, "Atlas")
    before = await everything(clock.ctx)

    with pytest.raises(WrongCredentials, match="belongs to another account"):
        await worker(clock.ctx, bob, "Atlas")

    assert await everything(clock.ctx) == before


async def test_name_that_two_accounts_take_at_once_goes_to_one(clock: Clock) -> None:
    users = [await user(clock.ctx, name) for name in ("Ada", "Bob", "Cyd")]

    async with nodes(clock.ctx, 2) as contexts:
        taken = await asyncio.gather(
            *[worker(ctx, owner, "Atlas") for ctx in contexts for owner in users], return_exceptions=True
        )

    owners = {found.user_id for found in taken if isinstance(found, Worker)}
    assert len(owners) == 1
    assert sum(isinstance(found, WrongCredentials) for found in taken) == 4


async def test_name_belongs_to_one_kind(clock: Clock) -> None:
    ada = await user(clock.ctx)
    await worker(clock.ctx, ada, "Atlas", kind="text")

    with pytest.raises(PolymorphicNameConflict, match="'Atlas' is a worker for text"):
        await worker(clock.ctx, ada, "Atlas")


async def test_names_are_tidied_and_cut(clock: Clock) -> None:
    ada = await user(clock.ctx)

    tidy = await worker(clock.ctx, ada, "  At\t las \n")
    long = await worker(clock.ctx, ada, "x" * (NAME_MAX + 50))

    assert (tidy.name, long.name) == ("At las", "x" * NAME_MAX)
    assert (await worker(clock.ctx, ada, "At las")).id == tidy.id


async def test_worker_without_a_name_or_a_model_is_refused(clock: Clock) -> None:
    ada = await user(clock.ctx)

    with pytest.raises(BadInput, match="name cannot be empty"):
        await worker(clock.ctx, ada, " \n ")
    # The old worker program looks for these words (contract/api-v2.md, section 3.1).
    with pytest.raises(BadInput, match="we cannot accept workers serving"):
        await worker(clock.ctx, ada, "Atlas", models=())

    assert await look(clock.ctx, "SELECT * FROM workers") == []


@pytest.mark.parametrize("may_be_anonymous", [True, False])
async def test_anonymous_account_serves_only_where_it_may(clock: Clock, may_be_anonymous: bool) -> None:
    nobody, ada = await anonymous(clock.ctx), await user(clock.ctx)

    async def checks_in(owner: User, name: str) -> bool:
        try:
            async with clock.ctx.database.transaction() as tx:
                await check_in(tx, owner, said(name), may_be_anonymous=may_be_anonymous, now=clock.now)
        except AnonForbiddenWorker:
            return False
        return True

    assert await checks_in(ada, "Atlas")
    assert await checks_in(nobody, "Nemo") == may_be_anonymous


async def test_time_between_check_ins_is_uptime_unless_the_worker_was_gone(clock: Clock) -> None:
    ada = await user(clock.ctx)
    atlas = await worker(clock.ctx, ada)
    for away_s in (100, 300, 301, 10):  # after more than 300 s it was offline
        await worker(clock.move(seconds=away_s), ada)

    found = await stored(clock.ctx, atlas)

    assert found is not None
    assert found.uptime_s == 410


async def test_clock_of_another_node_that_lags_takes_nothing_back(clock: Clock) -> None:
    ada = await user(clock.ctx)
    atlas = await worker(clock.ctx, ada)
    latest = clock.now

    await worker(clock.move(seconds=-5), ada)

    found = await stored(clock.ctx, atlas)
    assert found is not None
    assert (found.last_seen, found.uptime_s) == (latest, 0)
