"""Registration makes an account, a key and an empty ledger account, all or nothing."""

import pytest

from horde.errors import BadInput, TooLongUserName
from horde.server.accounts.register import DEFAULT_CONCURRENCY, register
from horde.server.ledger.accounts import FLOOR_PSEUDONYMOUS
from horde.units import kudos
from tests.plugins.hordes import Clock
from tests.server.builders import everything, has, sum_of_balances


async def test_new_account_has_its_name_and_what_its_floor_is(clock: Clock) -> None:
    ada = (await register(clock.ctx, "  Ada \t of  Horde ")).user

    assert ada.name == "Ada of Horde"
    assert (ada.is_pseudonymous, ada.is_trusted, ada.is_moderator) == (True, False, False)
    assert (ada.concurrency, ada.created_at) == (DEFAULT_CONCURRENCY, clock.now)
    assert await has(clock.ctx, ada) == FLOOR_PSEUDONYMOUS


async def test_same_name_twice_makes_two_accounts(clock: Clock) -> None:
    first, second = await register(clock.ctx, "Ada"), await register(clock.ctx, "Ada")

    assert first.user.alias != second.user.alias
    assert first.key != second.key


async def test_starting_kudos_come_out_of_the_mint(clock: Clock) -> None:
    ada = (await register(clock.ctx, "Ada", kudos=kudos(62.5))).user

    assert await has(clock.ctx, ada) == 62_500
    assert await sum_of_balances(clock.ctx) == 0


async def test_moderators_are_trusted(clock: Clock) -> None:
    ada = (await register(clock.ctx, "Ada", is_moderator=True)).user

    assert (ada.is_trusted, ada.is_moderator) == (True, True)


async def test_name_that_cannot_be_kept_is_refused_and_leaves_nothing(clock: Clock) -> None:
    before = await everything(clock.ctx)

    for name, error in (("", BadInput), (" \n ", BadInput), ("a\x00b", BadInput), ("x" * 31, TooLongUserName)):
        with pytest.raises(error):
            await register(clock.ctx, name)

    assert await everything(clock.ctx) == before
    assert (await register(clock.ctx, "x" * 30)).user.name == "x" * 30


async def test_name_is_harmless_in_a_page_that_shows_it(clock: Clock) -> None:
    assert (
        await register(clock.ctx, " Ada <b>of  Ur</b> & son ")
    ).user.name == "Ada &lt;b&gt;of Ur&lt;/b&gt; &amp; son"
