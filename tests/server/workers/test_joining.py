"""Strangers cannot flood a horde with workers; among one's own machines there is no limit."""

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from horde.errors import (
    HordeError,
    PolymorphicNameConflict,
    TooManySameIPs,
    TooManyWorkers,
    TooManyWorkersTrusted,
    WorkerInviteOnly,
    WrongCredentials,
)
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.workers.joining import origin
from horde.server.workers.roster import Worker
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, change, nodes, one, user, worker

HERE, THERE = "203.0.114.7", "198.52.100.9"
"""Public addresses, of nobody in particular."""


def with_settings(ctx: Context, **changes: Any) -> Context:
    settings = msgspec.structs.replace(ctx.services.settings, **changes)
    return replace(ctx, services=replace(ctx.services, settings=settings))


async def joins(ctx: Context, owner: User, name: str, address: str = HERE) -> type[HordeError] | None:
    """Why the worker may not join, if it may not."""
    try:
        await worker(ctx, owner, name, address=address)
    except HordeError as refusal:
        return type(refusal)
    return None


async def invite(ctx: Context, owner: User, workers: int) -> None:
    await change(ctx, "UPDATE users SET worker_invited = $1 WHERE id = $2", workers=workers, user_id=owner.id)


async def made(ctx: Context) -> int:
    return int(await one(ctx, "SELECT count(*) FROM workers"))


async def test_untrusted_account_has_four_workers_however_many_addresses_it_has(clock: Clock) -> None:
    ada = await user(clock.ctx)
    await invite(clock.ctx, ada, 100)  # counts for trusted accounts only

    refusals = [await joins(clock.ctx, ada, f"W{at}", f"203.0.114.{at}") for at in range(1, 6)]

    assert refusals == [None] * 4 + [TooManyWorkers]
    assert await made(clock.ctx) == 4


@pytest.mark.parametrize(("invited", "may_have"), [(0, 21), (5, 21), (23, 23)])
async def test_trusted_account_has_more_and_what_it_is_invited_for(clock: Clock, invited: int, may_have: int) -> None:
    ada = await user(clock.ctx, is_trusted=True)
    await invite(clock.ctx, ada, invited)

    refusals = [await joins(clock.ctx, ada, f"W{at}", f"203.0.114.{at}") for at in range(may_have + 1)]

    assert refusals == [None] * may_have + [TooManyWorkersTrusted]


async def test_one_address_gives_four_workers_whoever_owns_them(clock: Clock) -> None:
    owners = [await user(clock.ctx, f"Owner{at}") for at in range(5)]
    for at, owner in enumerate(owners[:4]):
        assert await joins(clock.ctx, owner, f"W{at}") is None

    assert await joins(clock.ctx, owners[4], "W4") is TooManySameIPs
    assert await joins(clock.ctx, owners[4], "W4", THERE) is None
    assert await joins(clock.ctx, await user(clock.ctx, "Zoe", is_trusted=True), "W5") is None
    await invite(clock.ctx, owners[4], 6)
    assert await joins(clock.ctx, owners[4], "W6") is None


async def test_address_counts_where_the_worker_was_last(clock: Clock) -> None:
    owners = [await user(clock.ctx, f"Owner{at}") for at in range(5)]
    for at, owner in enumerate(owners[:4]):
        await worker(clock.ctx, owner, f"W{at}", address=HERE)
    assert await joins(clock.ctx, owners[4], "W4") is TooManySameIPs

    await worker(clock.move(minutes=1), owners[0], "W0", address=THERE)

    assert await joins(clock.ctx, owners[4], "W4") is None


async def test_site_of_ipv6_counts_as_one_address(clock: Clock) -> None:
    owners = [await user(clock.ctx, f"Owner{at}") for at in range(5)]

    refusals = [await joins(clock.ctx, owner, owner.name, f"2606:4700:1:2::{owner.id:x}") for owner in owners]

    assert refusals == [None] * 4 + [TooManySameIPs]


@pytest.mark.parametrize("address", ["", "127.0.0.1", "::1", "192.168.1.20", "10.1.2.3", "fd00::7", "fe80::1%eth0"])
async def test_own_network_knows_no_limit(clock: Clock, address: str) -> None:
    ada = await user(clock.ctx)

    assert [await joins(clock.ctx, ada, f"W{at}", address) for at in range(6)] == [None] * 6
    assert await one(clock.ctx, "SELECT DISTINCT address FROM workers") == ""


