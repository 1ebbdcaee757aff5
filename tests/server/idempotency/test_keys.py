"""A call that is repeated with its key is answered as before, and nothing happens again."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from horde.errors import BadInput, DuplicateGen, IdempotencyKeyConflict, InvalidJobID, TooManyPrompts
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.idempotency.keys import KEPT_FOR, KEY_MAX, Key, forget_old_keys
from horde.server.requests.cancel import cancel
from horde.server.requests.deliver import deliver
from horde.server.requests.orders import Accepted
from horde.server.requests.submit import submit
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, asked, delivery, draft, has, leased, nodes, one, user


@pytest.fixture
async def ada(clock: Clock) -> User:
    return await user(clock.ctx, "Ada")


@pytest.fixture
async def bob(clock: Clock) -> User:
    return await user(clock.ctx, "Bob")


def key(owner: User, text: str = "first", body: bytes = b"{}", address: str = "192.0.2.1") -> Key:
    return Key.of(owner, text, route="POST /x", body=body, address=address)


async def requests(ctx: Context) -> int:
    return int(await one(ctx, "SELECT count(*) AS n FROM requests"))


async def test_repeated_call_is_answered_as_before_and_adds_nothing(clock: Clock, ada: User) -> None:
    first = await submit(clock.ctx, ada, draft(), key(ada))
    again = await submit(clock.move(minutes=5), ada, draft(), key(ada))

    assert again == first
    assert await requests(clock.ctx) == 1


async def test_answer_is_kept_longer_than_the_request(clock: Clock, ada: User) -> None:
    first = await submit(clock.ctx, ada, draft(), key(ada))
    await cancel(clock.ctx, first.id, kind="image")

    assert await submit(clock.move(hours=23), ada, draft(), key(ada)) == first


async def test_same_key_with_another_body_is_refused(clock: Clock, ada: User) -> None:
    await submit(clock.ctx, ada, draft(), key(ada))

    with pytest.raises(IdempotencyKeyConflict):
        await submit(clock.ctx, ada, draft(prompt="a blue fox"), key(ada, body=b"{1}"))
    assert await requests(clock.ctx) == 1


async def test_calls_at_once_with_one_key_have_one_effect(clock: Clock, ada: User) -> None:
    answers = await asyncio.gather(*[submit(clock.ctx, ada, draft(), key(ada)) for _ in range(8)])

    assert len(set(answers)) == 1
    assert await requests(clock.ctx) == 1


async def test_calls_at_once_on_several_nodes_with_one_key_have_one_effect(clock: Clock, ada: User) -> None:
    async with nodes(clock.ctx, 3) as contexts:
        calls = [submit(ctx, ada, draft(), key(ada)) for ctx in contexts for _ in range(4)]
        answers = await asyncio.gather(*calls)

    assert len(set(answers)) == 1
    assert await requests(clock.ctx) == 1


async def test_calls_at_once_with_one_key_and_two_bodies_have_one_effect(clock: Clock, ada: User) -> None:
    calls = [submit(clock.ctx, ada, draft(), key(ada, body=body)) for body in (b"1", b"2", b"1", b"2")]
    answers = await asyncio.gather(*calls, return_exceptions=True)

    # Which of them is first is nobody's promise.
    taken = [isinstance(answer, Accepted) for answer in answers]
    assert taken in ([True, False, True, False], [False, True, False, True])
    assert sum(isinstance(answer, IdempotencyKeyConflict) for answer in answers) == 2
    assert await requests(clock.ctx) == 1


async def test_refused_call_can_be_made_again_with_its_key(clock: Clock, ada: User) -> None:
    crowded = replace(ada, concurrency=0)
    with pytest.raises(TooManyPrompts):
        await submit(clock.ctx, crowded, draft(), key(ada))

    await submit(clock.ctx, ada, draft(), key(ada))
    assert await requests(clock.ctx) == 1


async def test_keys_belong_to_their_accounts(clock: Clock, ada: User, bob: User) -> None:
    first = await submit(clock.ctx, ada, draft(), key(ada))

    assert await submit(clock.ctx, bob, draft(), key(bob)) != first
    assert await requests(clock.ctx) == 2


async def test_anonymous_people_do_not_share_keys(clock: Clock) -> None:
    nobody = await anonymous(clock.ctx)
    here = await submit(clock.ctx, nobody, draft(), key(nobody, address="192.0.2.1"))
    there = await submit(clock.ctx, nobody, draft(), key(nobody, address="192.0.2.2"))

    assert here != there
    assert await submit(clock.ctx, nobody, draft(), key(nobody, address="192.0.2.1")) == here


async def test_old_keys_are_forgotten(clock: Clock, ada: User) -> None:
    first = await submit(clock.ctx, ada, draft(), key(ada))
    await submit(clock.move(seconds=1), ada, draft(), key(ada, "second"))
    clock.now += KEPT_FOR - timedelta(seconds=0.5)

    assert await forget_old_keys(clock.ctx) == 1
    assert await submit(clock.ctx, ada, draft(), key(ada)) != first


@pytest.mark.parametrize("text", ["", "x" * (KEY_MAX + 1)])
async def test_key_that_is_empty_or_too_long_is_refused(ada: User, text: str) -> None:
    with pytest.raises(BadInput):
        key(ada, text)


async def test_delivery_that_is_repeated_with_its_key_gets_the_same_reward(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)
    first = await deliver(clock.ctx, bob, delivery(job_id), key(bob))
    paid = await has(clock.ctx, bob)

    assert await deliver(clock.ctx, bob, delivery(job_id), key(bob)) == first
    assert await has(clock.ctx, bob) == paid
    with pytest.raises(DuplicateGen):
        await deliver(clock.ctx, bob, delivery(job_id))


async def test_delivery_of_another_job_with_a_used_key_is_refused_and_pays_nothing(
    clock: Clock, ada: User, bob: User
) -> None:
    for _ in range(2):
        await asked(clock.ctx, ada)
    first, second = await leased(clock.ctx, bob), await leased(clock.ctx, bob)
    await deliver(clock.ctx, bob, delivery(first), key(bob, body=b"1"))
    paid = await has(clock.ctx, bob)

    with pytest.raises(IdempotencyKeyConflict):
        await deliver(clock.ctx, bob, delivery(second), key(bob, body=b"2"))
    assert await has(clock.ctx, bob) == paid


async def test_delivery_with_a_used_key_does_not_hurt_those_that_came_with_it(
    clock: Clock, ada: User, bob: User
) -> None:
    for _ in range(3):
        await asked(clock.ctx, ada)
    jobs = [await leased(clock.ctx, bob) for _ in range(3)]
    keys = [key(bob, body=b"1"), key(bob, body=b"2"), None]
    calls = [deliver(clock.ctx, bob, delivery(job), one) for job, one in zip(jobs, keys, strict=True)]
    first, second, third = await asyncio.gather(*calls, return_exceptions=True)

    assert first == third
    assert isinstance(second, IdempotencyKeyConflict)


async def test_refused_delivery_keeps_no_key(clock: Clock, bob: User) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(InvalidJobID):
        await deliver(clock.ctx, bob, delivery(unknown), key(bob))

    assert await one(clock.ctx, "SELECT count(*) AS n FROM idempotency_keys") == 0
