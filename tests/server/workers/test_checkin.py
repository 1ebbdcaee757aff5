"""A worker's first check-in makes it; a name belongs to one account and one kind for ever."""

import asyncio
import random
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from horde.errors import AnonForbiddenWorker, BadInput, PolymorphicNameConflict, WrongCredentials
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.workers.checkin import NAME_MAX
from horde.server.workers.modify import Changes
from horde.server.workers.modify import change as change_worker
from horde.server.workers.read import worker_named, workers_online
from horde.server.workers.roster import Worker, worker_by_id
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, change, everything, look, nodes, seldom_looking, user, worker


async def stored(ctx: Context, found: Worker) -> Worker:
    """The worker as the database has it."""
    async with ctx.database.transaction() as tx:
        kept = await worker_by_id(tx, found.id)
    assert kept is not None
    return kept


async def is_as_stored(ctx: Context, found: Worker) -> bool:
    """Whether the worker is what the database has, but for when the database wrote it."""
    return replace(await stored(ctx, found), changed_at=found.changed_at) == found


async def test_first_check_in_makes_the_worker(clock: Clock) -> None:
    ada = await user(clock.ctx, is_trusted=True)

    atlas = await worker(clock.ctx, ada, "Atlas", models=("one", "two"), threads=3, features=["lora"], nsfw=False)

    assert (atlas.name, atlas.user_id, atlas.owner_is_trusted) == ("Atlas", ada.id, True)
    assert (atlas.models, atlas.threads, atlas.terms.features, atlas.terms.nsfw) == (("one", "two"), 3, ["lora"], False)
    assert (atlas.first_seen, atlas.last_seen, atlas.uptime_s) == (clock.now, clock.now, 0)
    assert await is_as_stored(clock.ctx, atlas)


async def test_later_check_in_changes_the_offer_and_keeps_the_worker(clock: Clock) -> None:
    ada = await user(clock.ctx)
    first = await worker(clock.ctx, ada, models=("one",), agent="Old:1:x")

    again = await worker(clock.move(seconds=60), ada, models=("two",), agent="New:2:x", threads=2, is_extra_slow=True)

    assert again.id == first.id
    assert (again.models, again.agent, again.threads, again.terms.is_extra_slow) == (("two",), "New:2:x", 2, True)
    assert again.uptime_s == 60
    assert await is_as_stored(clock.ctx, again)


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


async def test_name_is_harmless_in_a_page_and_found_as_it_is_said_and_as_it_is_shown(clock: Clock) -> None:
    ada, said = await user(clock.ctx), "<img src=x> & sons"

    made = await worker(clock.ctx, ada, said)

    assert made.name == "&lt;img src=x&gt; &amp; sons"
    assert (await worker(clock.ctx, ada, said)).id == made.id
    for spelt in (said, made.name):
        assert [found.id for found in await workers_online(clock.ctx, name=spelt)] == [made.id]
        assert (await worker_named(clock.ctx, spelt)).id == made.id
    clock.move(minutes=6)
    for spelt in (said, made.name):
        assert (await worker_named(clock.ctx, spelt)).id == made.id


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

    settings = msgspec.structs.replace(clock.ctx.services.settings, anonymous_workers=may_be_anonymous)
    ctx = replace(clock.ctx, services=replace(clock.ctx.services, settings=settings))

    async def checks_in(owner: User, name: str) -> bool:
        try:
            await worker(ctx, owner, name)
        except AnonForbiddenWorker:
            return False
        return True

    assert await checks_in(ada, "Atlas")
    assert await checks_in(nobody, "Nemo") == may_be_anonymous


