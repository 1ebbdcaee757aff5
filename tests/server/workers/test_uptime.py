"""A worker is paid for being there, once for each ten minutes, and only while it is there for everybody."""

import asyncio
from typing import Any

import pytest

from horde.server.accounts.users import User
from horde.units import kudos
from tests.plugins.hordes import Clock
from tests.server.agreement import books_agree
from tests.server.builders import anonymous, change, earned, look, nodes, one, purse, user, worker

ONE_MODEL = kudos(52)


async def stays(clock: Clock, owner: User, *, minutes: float, every_s: int = 60, **said: Any) -> None:
    """A worker checks in again and again."""
    await worker(clock.ctx, owner, **said)
    for _ in range(round(minutes * 60 / every_s)):
        await worker(clock.move(seconds=every_s), owner, **said)


@pytest.mark.parametrize(("minutes", "times"), [(10, 0), (11, 1), (21, 1), (22, 2), (55, 5)])
async def test_each_time_that_ten_minutes_are_exceeded_is_paid(clock: Clock, minutes: int, times: int) -> None:
    bob = await user(clock.ctx, "Bob", has=0)

    await stays(clock, bob, minutes=minutes)

    assert await earned(clock.ctx, bob) == times * ONE_MODEL
    assert await one(clock.ctx, "SELECT uptime_mk FROM workers") == times * ONE_MODEL
    await books_agree(clock.ctx)


@pytest.mark.parametrize(
    ("said", "reward"),
    [({"models": ("a", "b", "c")}, 56), ({"features": ["lora"]}, 82), ({"features": ["img2img"]}, 52)],
)
async def test_reward_grows_with_models_and_loras(clock: Clock, said: dict[str, Any], reward: int) -> None:
    bob = await user(clock.ctx, "Bob", has=0)

    await stays(clock, bob, minutes=11, **said)

    assert await earned(clock.ctx, bob) == kudos(reward)


async def test_all_of_it_goes_into_escrow_until_the_owner_is_trusted(clock: Clock) -> None:
    bob, eve = await user(clock.ctx, "Bob", has=0), await user(clock.ctx, "Eve", has=0, is_trusted=True)
    nobody = await anonymous(clock.ctx)

    for owner, name in ((bob, "Atlas"), (eve, "Zeus"), (nobody, "Nemo")):
        await stays(clock, owner, minutes=11, name=name)

    assert [(await purse(clock.ctx, owner)).escrow_mk for owner in (bob, eve, nobody)] == [ONE_MODEL, 0, 0]
    assert [await earned(clock.ctx, owner) for owner in (bob, eve)] == [ONE_MODEL] * 2
    assert (await purse(clock.ctx, nobody)).spendable_mk == ONE_MODEL


async def test_worker_that_was_away_starts_anew(clock: Clock) -> None:
    bob = await user(clock.ctx, "Bob", has=0)

    await stays(clock, bob, minutes=9)
    await worker(clock.move(minutes=6), bob)
    await stays(clock, bob, minutes=9)

    assert await earned(clock.ctx, bob) == 0


@pytest.mark.parametrize("switch", ["is_in_maintenance", "is_paused"])
async def test_worker_that_serves_its_owner_alone_is_not_paid(clock: Clock, switch: str) -> None:
    bob = await user(clock.ctx, "Bob", has=0)
    await worker(clock.ctx, bob)
    await change(clock.ctx, f"UPDATE workers SET {switch} = true")

    await stays(clock, bob, minutes=30)

    assert await earned(clock.ctx, bob) == 0


async def test_check_ins_of_one_worker_at_once_on_two_nodes_are_paid_once(clock: Clock) -> None:
    bob = await user(clock.ctx, "Bob", has=0)
    await stays(clock, bob, minutes=10)
    clock.move(seconds=60)

    async with nodes(clock.ctx, 2) as contexts:
        await asyncio.gather(*[worker(ctx, bob, threads=threads) for threads in (1, 2, 3, 4) for ctx in contexts])

    assert await earned(clock.ctx, bob) == ONE_MODEL
    assert len(await look(clock.ctx, "SELECT FROM ledger_events WHERE kind = 'uptime'")) == 1
