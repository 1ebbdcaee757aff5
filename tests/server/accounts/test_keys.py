"""Who holds a key is who the key says, and nobody else."""

import hashlib

import pytest

from horde.errors import InvalidAPIKey
from horde.server.accounts.keys import KEY_LENGTH_MAX, authenticate, new_key
from horde.server.accounts.register import register
from tests.plugins.hordes import ANONYMOUS, Clock
from tests.server.builders import everything, one


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

    digest = await one(clock.ctx, "SELECT digest FROM keys WHERE user_id = $1", user_id=ada.user.id)

    assert digest == hashlib.sha256(b"stable-horde key:" + ada.key.encode()).digest()
    assert ada.key not in str(await everything(clock.ctx))


def test_keys_look_as_clients_expect_and_differ() -> None:
    keys = [new_key() for _ in range(100)]

    assert {len(key) for key in keys} == {22}
    assert len(set(keys)) == 100