async def test_time_between_check_ins_is_uptime_unless_the_worker_was_gone(clock: Clock) -> None:
    ada = await user(clock.ctx)
    atlas = await worker(clock.ctx, ada)
    for away_s in (100, 300, 301, 10):
        await worker(clock.move(seconds=away_s), ada)

    # After more than 300 s it was offline, and what it says again within 30 s is not written down yet.
    assert (await stored(clock.ctx, atlas)).uptime_s == 400
    await worker(clock.move(seconds=20), ada)
    assert (await stored(clock.ctx, atlas)).uptime_s == 430


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (Changes(is_in_maintenance=True), Changes(is_in_maintenance=False)),
        (Changes(is_paused=True), Changes(is_paused=False)),
    ],
)
async def test_time_before_the_end_of_maintenance_is_no_uptime_of_the_first_check_in_after_it(
    clock: Clock, begin: Changes, end: Changes
) -> None:
    ada = await user(clock.ctx)
    atlas = await worker(clock.ctx, ada)
    await change_worker(clock.ctx, atlas.id, begin)
    await worker(clock.move(seconds=100), ada)
    await change_worker(clock.move(seconds=200), atlas.id, end)

    again = await worker(clock.move(seconds=50), ada)

    assert again.uptime_s == 50
    assert await is_as_stored(clock.ctx, again)


async def test_end_of_maintenance_makes_no_worker_online_that_is_gone(clock: Clock) -> None:
    ada = await user(clock.ctx)
    atlas = await worker(clock.ctx, ada)
    await change_worker(clock.ctx, atlas.id, Changes(is_in_maintenance=True))

    found = await change_worker(clock.move(seconds=301), atlas.id, Changes(is_in_maintenance=False))

    assert found.last_seen == atlas.last_seen
    assert (await worker(clock.move(seconds=50), ada)).uptime_s == 0


async def test_maintenance_that_ends_where_there_was_none_takes_no_uptime(clock: Clock) -> None:
    ada = await user(clock.ctx)
    atlas = await worker(clock.ctx, ada)

    await change_worker(clock.move(seconds=100), atlas.id, Changes(is_in_maintenance=False, is_paused=False))

    assert (await worker(clock.move(seconds=50), ada)).uptime_s == 150


@pytest.mark.parametrize("switch", ["is_in_maintenance", "is_paused"])
async def test_time_of_a_worker_that_serves_its_owner_alone_is_no_uptime(clock: Clock, switch: str) -> None:
    ada = await user(clock.ctx)
    atlas = await worker(clock.ctx, ada)
    await worker(clock.move(seconds=100), ada)

    await change(clock.ctx, f"UPDATE workers SET {switch} = true WHERE id = $1", id=atlas.id)
    again = await worker(clock.move(seconds=100), ada)

    assert again.uptime_s == 100
    assert await is_as_stored(clock.ctx, again)


async def test_clock_of_another_node_that_lags_takes_nothing_back(clock: Clock) -> None:
    ada = await user(clock.ctx)
    atlas = await worker(clock.ctx, ada)
    latest = clock.now

    await worker(clock.move(seconds=-5), ada)

    found = await stored(clock.ctx, atlas)
    assert (found.last_seen, found.uptime_s) == (latest, 0)


# ------------------------------------------------------------------------------------ what is written down
async def test_same_words_within_half_a_minute_are_not_written_down(clock: Clock) -> None:
    ada = await user(clock.ctx)
    atlas = await worker(clock.ctx, ada)
    before = await everything(clock.ctx)

    for seconds in (1, 28.999):
        assert await worker(clock.move(seconds=seconds), ada) == await stored(clock.ctx, atlas)
    assert await everything(clock.ctx) == before

    await worker(clock.move(seconds=0.001), ada)
    assert (await stored(clock.ctx, atlas)).last_seen == clock.now


@pytest.mark.parametrize(
    "words",
    [{"models": ("other",)}, {"threads": 2}, {"agent": "New:2:x"}, {"nsfw": False}, {"sizes": {"pixels": 64}},
     {"features": ["lora"]}],
)  # fmt: skip
async def test_other_words_are_written_down_at_once(clock: Clock, words: dict[str, Any]) -> None:
    ada = await user(clock.ctx)
    await worker(clock.ctx, ada)

    again = await worker(clock.move(seconds=1), ada, **words)

    assert (again.last_seen, again.uptime_s) == (clock.now, 1)
    assert await is_as_stored(clock.ctx, again)


async def test_memory_of_what_was_said_does_not_open_the_worker_to_others(clock: Clock) -> None:
    ctx = seldom_looking(clock.ctx)
    ada, bob = await user(ctx, "Ada"), await user(ctx, "Bob")
    await worker(ctx, ada)
    await worker(ctx, ada)

    with pytest.raises(WrongCredentials, match="belongs to another account"):
        await worker(ctx, bob)
    with pytest.raises(PolymorphicNameConflict):
        await worker(ctx, ada, kind="text")


