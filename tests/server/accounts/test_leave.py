"""An account that is deleted does nothing, can come back, and is wiped only when it asks again after a month."""

from dataclasses import replace
from datetime import timedelta

import pytest

from horde.errors import DeletedUser, InvalidAPIKey, UserNotFound
from horde.errors.sharing import AnonForbiddenUser, CannotDeleteMod, CannotWipeActiveUser, NotUserOrMod
from horde.server.accounts.change import Changes, OwnChanges
from horde.server.accounts.change import change as change_user
from horde.server.accounts.keys import authenticate
from horde.server.accounts.leave import WIPED_AFTER, leave
from horde.server.accounts.register import register
from horde.server.accounts.sharedkeys import KeyChanges, share, shared_key
from horde.server.accounts.users import User, user_by_id
from horde.server.context import Context
from horde.server.ledger.verify import Sums
from horde.server.status.account import page_of_accounts
from horde.server.status.books import verify_books
from horde.units import kudos
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, asked, everything, has, user, worker


async def again(ctx: Context, found: User) -> User:
    return await user_by_id(ctx, str(found.id))


async def test_deleted_account_can_neither_ask_nor_serve_until_it_comes_back(clock: Clock) -> None:
    ada = await user(clock.ctx)

    await leave(clock.ctx, ada, ada)

    ada = await again(clock.ctx, ada)
    assert ada.is_deleted
    with pytest.raises(DeletedUser):
        await asked(clock.ctx, ada)
    with pytest.raises(DeletedUser):
        await worker(clock.ctx, ada)
    await change_user(clock.ctx, ada, ada, Changes(own=OwnChanges(undeletes=True)))
    ada = await again(clock.ctx, ada)
    await asked(clock.ctx, ada)
    await worker(clock.ctx, ada)


async def test_account_is_wiped_by_a_second_call_a_month_later(clock: Clock) -> None:
    made = await register(clock.ctx, "Ada", kudos=kudos(100))
    ada, judge = made.user, await user(clock.ctx, "Judge", is_moderator=True)
    key = await share(clock.ctx, ada, KeyChanges())
    await leave(clock.ctx, ada, ada)

    clock.now += WIPED_AFTER - timedelta(seconds=1)
    with pytest.raises(CannotWipeActiveUser, match=r"from \d{4}-\d\d-\d\d \d\d:\d\d UTC on"):
        await leave(clock.ctx, ada, ada)
    assert (await authenticate(clock.ctx, made.key)).id == ada.id
    await leave(clock.move(seconds=1), judge, ada)

    with pytest.raises(UserNotFound):
        await again(clock.ctx, ada)
    with pytest.raises(UserNotFound):
        await leave(clock.ctx, judge, ada)
    for gone in (authenticate(clock.ctx, made.key), shared_key(clock.ctx, str(key.id))):
        with pytest.raises(InvalidAPIKey):
            await gone
    for order in ("kudos", "age"):
        assert ada.id not in [one.user.id for one in await page_of_accounts(clock.ctx, order=order)]
    rows = await everything(clock.ctx)
    assert not any("Ada" in row for row in rows["users"])
    assert await has(clock.ctx, ada) == kudos(100)
    assert isinstance(await verify_books(clock.ctx.database), Sums)


async def test_who_may_not_delete_is_refused(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada"), await user(clock.ctx, "Bob")
    judge, nobody = await user(clock.ctx, "Judge", is_moderator=True), await anonymous(clock.ctx)
    before = await everything(clock.ctx)

    for caller, target, refusal in (
        (nobody, ada, AnonForbiddenUser), (judge, nobody, AnonForbiddenUser), (nobody, nobody, AnonForbiddenUser),
        (bob, ada, NotUserOrMod), (judge, judge, CannotDeleteMod),
        (replace(ada, is_moderator=True), judge, CannotDeleteMod),
    ):  # fmt: skip
        with pytest.raises(refusal):
            await leave(clock.ctx, caller, target)

    assert await everything(clock.ctx) == before
