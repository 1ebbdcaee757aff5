"""Keys that accounts share: how many, with what limits, and who may change them."""

import asyncio
from datetime import timedelta

import pytest

from horde.errors import AnonForbidden, BadInput, InvalidAPIKey
from horde.errors.sharing import NoSharedKeyModSelected, NotOwnSharedKey, TooManySharedKeys
from horde.server.accounts.keys import authenticate
from horde.server.accounts.sharedkeys import (
    KeyChanges,
    SharedKey,
    authenticate_asker,
    change_shared_key,
    delete_shared_key,
    raise_shared,
    share,
    shared_key,
    spend_shared,
)
from horde.server.context import Context
from horde.units import kudos
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, change, everything, nodes, seldom_looking, user


async def read(ctx: Context, key: SharedKey) -> SharedKey:
    return (await shared_key(ctx, str(key.id)))[0]


async def test_new_key_has_the_limits_that_were_said_and_no_others(clock: Clock) -> None:
    ada = await user(clock.ctx)
    wanted = KeyChanges(name=" for Bob ", kudos=kudos(70), days=2, max_image_pixels=1000, max_image_steps=-1)

    key = await share(clock.ctx, ada, wanted)

    assert await read(clock.ctx, key) == key
    assert (key.name, key.left_mk, key.utilized_mk, key.user_id) == ("for Bob", kudos(70), 0, ada.id)
    assert key.expires_at == clock.now + timedelta(days=2)
    assert key.job_limits == {"image_pixels": 1000}


async def test_name_of_a_key_is_harmless_in_pages(clock: Clock) -> None:
    key = await share(clock.ctx, await user(clock.ctx), KeyChanges(name=" <b>Bob</b> "))

    assert (await read(clock.ctx, key)).name == "&lt;b&gt;Bob&lt;/b&gt;"


@pytest.mark.parametrize("days", [0, -1, None, 10**9])
async def test_new_key_without_a_day_in_reach_never_expires(clock: Clock, days: int | None) -> None:
    key = await share(clock.ctx, await user(clock.ctx), KeyChanges(days=days))

    assert (key.expires_at, key.left_mk) == (None, None)
    assert not key.has_expired(clock.now + timedelta(days=10_000))


@pytest.mark.parametrize(
    ("roles", "most"), [("id = id", 3), ("is_trusted = true", 10), ("is_education = true, is_trusted = true", 11)]
)
async def test_account_has_so_many_keys_and_no_more(clock: Clock, roles: str, most: int) -> None:
    ada = await user(clock.ctx)
    await change(clock.ctx, f"UPDATE users SET {roles} WHERE id = $1", id=ada.id)
    [ada] = [(await shared_key(clock.ctx, str((await share(clock.ctx, ada, KeyChanges())).id)))[1]]
    for _ in range(most - 1):
        await share(clock.ctx, ada, KeyChanges())
    if ada.is_education:
        return  # a thousand are not counted out here

    with pytest.raises(TooManySharedKeys, match=f"has {most} shared keys"):
        await share(clock.ctx, ada, KeyChanges())


async def test_keys_made_at_once_on_two_nodes_are_counted_too(clock: Clock) -> None:
    ada = await user(clock.ctx)
    async with nodes(clock.ctx, 2) as both:
        made = await asyncio.gather(*[share(both[i % 2], ada, KeyChanges()) for i in range(8)], return_exceptions=True)

    assert sum(isinstance(one, SharedKey) for one in made) == 3


async def test_everybodys_account_shares_nothing(clock: Clock) -> None:
    with pytest.raises(AnonForbidden):
        await share(clock.ctx, await anonymous(clock.ctx), KeyChanges())


async def test_what_is_not_said_stays_and_a_limit_can_be_taken_away(clock: Clock) -> None:
    ada = await user(clock.ctx)
    key = await share(clock.ctx, ada, KeyChanges(name="a", kudos=kudos(5), days=1, max_text_tokens=9))

    named, _ = await change_shared_key(clock.ctx, ada, str(key.id), KeyChanges(name="b"))
    freed, owner = await change_shared_key(
        clock.ctx, ada, str(key.id), KeyChanges(kudos=kudos(-1), days=-1, max_text_tokens=-1)
    )

    assert (named.name, named.left_mk, named.expires_at, named.max_text_tokens) == ("b", 5000, key.expires_at, 9)
    assert (freed.name, freed.left_mk, freed.expires_at, freed.job_limits) == ("b", None, None, {})
    assert owner.id == ada.id
    assert await read(clock.ctx, key) == freed


