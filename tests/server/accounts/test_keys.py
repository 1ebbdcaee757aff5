"""Who holds a key is who the key says, and nobody else."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from horde.errors import InvalidAPIKey
from horde.server.accounts.keys import KEY_LENGTH_MAX, Known, authenticate, digest, new_key
from horde.server.accounts.register import register
from horde.server.accounts.users import User
from horde.server.db.pool import Database, Tx
from tests.plugins.hordes import ANONYMOUS, Clock
from tests.server.builders import change, everything, nodes, one, seldom_looking


class CountingDatabase(Database):
    """A database that counts what it is asked."""

    def __init__(self, database: Database) -> None:
        super().__init__(database._pool)
        self.statements = 0

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[Tx]:
        self.statements += 1
        async with super().statement() as tx:
            yield tx


def test_no_key_looks_like_an_option_of_a_command() -> None:
    # By chance one of 64 would.
    assert not any(new_key().startswith("-") for _ in range(2_000))


async def test_key_opens_its_own_account(clock: Clock) -> None:
    ada = await register(clock.ctx, "Ada")
    bob = await register(clock.ctx, "Bob")

    assert await authenticate(clock.ctx, ada.key) == ada.user
    assert await authenticate(clock.ctx, bob.key) == bob.user


async def test_public_key_opens_the_anonymous_account_from_the_start(clock: Clock) -> None:
    found = await authenticate(clock.ctx, ANONYMOUS)

    assert (found.alias, found.is_anonymous, found.is_trusted, found.concurrency) == ("Anonymous#0", True, False, 500)


async def test_key_that_nobody_holds_opens_nothing(clock: Clock) -> None:
    ada = await register(clock.ctx, "Ada")

    for key in (
        "",
        "unknown",
        ada.key[:-1],
        ada.key + "x",
        ada.key.swapcase(),
        "x" * (KEY_LENGTH_MAX + 1),
        "\x00",
        "☃",
    ):
        with pytest.raises(InvalidAPIKey):
            await authenticate(clock.ctx, key)


async def test_key_is_not_kept_anywhere(clock: Clock) -> None:
    ada = await register(clock.ctx, "Ada")

    stored = await one(clock.ctx, "SELECT digest FROM keys WHERE user_id = $1", user_id=ada.user.id)

    assert stored == hashlib.sha256(b"stable-horde key:" + ada.key.encode()).digest()
    assert ada.key not in str(await everything(clock.ctx))


def test_keys_look_as_clients_expect_and_differ() -> None:
    keys = [new_key() for _ in range(100)]

    assert {len(key) for key in keys} == {22}
    assert len(set(keys)) == 100


# ------------------------------------------------------------------------------------- remembering them
MAKE_TRUSTED = "UPDATE users SET is_trusted = true"


async def test_account_is_remembered_for_the_period_and_not_longer(clock: Clock) -> None:
    ada = await register(clock.ctx, "Ada")
    period_s = 10
    assert await authenticate(seldom_looking(clock.ctx, period_s), ada.key) == ada.user
    await change(clock.ctx, MAKE_TRUSTED)

    clock.move(seconds=period_s - 0.001)
    assert await authenticate(seldom_looking(clock.ctx, period_s), ada.key) == ada.user
    clock.move(seconds=0.001)
    assert (await authenticate(seldom_looking(clock.ctx, period_s), ada.key)).is_trusted

    await change(clock.ctx, "UPDATE users SET is_trusted = false")
    clock.move(seconds=period_s - 0.001)
    assert (await authenticate(seldom_looking(clock.ctx, period_s), ada.key)).is_trusted


async def test_account_is_not_remembered_longer_because_it_is_used(clock: Clock) -> None:
    ada = await register(clock.ctx, "Ada")
    await authenticate(seldom_looking(clock.ctx, 10), ada.key)
    await change(clock.ctx, MAKE_TRUSTED)

    seen = [(await authenticate(seldom_looking(clock.move(seconds=4), 10), ada.key)).is_trusted for _ in range(3)]

    assert seen == [False, False, True]


async def test_key_that_opens_nothing_any_more_is_refused_after_the_period(clock: Clock) -> None:
    ada = await register(clock.ctx, "Ada")
    await authenticate(seldom_looking(clock.ctx, 10), ada.key)
    await change(clock.ctx, "DELETE FROM keys WHERE user_id = $1", user_id=ada.user.id)

    ctx = seldom_looking(clock.move(seconds=10), 10)
    for _ in range(2):
        with pytest.raises(InvalidAPIKey):
            await authenticate(ctx, ada.key)


async def test_key_that_nobody_holds_is_never_remembered(clock: Clock) -> None:
    ctx, key = seldom_looking(clock.ctx), new_key()
    with pytest.raises(InvalidAPIKey):
        await authenticate(ctx, key)

    ada = await register(ctx, "Ada")
    await change(ctx, "UPDATE keys SET digest = $1 WHERE user_id = $2", digest=digest(key), user_id=ada.user.id)

    assert await authenticate(ctx, key) == ada.user
    assert len(ctx.remembered(Known).users) == 1


async def test_many_keys_at_once_are_looked_up_together(clock: Clock) -> None:
    shown = [await register(clock.ctx, f"u{number}") for number in range(20)]
    keys = [*(account.key for account in shown), *(new_key() for _ in range(20)), shown[0].key, ANONYMOUS]
    random.Random(1).shuffle(keys)

    async with nodes(clock.ctx, 1) as [node]:
        counted = CountingDatabase(node.database)
        ctx = replace(node, services=replace(node.services, database=counted))
        found = await asyncio.gather(*[authenticate(ctx, key) for key in keys], return_exceptions=True)

    users = {account.key: account.user.id for account in shown} | {ANONYMOUS: 0}
    assert [account.id if isinstance(account, User) else None for account in found] == [users.get(key) for key in keys]
    assert sum(isinstance(account, InvalidAPIKey) for account in found) == 20
    assert counted.statements == 1
