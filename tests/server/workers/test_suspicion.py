"""What speaks against a worker, and what follows."""

from typing import Any

import pytest

from horde.kinds.image import KIND
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.workers.modify import Changes
from horde.server.workers.modify import change as change_worker
from horde.server.workers.record import count_uncompleted
from horde.server.workers.roster import Worker
from horde.server.workers.suspicion import SIZES_BELIEVED, Suspect, suspect_workers
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, asked, delivered, leased, look, one, user, worker

TOO_LARGE = {"pixels": SIZES_BELIEVED["pixels"] + 1}


async def points(ctx: Context, of: Worker) -> int:
    sql = "SELECT coalesce(sum(points), 0)::integer FROM worker_suspicions WHERE worker_id = $1"
    return int(await one(ctx, sql, id=of.id))


async def suspicion(ctx: Context, of: User) -> int:
    return int(await one(ctx, "SELECT suspicion FROM users WHERE id = $1", id=of.id))


async def is_paused(ctx: Context, found: Worker) -> bool:
    return bool(await one(ctx, "SELECT is_paused FROM workers WHERE id = $1", id=found.id))


async def fails_too_often(ctx: Context, *workers: Worker) -> None:
    failures = [one.id for one in workers for _ in range(KIND.aborted_max + 1)]
    async with ctx.database.transaction() as tx:
        await count_uncompleted(tx, failures, failures, now=ctx.now)


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("x" * 100, {}, 0),
        ("x" * 101, {}, 1),
        ("x" * 201, {}, 2),
        ("x", {"sizes": {"pixels": SIZES_BELIEVED["pixels"]}}, 0),
        ("x", {"sizes": TOO_LARGE}, 1),
        ("x" * 201, {"sizes": TOO_LARGE}, 3),
    ],
)
async def test_what_cannot_be_true_speaks_against_a_worker_and_its_owner_once(
    clock: Clock, name: str, changes: dict[str, Any], expected: int
) -> None:
    ada = await user(clock.ctx)
    found = await worker(clock.ctx, ada, name, **changes)
    await worker(clock.move(minutes=1), ada, name, **changes)

    assert await points(clock.ctx, found) == expected
    assert await suspicion(clock.ctx, ada) == expected
    assert not await is_paused(clock.ctx, found)


async def test_reason_counts_once_for_an_account_with_several_workers(clock: Clock) -> None:
    ada = await user(clock.ctx)

    for name in ("one", "two"):
        assert await points(clock.ctx, await worker(clock.ctx, ada, name, sizes=TOO_LARGE)) == 1

    assert await suspicion(clock.ctx, ada) == 1


async def test_trusted_and_anonymous_accounts_are_not_suspected_for_their_offers(clock: Clock) -> None:
    for place, owner in enumerate((await user(clock.ctx, is_trusted=True), await anonymous(clock.ctx))):
        found = await worker(clock.ctx, owner, f"{place}", sizes=TOO_LARGE)

        assert (await points(clock.ctx, found), await suspicion(clock.ctx, owner)) == (0, 0)


async def test_worker_that_fails_again_and_again_is_paused_in_the_end(clock: Clock) -> None:
    ada = await user(clock.ctx)
    found, other = await worker(clock.ctx, ada), await worker(clock.ctx, ada, "Other", sizes=TOO_LARGE)
    seen = []
    for _ in range(5):
        await fails_too_often(clock.ctx, found)
        seen.append(await is_paused(clock.ctx, found))

    assert seen == [False, False, False, False, True]
    assert (await points(clock.ctx, found), await suspicion(clock.ctx, ada)) == (5, 6)
    assert not await is_paused(clock.ctx, other)


async def test_points_of_several_reasons_add_up(clock: Clock) -> None:
    ada = await user(clock.ctx)
    found = await worker(clock.ctx, ada, "x" * 201, sizes=TOO_LARGE)

    await fails_too_often(clock.ctx, found)
    assert not await is_paused(clock.ctx, found)
    await fails_too_often(clock.ctx, found)
    assert await is_paused(clock.ctx, found)


async def test_worker_of_a_trusted_account_is_never_paused_for_it(clock: Clock) -> None:
    found = await worker(clock.ctx, await user(clock.ctx, is_trusted=True))

    for _ in range(6):
        await fails_too_often(clock.ctx, found)

    assert not await is_paused(clock.ctx, found)


async def serves(clock: Clock, owner: User, address: str, seconds: float) -> Worker:
    """A job of 13.1 million pixelsteps, done in so many seconds."""
    found = await worker(clock.ctx, owner, address=address)
    await asked(clock.ctx, await user(clock.ctx, "Bob"))
    job_id = await leased(clock.ctx, owner, address=address)
    await delivered(clock.move(seconds=seconds), owner, job_id)
    return found


@pytest.mark.parametrize(
    ("address", "seconds", "is_trusted", "expected"),
    [("8.8.8.8", 0.6, False, 1), ("8.8.8.8", 0.7, False, 0), ("8.8.8.8", 0.6, True, 0), ("192.168.1.7", 0.6, False, 0)],
)
async def test_stranger_who_is_faster_than_can_be_is_suspected(
    clock: Clock, address: str, seconds: float, is_trusted: bool, expected: int
) -> None:
    ada = await user(clock.ctx, is_trusted=is_trusted)

    found = await serves(clock, ada, address, seconds)

    assert (await points(clock.ctx, found), await suspicion(clock.ctx, ada)) == (expected, expected)


async def test_each_job_that_is_too_fast_counts_until_the_worker_is_paused(clock: Clock) -> None:
    ada = await user(clock.ctx)
    served = [await serves(clock, ada, "8.8.8.8", 0.1) for _ in range(5)]

    assert await points(clock.ctx, served[-1]) == 5
    assert await is_paused(clock.ctx, served[-1])


async def test_worker_that_a_moderator_lets_go_on_begins_anew(clock: Clock) -> None:
    found = await worker(clock.ctx, await user(clock.ctx))
    for _ in range(5):
        await fails_too_often(clock.ctx, found)

    await change_worker(clock.ctx, found.id, Changes(is_paused=False))
    await fails_too_often(clock.ctx, found)

    assert not await is_paused(clock.ctx, found)
    assert await points(clock.ctx, found) == 1


async def test_reasons_against_many_at_once_are_each_counted(clock: Clock) -> None:
    ada, bob = await user(clock.ctx), await user(clock.ctx, "Bob")
    workers = [await worker(clock.ctx, owner, f"{place}") for place, owner in enumerate((ada, bob, ada))]

    async with clock.ctx.database.transaction() as tx:
        await suspect_workers(
            tx, [Suspect(worker_id=found.id, owner_id=found.user_id, reason="extreme size") for found in workers] * 2
        )

    assert [row["points"] for row in await look(clock.ctx, "SELECT points FROM worker_suspicions")] == [1, 1, 1]
    assert (await suspicion(clock.ctx, ada), await suspicion(clock.ctx, bob)) == (1, 1)
