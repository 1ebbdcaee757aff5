"""Addresses are kept out for a time, and only they."""

import asyncio
from datetime import timedelta

import pytest

from horde.errors import BadInput
from horde.errors.moderation import TimeoutIP
from horde.server.context import Context
from horde.server.moderation.blocks import (
    block,
    blocks,
    blocks_around,
    forget_old_blocks,
    kept_out_for,
    network_of_worker,
    refuse_blocked,
    time_out,
    unblock,
)
from horde.server.moderation.networks import address, network
from tests.plugins.hordes import Clock
from tests.server.builders import nodes, one, seldom_looking

HOUR = timedelta(hours=1)


async def is_kept_out(ctx: Context, where: str) -> bool:
    return await kept_out_for(ctx, where) is not None


async def test_block_holds_for_its_time_and_no_longer(clock: Clock) -> None:
    await block(clock.ctx, network("192.0.2.0/24"), HOUR)

    assert await kept_out_for(clock.ctx, "192.0.2.200") == HOUR
    assert not await is_kept_out(clock.ctx, "192.0.3.1")
    assert not await is_kept_out(clock.ctx, "")
    with pytest.raises(TimeoutIP, match=r"192\.0\.2\.200 is kept out for another 3600 seconds"):
        await refuse_blocked(clock.ctx, "192.0.2.200")
    assert not await is_kept_out(clock.move(hours=1), "192.0.2.200")


async def test_later_block_of_the_same_network_counts(clock: Clock) -> None:
    await block(clock.ctx, network("192.0.2.7"), 3 * HOUR)
    await block(clock.ctx, network("192.0.2.7"), HOUR)

    assert [found.ends_at for found in await blocks(clock.ctx)] == [clock.now + HOUR]


async def test_lifted_block_lets_in_again_timeout_included(clock: Clock) -> None:
    await block(clock.ctx, network("8.8.8.8"), HOUR)
    await time_out(clock.ctx, "8.8.8.8")

    assert await unblock(clock.ctx, network("8.8.8.8"))
    assert not await is_kept_out(clock.ctx, "8.8.8.8")
    assert not await unblock(clock.ctx, network("8.8.8.8"))


async def test_timeouts_grow_with_what_was_refused_within_a_day(clock: Clock) -> None:
    minutes = []
    for _ in range(3):
        lasting = await time_out(clock.ctx, "8.8.8.8")
        minutes.append(lasting and lasting.total_seconds() / 60)
        clock.move(hours=1)
    clock.move(hours=24)
    later = await time_out(clock.ctx, "8.8.8.8")

    assert minutes == [3, 9, 15]
    assert later == timedelta(minutes=3)


async def test_timeouts_at_the_same_moment_are_counted_one_by_one(clock: Clock) -> None:
    async with nodes(clock.ctx, 2) as both:
        lasting = await asyncio.gather(*[time_out(node, "8.8.8.8") for node in both])

    assert {found and found.total_seconds() / 60 for found in lasting} == {3, 9}


async def test_timeout_of_ipv6_is_for_its_64(clock: Clock) -> None:
    await time_out(clock.ctx, "2001:4860:4860::8888")

    assert await is_kept_out(clock.ctx, "2001:4860:4860::1")
    assert not await is_kept_out(clock.ctx, "2001:4860:4861::1")


@pytest.mark.parametrize("where", ["", "127.0.0.1", "192.168.1.7", "fd00::1", "testclient"])
async def test_addresses_that_many_share_have_no_timeout(clock: Clock, where: str) -> None:
    assert await time_out(clock.ctx, where) is None
    assert not await is_kept_out(clock.ctx, where)


async def test_list_holds_blocks_and_an_address_has_its_timeout_too(clock: Clock) -> None:
    await block(clock.ctx, network("8.8.0.0/16"), HOUR)
    await time_out(clock.ctx, "8.8.8.8")

    assert [str(found.network) for found in await blocks(clock.ctx)] == ["8.8.0.0/16"]
    around = await blocks_around(clock.ctx, address("8.8.8.8"))
    assert {(str(found.network), found.is_timeout) for found in around} == {("8.8.0.0/16", False), ("8.8.8.8/32", True)}


async def test_process_that_blocks_goes_by_it_at_once_and_others_when_they_look(clock: Clock) -> None:
    async with nodes(clock.ctx, 2) as (here, there):
        remembering = seldom_looking(here)
        assert not await is_kept_out(remembering, "192.0.2.7")
        assert not await is_kept_out(there, "192.0.2.7")

        await block(remembering, network("192.0.2.7"), HOUR)

        assert await is_kept_out(remembering, "192.0.2.7")
        assert await is_kept_out(there, "192.0.2.7")


async def test_all_who_ask_at_once_wait_for_one_look(clock: Clock) -> None:
    ctx = seldom_looking(clock.ctx)
    await is_kept_out(ctx, "192.0.2.7")
    await block(ctx, network("192.0.2.7"), HOUR)

    assert all(await asyncio.gather(*[is_kept_out(ctx, "192.0.2.7") for _ in range(50)]))


async def test_what_is_over_is_forgotten(clock: Clock) -> None:
    await block(clock.ctx, network("192.0.2.7"), HOUR)
    await time_out(clock.ctx, "8.8.8.8")
    assert await forget_old_blocks(clock.ctx) == 0

    assert await forget_old_blocks(clock.move(hours=25)) == 3
    for table in ("address_blocks", "corrupt_prompts"):
        assert await one(clock.ctx, f"SELECT count(*) FROM {table}") == 0


@pytest.mark.parametrize(
    ("origin", "blocked"), [("8.8.8.8", "8.8.8.8/32"), ("2001:4860:4860::/64", "2001:4860:4860::/64")]
)
def test_worker_is_blocked_by_where_it_comes_from(origin: str, blocked: str) -> None:
    assert str(network_of_worker(origin)) == blocked


def test_worker_from_nowhere_cannot_be_blocked() -> None:
    with pytest.raises(BadInput, match="not known"):
        network_of_worker("")
