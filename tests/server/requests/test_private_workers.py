"""A worker may serve only its owner or its team; then nobody is paid, and nobody is charged."""

from dataclasses import replace
from uuid import uuid4

import msgspec
import pytest

from horde.kinds.base import Serves
from horde.server.accounts.users import User
from horde.server.requests.deliver import deliver
from horde.server.requests.lease import Popped
from horde.server.requests.pop import Ask, Idle, pop
from horde.server.requests.read import progress
from horde.server.requests.submit import submit
from horde.server.workers.checkin import check_in
from tests.plugins.hordes import Clock
from tests.server.agreement import books_agree
from tests.server.builders import TAX, ask, asked, change, delivery, draft, earned, has, purse, said, user, worker


def private(serves: Serves, name: str = "Atlas") -> Ask:
    """A pop of a worker that serves only these."""
    call = ask(name)
    return replace(call, said=replace(call.said, terms=msgspec.structs.replace(call.said.terms, serves=serves)))


@pytest.fixture
async def bob(clock: Clock) -> User:
    """Whose worker it is."""
    return await user(clock.ctx, "Bob", has=0)


@pytest.fixture
async def mate(clock: Clock, bob: User) -> User:
    """Somebody with a worker in the same team as Atlas."""
    found = await user(clock.ctx, "Mate", has=100)
    await worker(clock.ctx, bob)
    await worker(clock.ctx, found, "Zeus")
    team = uuid4()
    await change(
        clock.ctx,
        "INSERT INTO teams (id, name, user_id, created_at) VALUES ($1, 'Titans', $2, now())",
        team=team,
        user_id=bob.id,
    )
    await change(clock.ctx, "UPDATE workers SET team_id = $1, changed_at = clock_timestamp()", team=team)
    return found


@pytest.mark.parametrize("serves", ["owner", "team"])
async def test_private_worker_gets_nothing_of_strangers(clock: Clock, bob: User, mate: User, serves: Serves) -> None:
    await asked(clock.ctx, await user(clock.ctx, "Stranger"))

    assert isinstance(await pop(clock.ctx, bob, private(serves)), Idle)


async def test_owner_is_served_and_mates_are_only_by_who_serves_the_team(clock: Clock, bob: User, mate: User) -> None:
    await asked(clock.ctx, mate, prompt="mate")

    assert isinstance(await pop(clock.ctx, bob, private("owner")), Idle)
    got = await pop(clock.ctx, bob, private("team"))
    assert isinstance(got, Popped)
    assert got.payload["prompt"] == "mate"

    await asked(clock.ctx, bob, prompt="own")
    got = await pop(clock.ctx, bob, private("owner"))
    assert isinstance(got, Popped)
    assert got.payload["prompt"] == "own"


async def test_nobody_is_paid_or_charged_for_what_a_team_does_for_itself(clock: Clock, bob: User, mate: User) -> None:
    request_id = await asked(clock.ctx, mate)
    got = await pop(clock.ctx, bob, private("team"))
    assert isinstance(got, Popped)

    paid = await deliver(clock.ctx, bob, delivery(got.job_ids[0]))

    assert (paid.reward_mk > 0, paid.credited_mk, paid.escrowed_mk) == (True, 0, 0)
    assert (await has(clock.ctx, mate), await earned(clock.ctx, bob)) == (100_000 - TAX, 0)
    assert (await purse(clock.ctx, mate)).held_mk == 0
    assert (await progress(clock.ctx, request_id, kind="image")).charged == TAX
    await books_agree(clock.ctx)


async def test_what_was_handed_out_in_private_stays_unpaid_when_the_worker_opens(
    clock: Clock, bob: User, mate: User
) -> None:
    await asked(clock.ctx, mate)
    got = await pop(clock.ctx, bob, private("team"))
    assert isinstance(got, Popped)
    await pop(clock.ctx, bob, ask())

    assert (await deliver(clock.ctx, bob, delivery(got.job_ids[0]))).credited_mk == 0


async def test_request_of_a_mate_is_possible_where_only_the_team_serves_it(clock: Clock, bob: User, mate: User) -> None:
    await change(clock.ctx, "UPDATE workers SET is_paused = true, changed_at = clock_timestamp() WHERE name = 'Zeus'")
    await pop(clock.ctx, bob, private("team"))
    stranger = await user(clock.ctx, "Stranger")

    assert (await submit(clock.ctx, mate, draft())).is_possible
    refused = await submit(clock.ctx, stranger, draft())

    assert not refused.is_possible
    explanation = (await progress(clock.ctx, refused.id, kind="image")).explanation
    assert explanation is not None
    assert "serving only its team" in explanation


@pytest.mark.parametrize("serves", ["owner", "team"])
async def test_time_in_private_is_no_uptime(clock: Clock, bob: User, mate: User, serves: Serves) -> None:
    call = private(serves)
    await check_in(clock.move(seconds=1), bob, call.said)
    for _ in range(20):
        await check_in(clock.move(seconds=60), bob, call.said)
    atlas = await check_in(clock.move(seconds=60), bob, said())

    assert atlas.worker.uptime_s == 1  # what was before
    assert await earned(clock.ctx, bob) == 0
