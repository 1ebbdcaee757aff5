"""Workers that ask at the same time share out what waits, the best first, and none is kept from what another holds."""

import asyncio
import random
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.matching.lanes import Lanes
from horde.server.requests import sql
from horde.server.requests.cancel import cancel
from horde.server.requests.claim import DEEPER, ROUNDS
from horde.server.requests.heads import DEPTH_MAX
from horde.server.requests.lease import Popped
from horde.server.requests.pop import pop
from horde.server.requests.tries import LANES_OF_FIRST, LANES_TRIED
from tests.plugins.hordes import Clock
from tests.server.builders import (
    ask,
    asked,
    change,
    idle,
    leased,
    look,
    nodes,
    one,
    popped,
    seldom_looking,
    user,
    worker,
)

COPIES = """
INSERT INTO requests (id, user_id, kind, lane_id, prompt, params, n, waiting, rank, seed_variation, things,
    price_mk, lease_s, is_inline, wants_censoring, disable_batching, client_agent, created_at, expires_at)
SELECT gen_random_uuid(), user_id, kind, lane_id, prompt, params, n, waiting, rank, seed_variation, things,
    price_mk, lease_s, is_inline, wants_censoring, disable_batching, client_agent, created_at, expires_at
FROM requests, generate_series(1, $1)
"""


@pytest.fixture
async def bob(clock: Clock) -> User:
    """Who serves."""
    return await user(clock.ctx, "Bob")


async def queue_of(ctx: Context, *kudos: float, **changes: Any) -> None:
    """A request for each of so many kudos, whose prompt names them."""
    for has in kudos:
        await asked(ctx, await user(ctx, f"U{has}", has=has), prompt=str(has), **changes)


async def all_at_once(contexts: list[Context], owner: User, workers: int, **changes: Any) -> list[Popped]:
    """What so many workers got who asked at the same time; each must get something."""
    answers = await asyncio.gather(
        *[pop(contexts[i % len(contexts)], owner, ask(f"W{i}", **changes)) for i in range(workers)]
    )
    found = [answer for answer in answers if isinstance(answer, Popped)]
    assert len(found) == workers, f"only {len(found)} of {workers} workers got something"
    return found


def prompts(found: list[Popped]) -> list[str]:
    return [str(each.payload["prompt"]) for each in found]


# ----------------------------------------------------------------------------------------------- sharing out
@pytest.mark.parametrize("count", [1, 3])
async def test_workers_that_ask_at_once_get_the_best_that_waits(clock: Clock, bob: User, count: int) -> None:
    await queue_of(clock.ctx, *range(10, 100, 10), models=("one",))
    await queue_of(clock.ctx, *range(15, 105, 10), models=("two",))

    async with nodes(clock.ctx, count) as contexts:
        found = await all_at_once(contexts, bob, 9, models=("one", "two"))

    assert sorted(prompts(found), key=int, reverse=True) == [
        str(has) for has in (95, 90, 85, 80, 75, 70, 65, 60, 55)
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 3])
async def test_request_for_many_is_split_among_those_who_ask_with_a_seed_for_each(
    clock: Clock, bob: User, count: int
) -> None:
    await asked(clock.ctx, bob, n=10, seed=100, seed_variation=10)

    async with nodes(clock.ctx, count) as contexts:
        answers = await asyncio.gather(
            *[pop(contexts[i % count], bob, ask(f"W{i}", amount=i)) for i in (1, 2, 3, 4)]
        )  # fmt: skip

    found = [answer for answer in answers if isinstance(answer, Popped)]
    assert [len(each.job_ids) for each in found] == [1, 2, 3, 4]
    assert [each.payload["n_iter"] for each in found] == [1, 2, 3, 4]
    waiting = 10
    for each in sorted(found, key=lambda each: int(str(each.payload["seed"])), reverse=True):
        assert each.payload["seed"] == str(100 + 10 * waiting)
        waiting -= len(each.job_ids)
    assert waiting == await one(clock.ctx, "SELECT waiting FROM requests") == 0
    job_ids = {job_id for each in found for job_id in each.job_ids}
    assert {str(job["id"]) for job in await look(clock.ctx, "SELECT id FROM jobs")} == job_ids
    assert await one(clock.ctx, "SELECT count(DISTINCT batch) FROM jobs") == 4


