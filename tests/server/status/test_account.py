"""What the holder of a key sees of the account."""

from horde.server.status.account import account
from tests.plugins.hordes import Clock
from tests.server.builders import (
    CHARGED,
    TAX,
    anonymous,
    asked,
    delivered,
    leased,
    user,
    worker,
)


async def test_account_shows_what_belongs_to_it(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=100), await user(clock.ctx, "Bob", has=0)
    request_id = await asked(clock.ctx, ada)
    await asked(clock.ctx, bob)
    await delivered(clock.ctx, bob, await leased(clock.ctx, bob, first_users=(ada.id,)))
    await delivered(clock.ctx, bob, await leased(clock.ctx, bob))
    zeus = await worker(clock.ctx, ada, "Zeus")

    found = await account(clock.ctx, ada)

    assert (found.kudos, found.worker_count, found.worker_ids) == (100_000 - TAX - CHARGED, 1, [zeus.id])
    assert [str(listed) for listed in found.requests["image"]] == [request_id]


async def test_world_does_not_see_what_others_do_with_the_anonymous_key(clock: Clock) -> None:
    nobody = await anonymous(clock.ctx)
    await asked(clock.ctx, nobody)
    await worker(clock.ctx, nobody, "Nemo")

    found = await account(clock.ctx, nobody)

    assert (found.worker_count, found.worker_ids, found.requests) == (1, [], {})
