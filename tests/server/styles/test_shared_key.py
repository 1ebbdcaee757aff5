"""A style's shared key pays for requests in it as far as it can; else who asks in it pays, as in any style."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from horde.errors import BadInput, RequiresTrust
from horde.errors.sharing import SharedKeyAssignedStyles
from horde.kinds.image import ImageParams
from horde.server.accounts.sharedkeys import (
    KeyChanges,
    SharedKey,
    change_shared_key,
    delete_shared_key,
    share,
    shared_key,
)
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.idempotency.keys import Key
from horde.server.requests.quote import estimated
from horde.server.requests.submit import submit
from horde.server.styles.manage import change_style, delete_style, make_style
from horde.server.styles.pick import StyleUse, pick
from horde.server.styles.read import style_by_id
from horde.units import Kudos, kudos
from tests.plugins.hordes import Clock
from tests.server.agreement import books_agree
from tests.server.builders import (
    CHARGED,
    MODEL,
    TAX,
    anonymous,
    change,
    delivered,
    draft,
    everything,
    has,
    leased,
    look,
    nodes,
    one,
    seldom_looking,
    user,
)
from tests.server.styles.scene import content

ONE = (MODEL,)
COST = Kudos(TAX + CHARGED)
"""Of a request for one picture in an own style, tax included."""
SURCHARGE = kudos(2)
START = kudos(1000)


async def with_key(ctx: Context, author: User, left: Kudos | None, **limits: Any) -> SharedKey:
    """A key that pays for the style Oil."""
    key = await share(ctx, author, KeyChanges(kudos=left, **limits))
    await make_style(ctx, author, "image", content(), str(key.id))
    return key


async def use_of(ctx: Context) -> StyleUse:
    return (await pick(ctx, "image", "Oil")).use


async def asks(ctx: Context, who: User, **changes: Any) -> str:
    """For a picture in Oil."""
    return (await submit(ctx, who, draft(**{"models": ONE, **changes}), style=await use_of(ctx))).id


async def left(ctx: Context, key: SharedKey) -> int | None:
    found, _ = await shared_key(ctx, str(key.id))
    return found.left_mk


async def payers(ctx: Context) -> list[tuple[int, bool]]:
    """Whose requests there are, and whether a shared key pays for them, by account."""
    rows = await look(ctx, "SELECT user_id, shared_key_id FROM requests ORDER BY user_id")
    return [(row["user_id"], row["shared_key_id"] is not None) for row in rows]


@pytest.mark.parametrize("is_known", [True, False])
async def test_author_pays_within_the_key_and_who_asks_pays_nothing(clock: Clock, is_known: bool) -> None:
    ada, cid = await user(clock.ctx, is_trusted=True), await user(clock.ctx, "Cid")
    bob = await user(clock.ctx, "Bob") if is_known else await anonymous(clock.ctx)
    key, before = await with_key(clock.ctx, ada, kudos(100)), await has(clock.ctx, bob)

    await asks(clock.ctx, bob)
    assert await payers(clock.ctx) == [(ada.id, True)]
    await delivered(clock.ctx, cid, await leased(clock.ctx, cid))

    assert await left(clock.ctx, key) == kudos(100) - COST
    assert await has(clock.ctx, ada) == START - COST  # 2 kudos to herself would be none
    assert await has(clock.ctx, bob) == before
    assert await one(clock.ctx, "SELECT styled FROM user_records WHERE user_id = $1", id=ada.id) == 1
    await books_agree(clock.ctx)


async def deleted(ctx: Context, ada: User, key: SharedKey) -> None:
    await delete_shared_key(ctx, ada, str(key.id))


def changed(wanted: KeyChanges) -> Callable[[Context, User, SharedKey], Awaitable[object]]:
    return lambda ctx, ada, key: change_shared_key(ctx, ada, str(key.id), wanted)


async def shut(ctx: Context, ada: User, key: SharedKey) -> None:
    await change(ctx, "UPDATE users SET deleted_at = $2 WHERE id = $1", id=ada.id, now=ctx.now)


async def busy(ctx: Context, ada: User, key: SharedKey) -> None:
    await change(ctx, "UPDATE users SET concurrency = 0 WHERE id = $1", id=ada.id)


Cannot = Callable[[Context, User, SharedKey], Awaitable[object]]
KEY_CANNOT = [
    deleted, changed(KeyChanges(kudos=Kudos(0))), changed(KeyChanges(kudos=Kudos(COST - 1))),
    changed(KeyChanges(days=0)), changed(KeyChanges(max_image_steps=29)), changed(KeyChanges(max_image_pixels=1)),
]  # fmt: skip


@pytest.mark.parametrize("cannot", [shut, busy, *KEY_CANNOT])
async def test_who_asks_pays_as_in_any_style_where_the_key_cannot(clock: Clock, cannot: Cannot) -> None:
    ada, bob = await user(clock.ctx, is_trusted=True), await user(clock.ctx, "Bob")
    key = await with_key(clock.ctx, ada, kudos(1000))

    await cannot(clock.ctx, ada, key)
    keys = await look(clock.ctx, "SELECT * FROM shared_keys")
    await asks(clock.ctx, bob)

    assert await payers(clock.ctx) == [(bob.id, False)]
    assert await has(clock.ctx, bob) == START - TAX - SURCHARGE
    assert await has(clock.ctx, ada) == START + SURCHARGE
    assert await look(clock.ctx, "SELECT * FROM shared_keys") == keys
    await books_agree(clock.ctx)


@pytest.mark.parametrize("cannot", KEY_CANNOT)
async def test_what_another_node_made_of_the_key_holds_though_it_is_remembered_as_it_was(
    clock: Clock, cannot: Cannot
) -> None:
    ada, bob = await user(clock.ctx, is_trusted=True), await user(clock.ctx, "Bob")
    key, here = await with_key(clock.ctx, ada, kudos(1000)), seldom_looking(clock.ctx)
    assert await estimated(here, bob, draft(models=ONE), style=await use_of(here)) == COST

    async with nodes(clock.ctx, 1) as (elsewhere,):
        await cannot(elsewhere, ada, key)
    await asks(here, bob)

    assert await payers(here) == [(bob.id, False)]
    assert await has(here, ada) == START + SURCHARGE


async def test_poor_author_pays_no_heavy_request_upfront_and_who_asks_does(clock: Clock) -> None:
    settings = msgspec.structs.replace(clock.ctx.services.settings, upfront_kudos="on")
    ctx = replace(clock.ctx, services=replace(clock.ctx.services, settings=settings))
    ada, bob = await user(ctx, is_trusted=True, has=0), await user(ctx, "Bob")
    await with_key(ctx, ada, None)
    large = draft(models=ONE, params=ImageParams(width=1024, height=1024, steps=100))

    plain = await estimated(ctx, bob, large)
    assert await estimated(ctx, bob, large, style=await use_of(ctx)) == plain + SURCHARGE
    await submit(ctx, bob, large, style=await use_of(ctx))

    assert await payers(ctx) == [(bob.id, False)]


async def test_estimate_is_without_the_surcharge_where_the_key_pays_and_moves_nothing(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, is_trusted=True), await user(clock.ctx, "Bob")
    key, asked = await with_key(clock.ctx, ada, COST), draft(models=ONE)
    before = await everything(clock.ctx)

    assert await estimated(clock.ctx, bob, asked, style=await use_of(clock.ctx)) == COST
    after = await everything(clock.ctx)
    assert {table for table, rows in after.items() if rows != before[table]} == {"styles"}

    await asks(clock.ctx, bob)
    assert await left(clock.ctx, key) == CHARGED
    assert await estimated(clock.ctx, bob, asked, style=await use_of(clock.ctx)) == COST + SURCHARGE


async def test_over_two_nodes_the_key_pays_as_often_as_it_can_and_no_more(clock: Clock) -> None:
    ada = await user(clock.ctx, is_trusted=True, concurrency=100)
    bob, cid = await user(clock.ctx, "Bob", concurrency=100), await user(clock.ctx, "Cid")
    key = await with_key(clock.ctx, ada, Kudos(7 * COST + COST - 1))

    async with nodes(clock.ctx, 2) as both:
        await asyncio.gather(*[asks(both[number % 2], bob) for number in range(20)])
        assert await payers(clock.ctx) == [(ada.id, True)] * 7 + [(bob.id, False)] * 13
        for _ in range(20):
            await delivered(both[0], cid, await leased(both[0], cid))

    assert await left(clock.ctx, key) == COST - 1
    assert await has(clock.ctx, ada) == START - 7 * COST + 13 * SURCHARGE
    assert await has(clock.ctx, bob) == START - 13 * (COST + SURCHARGE)
    await books_agree(clock.ctx)


async def test_repeated_call_is_answered_as_it_was_though_the_key_is_empty_now(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, is_trusted=True), await user(clock.ctx, "Bob")
    await with_key(clock.ctx, ada, COST)
    once = Key.of(bob, "once", route="POST /here", body=b"", address="")

    first, again = [
        await submit(clock.ctx, bob, draft(models=ONE), once, style=await use_of(clock.ctx)) for _ in range(2)
    ]

    assert first == again
    assert await payers(clock.ctx) == [(ada.id, True)]


async def test_key_lends_kudos_and_no_roles(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, is_trusted=True), await user(clock.ctx, "Bob")
    await with_key(clock.ctx, ada, None)

    with pytest.raises(RequiresTrust):
        await asks(clock.ctx, bob, n=2, disable_batching=True)


async def test_key_of_a_style_is_none_to_ask_with_even_when_the_style_is_gone(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, is_trusted=True), await user(clock.ctx, "Bob")
    key = await with_key(clock.ctx, ada, kudos(100))

    async def refused() -> None:
        seen, owner = await shared_key(clock.ctx, str(key.id))
        with pytest.raises(SharedKeyAssignedStyles):
            await submit(clock.ctx, owner, draft(models=ONE), shared=seen)
        with pytest.raises(SharedKeyAssignedStyles):
            await estimated(clock.ctx, owner, draft(models=ONE), shared=seen)

    await refused()
    seen, owner = await shared_key(clock.ctx, str(key.id))
    await submit(clock.ctx, owner, draft(models=ONE), shared=seen, style=await use_of(clock.ctx))
    assert await payers(clock.ctx) == [(ada.id, True)]

    oil = await style_by_id(clock.ctx, str((await use_of(clock.ctx)).style_id), "image")
    await change_style(clock.ctx, ada, oil, lambda now: now, "")
    await refused()
    await asks(clock.ctx, bob)
    assert await payers(clock.ctx) == [(ada.id, True), (bob.id, False)]
    await delete_style(clock.ctx, ada, oil)
    await refused()


async def test_only_a_key_of_the_authors_own_that_is_of_use_is_given_to_a_style(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, is_trusted=True), await user(clock.ctx, "Bob")
    foreign = await share(clock.ctx, bob, KeyChanges(kudos=kudos(100)))
    expired, own = await share(clock.ctx, ada, KeyChanges(days=1)), await share(clock.ctx, ada, KeyChanges())
    clock.move(seconds=timedelta(days=1).total_seconds())
    before = await everything(clock.ctx)

    for text in (str(foreign.id), str(expired.id), "00000000-0000-4000-8000-000000000000", "x", "\0"):
        with pytest.raises(BadInput, match="shared key"):
            await make_style(clock.ctx, ada, "image", content(), text)
    with pytest.raises(BadInput, match="prompt"):  # and the key is one to ask with still
        await make_style(clock.ctx, ada, "image", content(prompt="no places"), str(own.id))

    assert await everything(clock.ctx) == before


async def test_key_may_be_deleted_while_its_style_is_changed_to_have_it_again(clock: Clock) -> None:
    ada = await user(clock.ctx, is_trusted=True)
    async with nodes(clock.ctx, 2) as both:
        for _ in range(10):
            key = await share(clock.ctx, ada, KeyChanges())
            style_id = await make_style(clock.ctx, ada, "image", content(), str(key.id))
            oil = await style_by_id(clock.ctx, str(style_id), "image")

            outcomes = await asyncio.gather(
                change_style(both[0], ada, oil, lambda now: replace(now, is_nsfw=True), str(key.id)),
                delete_shared_key(both[1], ada, str(key.id)),
                return_exceptions=True,
            )  # fmt: skip

            assert [type(outcome) for outcome in outcomes if outcome] in ([], [BadInput])
            assert (await style_by_id(clock.ctx, str(style_id), "image")).shared_key is None
            await delete_style(clock.ctx, ada, oil)