async def test_everybody_who_asks_at_once_serves_its_own_first(clock: Clock) -> None:
    await asked(clock.ctx, await user(clock.ctx, "Rich", has=10**6), prompt="rich", n=3)
    owners = [await user(clock.ctx, f"Owner{i}", has=0) for i in range(3)]
    for owner in owners:
        await asked(clock.ctx, owner, prompt=owner.name, models=(owner.name,))

    offered = tuple(owner.name for owner in owners)
    answers = await asyncio.gather(
        *[pop(clock.ctx, owner, ask(f"W{owner.id}", models=(*offered, "stable_diffusion"))) for owner in owners]
    )

    assert [answer.payload["prompt"] for answer in answers if isinstance(answer, Popped)] == [
        "Owner0", "Owner1", "Owner2",
    ]  # fmt: skip


async def test_worker_in_maintenance_takes_nothing_of_others_when_it_asks_with_them(clock: Clock, bob: User) -> None:
    await queue_of(clock.ctx, 30, 20, 10)
    await asked(clock.ctx, bob, prompt="own")
    await worker(clock.ctx, bob, "Resting")
    await change(clock.ctx, "UPDATE workers SET is_in_maintenance = true")
    eve = await user(clock.ctx, "Eve")

    answers = await asyncio.gather(
        pop(clock.ctx, bob, ask("Resting")), *[pop(clock.ctx, eve, ask(f"W{i}")) for i in range(3)]
    )

    assert isinstance(answers[0], Popped)
    assert answers[0].payload["prompt"] == "own"
    assert sorted(str(each.payload["prompt"]) for each in answers[1:] if isinstance(each, Popped)) == ["10", "20", "30"]


# ----------------------------------------------------------------------------------------------- what is in the way
async def test_blacklisted_heads_are_passed_over_however_many_there_are(clock: Clock, bob: User) -> None:
    await asked(clock.ctx, await user(clock.ctx, "Rich", has=1000), prompt="a hound")
    depth = min(DEEPER ** (ROUNDS - 1), DEPTH_MAX)
    await change(clock.ctx, COPIES, many=depth - 2)
    assert await one(clock.ctx, "SELECT count(*) FROM requests") == depth - 1
    await queue_of(clock.ctx, 500)
    assert await one(clock.ctx, "SELECT count(DISTINCT lane_id) FROM requests") == 1

    assert (await popped(clock.ctx, bob, blacklist=("hound",))).payload["prompt"] == "500"


async def test_what_stands_behind_a_blacklisted_head_goes_before_worse_in_other_lanes(clock: Clock, bob: User) -> None:
    await asked(clock.ctx, await user(clock.ctx, "Rich", has=300), prompt="a hound", models=("one",))
    await queue_of(clock.ctx, 200, 100, models=("one",))
    await queue_of(clock.ctx, 150, 50, models=("two",))

    offered: dict[str, Any] = {"models": ("one", "two"), "blacklist": ("hound",)}
    found = [(await popped(clock.ctx, bob, **offered)).payload["prompt"] for _ in range(4)]

    assert found == ["200", "150", "100", "50"]
    await idle(clock.ctx, bob, **offered)


async def test_request_that_another_transaction_holds_is_left_to_it_and_others_are_handed_out(
    clock: Clock, bob: User
) -> None:
    held = await asked(clock.ctx, await user(clock.ctx, "Rich", has=1000), prompt="held")
    await queue_of(clock.ctx, 40, 30, 20)

    async with clock.ctx.database.transaction() as tx:
        await tx.values(sql.lock_requests, UUID, ids=[UUID(held)])
        async with asyncio.timeout(10):
            assert (await popped(clock.ctx, bob)).payload["prompt"] == "40"
            assert sorted(prompts(await all_at_once([clock.ctx], bob, 2))) == ["20", "30"]
            await idle(clock.ctx, bob)

    assert (await popped(clock.ctx, bob)).payload["prompt"] == "held"


async def test_lane_that_only_seems_to_hold_something_is_found_out(clock: Clock, bob: User) -> None:
    async with nodes(clock.ctx, 2) as [first, second]:
        stale = seldom_looking(first)
        await idle(stale, bob)
        for name in ("one", "two"):
            await asked(stale, bob, models=(name,))
            stale.remembered(Lanes).doubt()
            await leased(second, bob, models=(name,))
        await asked(stale, bob, prompt="left", models=("three",))
        stale.remembered(Lanes).doubt()

        offered = ("one", "two", "three")
        assert (await popped(stale, bob, models=offered)).payload["prompt"] == "left"
        await idle(stale, bob, models=offered)

        assert [lane.id for lane in stale.remembered(Lanes).all() if lane.best is not None] == []


