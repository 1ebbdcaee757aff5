"""Who is online, and whether one of them could serve."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from horde.errors import WorkerNotFound
from horde.kinds.base import Needs
from horde.server.context import Context
from horde.server.workers.read import can_be_served, workers_online
from horde.server.workers.read import worker as read_worker
from horde.server.workers.roster import unknown_among, workers_of_all
from tests.plugins.hordes import Clock
from tests.server.builders import change, user, worker


async def names(ctx: Context, *, kind: str | None = None, name: str | None = None) -> list[str]:
    return [found.name for found in await workers_online(ctx, kind=kind, name=name)]


async def test_worker_is_online_for_five_minutes_after_its_check_in(clock: Clock) -> None:
    atlas = await worker(clock.ctx, await user(clock.ctx), "Atlas")

    assert await names(clock.move(seconds=300)) == ["Atlas"]
    assert atlas.is_online(clock.now)
    assert await names(clock.move(seconds=0.001)) == []
    assert not atlas.is_online(clock.now)


async def test_workers_are_found_by_kind_or_by_name_in_any_case(clock: Clock) -> None:
    ada = await user(clock.ctx)
    for name, kind in (("Zeus", "image"), ("Atlas", "image"), ("Hera", "text")):
        await worker(clock.ctx, ada, name, kind=kind)

    assert await names(clock.ctx) == ["Atlas", "Hera", "Zeus"]
    assert await names(clock.ctx, kind="image") == ["Atlas", "Zeus"]
    assert await names(clock.ctx, name="hERA", kind="image") == ["Hera"]
    assert await names(clock.ctx, name="Her") == []


async def test_worker_can_be_read_when_it_is_gone(clock: Clock) -> None:
    atlas = await worker(clock.ctx, await user(clock.ctx), "Atlas")

    found = await read_worker(clock.move(days=300), str(atlas.id))
    assert replace(found, changed_at=atlas.changed_at) == atlas


async def test_worker_that_nobody_knows_is_not_found(clock: Clock) -> None:
    for worker_id in ("", "Atlas", str(UUID(int=0))):
        with pytest.raises(WorkerNotFound):
            await read_worker(clock.ctx, worker_id)


async def test_ids_that_no_worker_has_are_told_apart(clock: Clock) -> None:
    ada = await user(clock.ctx)
    atlas, stranger = await worker(clock.ctx, ada), uuid4()

    async with clock.ctx.database.transaction() as tx:
        assert await unknown_among(tx, [atlas.id, stranger]) == [stranger]
        assert await unknown_among(tx, []) == []
        assert await workers_of_all(tx, [ada.id]) == {ada.id: [atlas.id]}


async def test_request_can_be_served_by_whoever_is_online_and_meets_its_needs(clock: Clock) -> None:
    ada = await user(clock.ctx)
    await worker(clock.ctx, ada, models=("one",))

    assert await can_be_served(clock.ctx, Needs(kind="image", models=("one", "two")), owner_id=0)
    assert not await can_be_served(clock.ctx, Needs(kind="image", models=("two",)), owner_id=0)
    assert not await can_be_served(clock.ctx, Needs(kind="text", models=("one",)), owner_id=0)
    assert not await can_be_served(clock.move(minutes=6), Needs(kind="image", models=("one",)), owner_id=0)


async def test_worker_in_maintenance_can_serve_its_owner_alone(clock: Clock) -> None:
    ada = await user(clock.ctx)
    await worker(clock.ctx, ada)
    await change(clock.ctx, "UPDATE workers SET is_in_maintenance = true")

    assert await can_be_served(clock.ctx, Needs(kind="image"), owner_id=ada.id)
    assert not await can_be_served(clock.ctx, Needs(kind="image"), owner_id=0)
