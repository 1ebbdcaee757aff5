"""Many servers, many workers, one queue: every image is handed out once, to one worker, and none is forgotten."""

import asyncio
import random
from collections import Counter

from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.requests.expire import return_late_jobs
from horde.server.requests.lease import Popped
from horde.server.requests.pop import pop
from tests.plugins.hordes import Clock
from tests.server.builders import (
    EARNED,
    ask,
    asked,
    delivered,
    earned,
    look,
    nodes,
    one,
    popped,
    sum_of_balances,
    user,
)

ROUNDS_MAX = 100
LEASED = """
SELECT j.id, j.request_id, w.user_id FROM jobs AS j JOIN workers AS w ON w.id = j.worker_id WHERE j.state = 'leased'
"""


async def waiting(ctx: Context) -> int:
    return int(await one(ctx, "SELECT coalesce(sum(waiting), 0)::integer FROM requests"))


async def hammered(contexts: list[Context], owners: list[User], *, amount_max: int = 4) -> list[Popped]:
    """Everything that all workers got who popped all at once, again and again, until nothing waited."""
    chance = random.Random(5)
    found: list[Popped] = []
    for _ in range(ROUNDS_MAX):
        answers = await asyncio.gather(
            *[
                pop(chance.choice(contexts), owner, ask(owner.name, amount=chance.randint(1, amount_max)))
                for owner in owners
            ]
        )
        found += [answer for answer in answers if isinstance(answer, Popped)]
        if not await waiting(contexts[0]):
            return found
    raise AssertionError(f"something still waits after {ROUNDS_MAX} rounds")


async def test_no_job_is_handed_out_twice_and_none_is_lost(clock: Clock) -> None:
    chance = random.Random(1)
    wanted = {await asked(clock.ctx, await user(clock.ctx), n=n): n for n in chance.choices(range(1, 8), k=25)}
    owners = [await user(clock.ctx, f"Owner{i}") for i in range(12)]

    async with nodes(clock.ctx, 3) as contexts:
        found = await hammered(contexts, owners)

    job_ids = [job_id for popped in found for job_id in popped.job_ids]
    assert len(set(job_ids)) == len(job_ids) == sum(wanted.values())
    jobs = await look(clock.ctx, "SELECT * FROM jobs")
    assert {str(job["id"]) for job in jobs} == set(job_ids)
    assert Counter(str(job["request_id"]) for job in jobs) == wanted


async def test_one_image_goes_to_one_of_many_workers(clock: Clock) -> None:
    await asked(clock.ctx, await user(clock.ctx))
    owners = [await user(clock.ctx, f"Owner{i}") for i in range(16)]

    async with nodes(clock.ctx, 3) as contexts:
        answers = await asyncio.gather(
            *[pop(contexts[i % 3], owner, ask(owner.name)) for i, owner in enumerate(owners)]
        )

    assert sum(isinstance(answer, Popped) for answer in answers) == 1
    assert await one(clock.ctx, "SELECT count(*) FROM jobs") == 1


async def test_worker_that_pops_many_times_at_once_gets_other_jobs_each_time(clock: Clock) -> None:
    await asked(clock.ctx, await user(clock.ctx), n=12)
    owner = await user(clock.ctx, "Owner")

    async with nodes(clock.ctx, 2) as contexts:
        answers = await asyncio.gather(*[pop(ctx, owner, ask()) for ctx in contexts for _ in range(6)])

    job_ids = {answer.job_ids[0] for answer in answers if isinstance(answer, Popped)}
    assert len(job_ids) == 12


async def test_workers_that_swap_requests_do_not_wait_for_each_other_in_a_ring(clock: Clock) -> None:
    requestors = [await user(clock.ctx, f"Requestor{i}") for i in range(2)]
    owners = [await user(clock.ctx, f"Owner{i}") for i in range(2)]
    for requestor, owner in zip(requestors, owners, strict=True):
        await asked(clock.ctx, requestor, n=2)
        await popped(clock.ctx, owner, owner.name, first_users=(requestor.id,))

    # Each gives back a job of one request and takes one of the other.
    async with nodes(clock.ctx, 2) as contexts:
        answers = await asyncio.gather(
            *[
                pop(ctx, owner, ask(owner.name, held_jobs=frozenset(), first_users=(other.id,)))
                for ctx, owner, other in zip(contexts, owners, reversed(requestors), strict=True)
            ]
        )

    assert all(isinstance(answer, Popped) for answer in answers)


async def test_every_accepted_image_is_made_and_paid_although_workers_die(clock: Clock) -> None:
    requestors = [await user(clock.ctx, f"Requestor{i}", has=10_000) for i in range(3)]
    owners = {owner.id: owner for owner in [await user(clock.ctx, f"Owner{i}", has=0) for i in range(6)]}
    wanted = {await asked(clock.ctx, requestors[n % 3], n=n): n for n in (1, 2, 3, 4, 5, 6)}

    async with nodes(clock.ctx, 3) as contexts:
        for is_dying in (True, True, False):
            await hammered(contexts, list(owners.values()))
            lost = {job["request_id"]: job["id"] for job in await look(clock.ctx, LEASED)} if is_dying else {}
            await asyncio.gather(
                *[
                    delivered(contexts[i % 3], owners[job["user_id"]], str(job["id"]))
                    for i, job in enumerate(await look(clock.ctx, LEASED))
                    if job["id"] not in lost.values()
                ]
            )
            later = clock.move(minutes=3).now
            returned = await asyncio.gather(*[return_late_jobs(Context(ctx.services, later)) for ctx in contexts])
            assert sum(returned) == len(lost)

    made = await look(clock.ctx, "SELECT request_id FROM jobs WHERE state = 'done'")
    assert Counter(str(job["request_id"]) for job in made) == wanted
    assert sum([await earned(clock.ctx, owner) for owner in owners.values()]) == EARNED * sum(wanted.values())
    assert await sum_of_balances(clock.ctx) == 0