@pytest.mark.parametrize("looks", ["always", "seldom"])
@pytest.mark.parametrize("seed", range(3))
async def test_order_of_ranks_holds_over_more_lanes_than_are_tried_at_once(
    clock: Clock, bob: User, looks: str, seed: int
) -> None:
    chance = random.Random(seed)
    ctx = clock.ctx if looks == "always" else seldom_looking(clock.ctx)
    models = [f"model {number}" for number in range(2 * LANES_TRIED + 5)]
    await idle(ctx, bob, models=tuple(models))
    waiting: list[tuple[int, int]] = []
    for age, model in enumerate(chance.choices(models, k=3 * LANES_TRIED) + models[: LANES_TRIED + 5]):
        has = chance.randrange(14, 54)
        request_id = await asked(ctx, await user(ctx, has=has), prompt=f"{has} {age}", models=(model,))
        if chance.random() < 0.4:
            # Nobody is told that nothing waits there any more.
            await cancel(ctx, request_id, kind="image")
        else:
            waiting.append((-has, age))

    got = [(await popped(ctx, bob, models=tuple(models))).payload["prompt"] for _ in waiting]

    assert got == [f"{-minus} {age}" for minus, age in sorted(waiting)]
    await idle(ctx, bob, models=tuple(models))


async def test_own_request_behind_many_with_a_word_of_the_blacklist_goes_before_all_others(
    clock: Clock, bob: User
) -> None:
    await asked(clock.ctx, bob, prompt="a hound")
    await change(clock.ctx, COPIES, many=DEPTH_MAX - 2)
    await change(clock.ctx, "UPDATE requests SET rank = rank + 1000")
    await asked(clock.ctx, replace(bob, concurrency=500), prompt="own")
    await queue_of(clock.ctx, 10**6, 10**5)
    assert await one(clock.ctx, "SELECT min(rank) = (SELECT rank FROM requests WHERE prompt = 'own') FROM requests")

    found = [await popped(clock.ctx, bob, models=("one",), blacklist=("hound",)) for _ in range(2)]

    assert prompts(found) == ["own", str(10**6)]


async def test_best_of_friends_is_found_behind_what_the_worker_refuses(clock: Clock, bob: User) -> None:
    rich, poor = await user(clock.ctx, "Rich", has=3000), await user(clock.ctx, "Poor", has=1000)
    for asking, words in ((rich, ("a hound", "a hound", "rich")), (poor, ("poor 1", "poor 2", "poor 3"))):
        for prompt in words:
            await asked(clock.ctx, asking, prompt=prompt)
    await queue_of(clock.ctx, 5000)

    offered: dict[str, Any] = {"first_users": (rich.id, poor.id), "blacklist": ("hound",)}
    found = [await popped(clock.ctx, bob, **offered) for _ in range(5)]

    assert prompts(found) == ["rich", "poor 1", "poor 2", "poor 3", "5000"]


@pytest.mark.parametrize("lanes", [1, 2 * LANES_TRIED, LANES_OF_FIRST + 1])
async def test_own_request_is_found_behind_those_that_the_worker_cannot_do(clock: Clock, bob: User, lanes: int) -> None:
    able = [f"model {number}" for number in range(lanes)]
    for model in able:
        await asked(clock.ctx, await user(clock.ctx, has=5000), models=(model,))
    for _ in range(DEEPER + 1):
        await asked(clock.ctx, bob, prompt="for another", models=("another",))
    await asked(clock.ctx, bob, prompt="own", models=("own",))

    assert (await popped(clock.ctx, bob, models=(*able, "own"))).payload["prompt"] == "own"


# ----------------------------------------------------------------------------------------------- what others made
async def test_node_that_heard_no_hint_finds_work_that_was_made_elsewhere(clock: Clock, bob: User) -> None:
    async with nodes(clock.ctx, 2) as [here, there]:
        for models in (("one",), ("one",), ("two",)):  # a lane that it knows, and one that it does not
            await idle(here, bob, models=("one", "two"))
            await asked(there, bob, models=models)

            await leased(here, bob, models=("one", "two"))


async def test_node_that_seldom_looks_finds_work_that_was_made_elsewhere_when_it_does(clock: Clock, bob: User) -> None:
    async with nodes(clock.ctx, 2) as [here, there]:
        await idle(seldom_looking(here, refresh_s=1), bob)
        await asked(there, bob)
        later = seldom_looking(Context(here.services, clock.move(seconds=1).now), refresh_s=1)

        async with asyncio.timeout(10):
            while not isinstance(await pop(later, bob, ask()), Popped):
                await later.database.reach()  # what is answered out of memory lets nobody else run


async def test_first_pops_of_a_process_all_find_what_waits(clock: Clock, bob: User) -> None:
    await queue_of(clock.ctx, 20, 10)

    async with nodes(clock.ctx, 1) as [fresh]:
        assert sorted(prompts(await all_at_once([fresh], bob, 2))) == ["10", "20"]