async def test_worker_that_changes_nodes_loses_no_uptime(clock: Clock) -> None:
    ada = await user(clock.ctx)

    async with nodes(clock.ctx, 2) as [one, other]:
        atlas = await worker(seldom_looking(one), ada)
        for _ in range(3):
            for node in (one, other):
                clock.move(seconds=40)
                await worker(replace(seldom_looking(node), now=clock.now), ada)

    assert (await stored(clock.ctx, atlas)).uptime_s == 240


# ------------------------------------------------------------------------------------------- many at once
async def test_worker_that_is_new_to_several_nodes_at_once_is_made_once(clock: Clock) -> None:
    ada = await user(clock.ctx)

    async with nodes(clock.ctx, 3) as contexts:
        made = await asyncio.gather(*[worker(ctx, ada, f"W{number}") for ctx in contexts for number in range(5)])

    assert len({found.id for found in made}) == 5
    kept = await look(clock.ctx, "SELECT name FROM workers ORDER BY name")
    assert [row["name"] for row in kept] == ["W0", "W1", "W2", "W3", "W4"]


async def test_each_of_many_that_come_together_gets_its_own_answer(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada"), await user(clock.ctx, "Bob")
    await worker(clock.ctx, bob, "Bobs")
    await worker(clock.ctx, ada, "Text", kind="text")

    answers = await asyncio.gather(
        worker(clock.ctx, ada, "Atlas", threads=2),
        worker(clock.ctx, ada, "Bobs"),
        worker(clock.ctx, bob, "Bobs", threads=3),
        worker(clock.ctx, ada, "Text"),
        worker(clock.ctx, bob, "Atlas"),
        worker(clock.ctx, ada, "Zeus", threads=4),
        return_exceptions=True,
    )

    said_back = [found.threads if isinstance(found, Worker) else type(found) for found in answers]
    assert said_back == [2, WrongCredentials, 3, PolymorphicNameConflict, WrongCredentials, 4]
    kept = await look(clock.ctx, "SELECT name, threads FROM workers ORDER BY name")
    assert [(row["name"], row["threads"]) for row in kept] == [("Atlas", 2), ("Bobs", 3), ("Text", 1), ("Zeus", 4)]


async def test_one_of_several_words_of_a_worker_that_come_together_counts(clock: Clock) -> None:
    ada = await user(clock.ctx)
    await worker(clock.ctx, ada)

    ctx = clock.move(seconds=50)
    await asyncio.gather(*[worker(ctx, ada, threads=threads) for threads in (2, 3, 4)])

    [kept] = await look(clock.ctx, "SELECT threads, uptime_s FROM workers")
    assert kept["threads"] in {2, 3, 4}
    assert kept["uptime_s"] == 50


async def test_workers_of_several_nodes_check_in_at_once_in_any_order(clock: Clock) -> None:
    chance = random.Random(2)
    users = [await user(clock.ctx, f"u{number}") for number in range(3)]
    names = [(f"W{number}", users[number % 3]) for number in range(12)]
    for name, owner in names[:6]:
        await worker(clock.ctx, owner, name)

    async with nodes(clock.ctx, 3) as contexts:
        for threads in range(2, 6):
            clock.move(seconds=10)
            calls = []
            for node in contexts:
                ctx = replace(node, now=clock.now)
                calls += [worker(ctx, owner, name, threads=threads) for name, owner in chance.sample(names, 12)]
            await asyncio.gather(*calls)

    kept = await look(clock.ctx, "SELECT threads FROM workers")
    assert [row["threads"] for row in kept] == [5] * 12


async def test_time_that_two_nodes_hear_of_at_once_is_counted_once(clock: Clock) -> None:
    ada = await user(clock.ctx)
    atlas = await worker(clock.ctx, ada)

    async with nodes(clock.ctx, 4) as contexts:
        for _ in range(5):
            clock.move(seconds=100)
            await asyncio.gather(*[worker(replace(ctx, now=clock.now), ada) for ctx in contexts])

    assert (await stored(clock.ctx, atlas)).uptime_s == 500