async def test_no_days_more_end_a_key_at_once(clock: Clock) -> None:
    ada = await user(clock.ctx)
    key = await share(clock.ctx, ada, KeyChanges())

    ended, _ = await change_shared_key(clock.ctx, ada, str(key.id), KeyChanges(days=0))

    assert ended.has_expired(clock.now)


async def test_refused_change_changes_nothing(clock: Clock) -> None:
    ada, bob = await user(clock.ctx), await user(clock.ctx, "Bob", is_moderator=True)
    key = str((await share(clock.ctx, ada, KeyChanges())).id)
    before = await everything(clock.ctx)

    with pytest.raises(NotOwnSharedKey):
        await change_shared_key(clock.ctx, bob, key, KeyChanges(name="b"))
    with pytest.raises(NotOwnSharedKey):
        await delete_shared_key(clock.ctx, bob, key)
    with pytest.raises(NoSharedKeyModSelected):
        await change_shared_key(clock.ctx, ada, key, KeyChanges())
    with pytest.raises(BadInput, match="at most 255"):
        await change_shared_key(clock.ctx, ada, key, KeyChanges(name="x" * 256))
    with pytest.raises(BadInput, match=r"50,000,000\.000 kudos at most"):
        await change_shared_key(clock.ctx, ada, key, KeyChanges(kudos=kudos(50_000_001)))

    assert await everything(clock.ctx) == before


@pytest.mark.parametrize("text", ["", "x", "0" * 36, "00000000-0000-4000-8000-000000000000"])
async def test_key_that_is_not_there_is_nobodys(clock: Clock, text: str) -> None:
    ada = await user(clock.ctx)

    with pytest.raises(InvalidAPIKey):
        await shared_key(clock.ctx, text)
    with pytest.raises(InvalidAPIKey):
        await change_shared_key(clock.ctx, ada, text, KeyChanges(name="b"))
    with pytest.raises(InvalidAPIKey):
        await authenticate_asker(clock.ctx, text)


async def test_shared_key_lets_ask_and_nothing_else(clock: Clock) -> None:
    ada = await user(clock.ctx)
    key = await share(clock.ctx, ada, KeyChanges())

    asker = await authenticate_asker(clock.ctx, str(key.id))

    assert (asker.user, asker.shared) == (ada, key)
    with pytest.raises(InvalidAPIKey):
        await authenticate(clock.ctx, str(key.id))


async def test_deleted_key_is_useless_here_at_once(clock: Clock) -> None:
    ada = await user(clock.ctx)
    ctx = seldom_looking(clock.ctx)
    key = await share(ctx, ada, KeyChanges())
    await authenticate_asker(ctx, str(key.id))

    await delete_shared_key(ctx, ada, str(key.id))

    with pytest.raises(InvalidAPIKey):
        await authenticate_asker(ctx, str(key.id))


async def test_remembered_key_is_asked_for_once_in_a_while(clock: Clock) -> None:
    ada = await user(clock.ctx)
    key = await share(clock.ctx, ada, KeyChanges(kudos=kudos(3)))
    ctx = seldom_looking(clock.ctx)
    await authenticate_asker(ctx, str(key.id))
    await change_shared_key(clock.ctx, ada, str(key.id), KeyChanges(kudos=kudos(4)))

    before = (await authenticate_asker(ctx, str(key.id))).shared
    after = (await authenticate_asker(seldom_looking(clock.move(seconds=61)), str(key.id))).shared

    assert before is not None
    assert after is not None
    assert (before.left_mk, after.left_mk) == (3000, 4000)


async def test_spending_empties_a_limited_key_and_is_counted_on_all(clock: Clock) -> None:
    ada = await user(clock.ctx)
    few, many = await share(clock.ctx, ada, KeyChanges(kudos=kudos(5))), await share(clock.ctx, ada, KeyChanges())

    async with clock.ctx.database.transaction() as tx:
        await spend_shared(tx, {few.id: 7000, many.id: 7000})
        await raise_shared(tx, {few.id: 10, many.id: 10})

    found = [await read(clock.ctx, key) for key in (few, many)]
    assert [(key.left_mk, key.utilized_mk) for key in found] == [(10, 7000), (None, 7000)]