async def test_anonymous_account_is_everybodys_and_counts_by_address_alone(clock: Clock) -> None:
    nobody = await anonymous(clock.ctx)

    assert [await joins(clock.ctx, nobody, f"W{at}", f"203.0.114.{at}") for at in range(6)] == [None] * 6
    assert [await joins(clock.ctx, nobody, f"X{at}") for at in range(5)] == [None] * 4 + [TooManySameIPs]


async def test_worker_that_is_there_already_is_never_refused_for_its_number(clock: Clock) -> None:
    ada = await user(clock.ctx)
    for at in range(6):
        await worker(clock.ctx, ada, f"W{at}")

    assert [await joins(clock.move(minutes=1), ada, f"W{at}") for at in range(6)] == [None] * 6


async def test_new_worker_needs_an_invitation_where_only_they_may_join(clock: Clock) -> None:
    ctx = with_settings(clock.ctx, invite_only=True)
    ada = await user(ctx, is_trusted=True)

    assert await joins(ctx, ada, "Atlas", "127.0.0.1") is WorkerInviteOnly
    await invite(ctx, ada, 2)
    assert [await joins(ctx, ada, name, "127.0.0.1") for name in ("Atlas", "Zeus", "Hera")] == [
        None, None, WorkerInviteOnly
    ]  # fmt: skip


async def test_operator_sets_the_limits(clock: Clock) -> None:
    ctx = with_settings(clock.ctx, workers_max=1, workers_max_trusted=2)
    ada, bob = await user(ctx, "Ada"), await user(ctx, "Bob", is_trusted=True)

    assert [await joins(ctx, ada, f"A{at}", f"203.0.114.{at}") for at in range(2)] == [None, TooManyWorkers]
    assert [await joins(ctx, bob, f"B{at}", f"203.0.114.{at + 9}") for at in range(3)] == [
        None, None, TooManyWorkersTrusted
    ]  # fmt: skip


async def test_refusals_come_in_the_order_of_the_contract(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada"), await user(clock.ctx, "Bob")
    for at in range(4):
        await worker(clock.ctx, ada, f"W{at}", address=HERE)
    await worker(clock.ctx, bob, "Text", kind="text")

    async def refused(name: str, owner: User, models: tuple[str, ...] = ()) -> type[HordeError] | None:
        try:
            await worker(clock.ctx, owner, name, address=HERE, models=models)
        except HordeError as refusal:
            return type(refusal)
        return None

    assert await refused("Text", ada) is PolymorphicNameConflict
    assert await refused("New", ada) is TooManyWorkers  # before: it names no model
    assert await refused("New", bob) is TooManySameIPs
    assert await refused("W0", bob) is WrongCredentials


async def test_those_who_join_at_once_do_not_slip_past_the_limit(clock: Clock) -> None:
    ada = await user(clock.ctx)

    async with nodes(clock.ctx, 3) as contexts:
        found = await asyncio.gather(
            *[
                worker(ctx, ada, f"W{at}{number}", address=f"203.0.114.1{at}{number}")
                for at in range(4)
                for number, ctx in enumerate(contexts)
            ],
            return_exceptions=True,
        )

    assert sum(isinstance(outcome, Worker) for outcome in found) == 4
    assert sum(isinstance(outcome, TooManyWorkers) for outcome in found) == 8
    assert await made(clock.ctx) == 4


async def test_same_new_worker_on_two_nodes_at_once_joins_once(clock: Clock) -> None:
    ctx = with_settings(clock.ctx, workers_max=1)
    ada = await user(ctx)

    async with nodes(ctx, 3) as contexts:
        found = await asyncio.gather(*[worker(at, ada, "Atlas", address=HERE) for at in contexts])

    assert len({found_worker.id for found_worker in found}) == 1


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("203.0.114.7", "203.0.114.7"),
        ("::ffff:203.0.114.7", "203.0.114.7"),
        ("2606:4700:1:2:3:4:5:6", "2606:4700:1:2::/64"),
        ("100.64.0.1", ""),
        ("testclient", ""),
        ("unix:", ""),
    ],
)
def test_no_more_of_an_address_is_kept_than_the_limits_need(address: str, kept: str) -> None:
    assert origin(address) == kept
