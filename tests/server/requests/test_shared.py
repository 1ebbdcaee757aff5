"""Who asks with a shared key spends its owner's kudos, exactly as far as the key allows."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from horde.errors import DeletedUser, InvalidAPIKey, TooManyPrompts
from horde.errors.sharing import SharedKeyEmpty, SharedKeyExpired, SharedKeyInsufficientKudos, SharedKeyLimit
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
from horde.server.matching.order import priority, rank
from horde.server.requests.cancel import cancel
from horde.server.requests.deliver import report_fault
from horde.server.requests.quote import estimated
from horde.server.requests.submit import submit
from horde.units import Kudos, kudos
from tests.plugins.hordes import Clock
from tests.server.agreement import books_agree
from tests.server.builders import (
    CHARGED,
    MODEL,
    TAX,
    at_a_tick,
    delivered,
    draft,
    everything,
    has,
    idle,
    leased,
    look,
    nodes,
    one,
    popped,
    user,
)

ONE = (MODEL,)
FLUX: dict[str, Any] = {"models": ("Flux.1-Schnell",), "agent": "AI Horde Worker reGen:20:x"}
"""What a worker says that makes pictures eight times as dear."""
COST = Kudos(TAX + CHARGED)
"""Of a request for one picture: 13 kudos, which is also what is estimated for it."""


async def shared(ctx: Context, owner: User, has: Kudos | None, **limits: Any) -> SharedKey:
    return await share(ctx, owner, KeyChanges(kudos=has, **limits))


async def as_it_is(ctx: Context, key: SharedKey) -> tuple[int | None, int]:
    found, _ = await shared_key(ctx, str(key.id))
    return found.left_mk, found.utilized_mk


async def asked(ctx: Context, key: SharedKey, **changes: object) -> str:
    """With the key as it is now."""
    found, owner = await shared_key(ctx, str(key.id))
    return (await submit(ctx, owner, draft(**{"models": ONE, **changes}), shared=found)).id


async def test_owner_pays_and_the_key_loses_what_was_paid(clock: Clock) -> None:
    ada, bob = await user(clock.ctx), await user(clock.ctx, "Bob")
    key = await shared(clock.ctx, ada, kudos(100))

    await asked(clock.ctx, key)
    assert await as_it_is(clock.ctx, key) == (kudos(100) - TAX, TAX)
    await delivered(clock.ctx, bob, await leased(clock.ctx, bob))

    assert await as_it_is(clock.ctx, key) == (kudos(100) - COST, COST)
    assert await has(clock.ctx, ada) == kudos(1000) - COST
    assert await one(clock.ctx, "SELECT user_id FROM requests") == ada.id
    await books_agree(clock.ctx)


async def test_what_is_served_for_nothing_costs_the_key_nothing(clock: Clock) -> None:
    ada = await user(clock.ctx)
    key = await shared(clock.ctx, ada, kudos(100))
    await asked(clock.ctx, key)

    await delivered(clock.ctx, ada, await leased(clock.ctx, ada))  # her own worker

    assert await as_it_is(clock.ctx, key) == (kudos(100) - TAX, TAX)


async def test_key_without_a_limit_only_counts(clock: Clock) -> None:
    ada = await user(clock.ctx)
    key = await shared(clock.ctx, ada, None)

    await asked(clock.ctx, key, n=20)

    assert await as_it_is(clock.ctx, key) == (None, TAX)


async def test_what_waits_or_runs_is_promised_and_what_ends_without_a_result_is_free_again(clock: Clock) -> None:
    ada, bob = await user(clock.ctx), await user(clock.ctx, "Bob")
    key = await shared(clock.ctx, ada, Kudos(2 * COST))
    cancelled, faulted = await asked(clock.ctx, key), await asked(clock.ctx, key)
    with pytest.raises(SharedKeyInsufficientKudos, match=r"may cost 13\.000 kudos.* has 0\.000 free"):
        await asked(clock.ctx, key)

    await cancel(clock.ctx, cancelled, kind="image")
    for _ in range(3):
        await report_fault(clock.ctx, bob, await leased(clock.ctx, bob))

    assert await one(clock.ctx, "SELECT state FROM requests WHERE id = $1", id=faulted) == "faulted"
    assert await as_it_is(clock.ctx, key) == (Kudos(2 * COST - 2 * TAX), 2 * TAX)
    await asked(clock.ctx, key)
    with pytest.raises(SharedKeyInsufficientKudos):
        await asked(clock.ctx, key)


async def test_over_two_nodes_as_much_is_promised_as_there_is_and_spent_to_the_last(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, concurrency=100), await user(clock.ctx, "Bob")
    key = await shared(clock.ctx, ada, Kudos(7 * COST + COST - 1))
    async with nodes(clock.ctx, 2) as both:
        outcomes = await asyncio.gather(*[asked(both[number % 2], key) for number in range(30)], return_exceptions=True)
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 7
    assert {type(outcome) for outcome in outcomes} == {str, SharedKeyInsufficientKudos}

    async with nodes(clock.ctx, 2) as both:
        jobs = [await leased(both[0], bob) for _ in range(7)]
        await asyncio.gather(*[delivered(both[number % 2], bob, job) for number, job in enumerate(jobs)])

    assert await as_it_is(clock.ctx, key) == (COST - 1, 7 * COST)
    assert await has(clock.ctx, ada) == kudos(1000) - 7 * COST
    await books_agree(clock.ctx)


async def test_asking_and_delivering_at_once_never_overspends(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, concurrency=100), await user(clock.ctx, "Bob")
    key = await shared(clock.ctx, ada, Kudos(6 * COST))
    async with nodes(clock.ctx, 2) as both:
        for _ in range(4):
            await asyncio.gather(*[asked(both[number % 2], key) for number in range(4)], return_exceptions=True)
            jobs = (await popped(both[0], bob, amount=4)).job_ids
            await asyncio.gather(
                *[delivered(both[number % 2], bob, job) for number, job in enumerate(jobs)],
                *[asked(both[number % 2], key) for number in range(4)],
                return_exceptions=True,
            )

    [requests] = await look(clock.ctx, "SELECT sum(charged_mk)::bigint AS paid, count(*) AS accepted FROM requests")
    assert requests["accepted"] == 6
    assert (await as_it_is(clock.ctx, key))[1] == requests["paid"]


@pytest.mark.parametrize(
    ("limits", "params", "words"),
    [
        (
            {"max_image_pixels": 512 * 512 - 1},
            ImageParams(),
            "262,144 image pixels, and this shared key allows 262,143",
        ),
        ({"max_image_steps": 29}, ImageParams(), "30 image steps"),
        ({"max_image_pixels": 512 * 512, "max_image_steps": 30, "max_text_tokens": 0}, ImageParams(), None),
    ],
)
async def test_job_may_be_as_large_as_the_key_allows(
    clock: Clock, limits: dict[str, int], params: ImageParams, words: str | None
) -> None:
    key = await shared(clock.ctx, await user(clock.ctx), None, **limits)

    if words is None:
        await asked(clock.ctx, key, params=params)
    else:
        with pytest.raises(SharedKeyLimit, match=words):
            await asked(clock.ctx, key, params=params)


async def test_key_that_is_empty_expired_or_deleted_lets_nobody_ask(clock: Clock) -> None:
    ada = await user(clock.ctx)
    empty, short, gone = [await shared(clock.ctx, ada, has) for has in (Kudos(0), kudos(100), kudos(100))]
    short, _ = await change_shared_key(clock.ctx, ada, str(short.id), KeyChanges(days=1))
    await delete_shared_key(clock.ctx, ada, str(gone.id))
    before = await everything(clock.ctx)
    later = Context(clock.ctx.services, clock.now + timedelta(days=1))

    for ctx, key, refusal in (
        (clock.ctx, empty, SharedKeyEmpty), (later, short, SharedKeyExpired), (clock.ctx, gone, InvalidAPIKey)
    ):  # fmt: skip
        with pytest.raises(refusal):
            await submit(ctx, ada, draft(models=ONE), shared=key)

    assert await everything(clock.ctx) == before | {"lanes": (await everything(clock.ctx))["lanes"]}


@pytest.mark.parametrize("left", [Kudos(0), Kudos(COST - 1)])
async def test_who_takes_less_is_served_as_nobody_after_all_others(clock: Clock, left: Kudos) -> None:
    ctx = at_a_tick(clock)
    ada = await user(ctx)
    key = await shared(ctx, ada, left)

    await submit(ctx, ada, draft(models=ONE, allow_downgrade=True), shared=key)

    [row] = await look(ctx, "SELECT user_id, rank, shared_key_id FROM requests")
    assert row == {"user_id": 0, "rank": rank(priority(kudos(-50), clock.now), 0), "shared_key_id": None}
    assert (await as_it_is(ctx, key), await has(ctx, ada)) == ((left, 0), kudos(1000))


async def test_dry_run_is_refused_as_the_request_would_be_and_writes_nothing(clock: Clock) -> None:
    ada = await user(clock.ctx)
    key = await shared(clock.ctx, ada, Kudos(COST - 1), max_image_steps=50)
    before = await everything(clock.ctx)

    with pytest.raises(SharedKeyInsufficientKudos):
        await estimated(clock.ctx, ada, draft(models=ONE), shared=key)
    with pytest.raises(SharedKeyLimit):
        await estimated(
            clock.ctx, ada, draft(models=ONE, params=ImageParams(steps=51, width=64, height=64)), shared=key
        )
    assert await estimated(clock.ctx, ada, draft(models=ONE, allow_downgrade=True), shared=key) == COST

    assert await everything(clock.ctx) == before


async def test_limits_of_the_owner_hold_for_who_asks_with_the_key(clock: Clock) -> None:
    ada = await user(clock.ctx, concurrency=2)
    key = await shared(clock.ctx, ada, None)

    with pytest.raises(TooManyPrompts):
        await asked(clock.ctx, key, n=3)
    with pytest.raises(DeletedUser):
        await submit(clock.ctx, replace(ada, is_deleted=True), draft(models=ONE), shared=key)


async def test_repeated_call_takes_from_the_key_once(clock: Clock) -> None:
    ada = await user(clock.ctx)
    key = await shared(clock.ctx, ada, Kudos(COST))
    once = Key.of(ada, str(uuid4()), route="POST /here", body=b"", address="")

    first = await submit(clock.ctx, ada, draft(models=ONE), once, shared=key)
    emptier, _ = await shared_key(clock.ctx, str(key.id))
    again = await submit(clock.ctx, ada, draft(models=ONE), once, shared=emptier)

    assert first == again
    assert await as_it_is(clock.ctx, key) == (CHARGED, TAX)


async def test_key_that_is_deleted_meanwhile_leaves_its_requests_alone(clock: Clock) -> None:
    ada, bob = await user(clock.ctx), await user(clock.ctx, "Bob")
    key = await shared(clock.ctx, ada, kudos(100))
    await asked(clock.ctx, key)
    await delete_shared_key(clock.ctx, ada, str(key.id))

    await delivered(clock.ctx, bob, await leased(clock.ctx, bob))

    assert await has(clock.ctx, ada) == kudos(1000) - COST
    await books_agree(clock.ctx)


async def test_request_for_any_model_is_promised_what_the_dearest_one_online_costs(clock: Clock) -> None:
    ada, bob = await user(clock.ctx), await user(clock.ctx, "Bob")
    dear = Kudos(TAX + 8 * 11_000 + 1_000)
    key = await shared(clock.ctx, ada, dear)
    await idle(clock.ctx, bob, **FLUX)

    await asked(clock.ctx, key, models=())
    with pytest.raises(SharedKeyInsufficientKudos):
        await asked(clock.ctx, key, models=())
    await delivered(clock.ctx, bob, await leased(clock.ctx, bob, **FLUX))

    assert await as_it_is(clock.ctx, key) == (0, dear)
    await books_agree(clock.ctx)
