"""A worker is changed by its owner, by moderators and by the operator, and by nobody else."""

from dataclasses import replace

import pytest

from horde.errors import (
    AnonForbiddenWorker,
    BadInput,
    HordeError,
    NotModerator,
    NotOwner,
    NoWorkerModSelected,
    WorkerMaintenance,
    WorkerNameAlreadyExists,
    WorkerNotFound,
)
from horde.server.accounts.users import User
from horde.server.workers.modify import Changes, change, modify
from horde.server.workers.online import online
from horde.server.workers.roster import Worker
from tests.plugins.hordes import Clock
from tests.server.builders import (
    anonymous,
    asked,
    everything,
    leased,
    popped,
    seldom_looking,
    user,
    worker,
)

ON, OFF = Changes(is_in_maintenance=True), Changes(is_in_maintenance=False)
EVERY_CHANGE = (ON, OFF, Changes(is_paused=True), Changes(info="mine"), Changes(name="Zeus"))


@pytest.fixture
async def ada(clock: Clock) -> User:
    """Who owns a worker."""
    return await user(clock.ctx, "Ada")


@pytest.fixture
async def atlas(clock: Clock, ada: User) -> Worker:
    """The worker."""
    return await worker(clock.ctx, ada)


async def test_owner_takes_the_worker_into_maintenance_and_out_again(clock: Clock, ada: User, atlas: Worker) -> None:
    await asked(clock.ctx, await user(clock.ctx, "Bob"))

    await modify(clock.ctx, ada, str(atlas.id), replace(ON, maintenance_message=" new <GPU> "))
    with pytest.raises(WorkerMaintenance, match=r"^new &lt;GPU&gt;$"):
        await popped(clock.ctx, ada)
    await modify(clock.ctx, ada, str(atlas.id), replace(OFF, maintenance_message="ready"))

    await leased(clock.ctx, ada)
    await modify(clock.ctx, ada, str(atlas.id), ON)
    with pytest.raises(WorkerMaintenance, match="maintenance mode by its owner"):
        await popped(clock.ctx, ada)


async def test_process_that_changed_a_worker_knows_it_at_once(clock: Clock, ada: User, atlas: Worker) -> None:
    ctx = seldom_looking(clock.ctx)
    await online(ctx)

    await modify(ctx, ada, str(atlas.id), Changes(is_in_maintenance=True, info="mine", name="Zeus"))

    now_online = await online(ctx)
    [found] = now_online.workers()
    assert (found.name, found.info, found.is_in_maintenance) == ("Zeus", "mine", True)
    assert now_online.named("Atlas") is None


@pytest.mark.parametrize("changes", EVERY_CHANGE)
async def test_moderator_changes_everything(clock: Clock, atlas: Worker, changes: Changes) -> None:
    moderator = await user(clock.ctx, "Mod", is_moderator=True)

    found = await modify(clock.ctx, moderator, str(atlas.id), changes)

    expected = {
        name: value for name in ("is_in_maintenance", "is_paused", "info", "name")
        if (value := getattr(changes, name)) is not None
    }  # fmt: skip
    assert {name: getattr(found, name) for name in expected} == expected
    assert replace(found, **expected) == replace(atlas, **expected, changed_at=found.changed_at)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (ON, NotOwner),
        (OFF, NotOwner),
        (Changes(info="mine"), NotOwner),
        (Changes(name="Zeus"), NotModerator),
        (Changes(is_paused=False), NotModerator),
        (Changes(), NoWorkerModSelected),
        (Changes(maintenance_message="x"), NoWorkerModSelected),
    ],
)
async def test_other_people_change_nothing(
    clock: Clock, atlas: Worker, changes: Changes, error: type[HordeError]
) -> None:
    bob = await user(clock.ctx, "Bob", is_trusted=True)
    before = await everything(clock.ctx)

    with pytest.raises(error):
        await modify(clock.ctx, bob, str(atlas.id), changes)

    assert await everything(clock.ctx) == before


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (Changes(is_paused=False, info="x"), NotModerator),
        (Changes(name=" \n"), BadInput),
        (Changes(name=" Zeus ", info="x"), WorkerNameAlreadyExists),
    ],
)
async def test_owner_may_not_do_everything(
    clock: Clock, ada: User, atlas: Worker, changes: Changes, error: type[HordeError]
) -> None:
    await worker(clock.ctx, ada, "Zeus")
    before = await everything(clock.ctx)

    with pytest.raises(error):
        await modify(clock.ctx, ada, str(atlas.id), changes)

    assert await everything(clock.ctx) == before


async def test_worker_may_be_given_the_name_that_it_has(clock: Clock, ada: User, atlas: Worker) -> None:
    assert (await modify(clock.ctx, ada, str(atlas.id), Changes(name=" Atlas "))).name == "Atlas"


async def test_what_is_said_of_a_worker_can_be_taken_back(clock: Clock, ada: User, atlas: Worker) -> None:
    seen = [(await modify(clock.ctx, ada, str(atlas.id), Changes(info=info))).info for info in (" <b>my</b> ", " ")]

    assert seen == ["&lt;b&gt;my&lt;/b&gt;", None]


async def test_nobody_changes_workers_with_the_anonymous_key(clock: Clock) -> None:
    nobody = await anonymous(clock.ctx)
    nemo = await worker(clock.ctx, nobody, "Nemo")

    with pytest.raises(AnonForbiddenWorker, match="anonymous account may not change workers"):
        await modify(clock.ctx, nobody, str(nemo.id), OFF)

    assert not (await change(clock.ctx, nemo.id, OFF)).is_in_maintenance  # the operator may


@pytest.mark.parametrize("worker_id", ["nobody", "00000000-0000-0000-0000-000000000000"])
async def test_unknown_worker_is_not_found(clock: Clock, ada: User, worker_id: str) -> None:
    with pytest.raises(WorkerNotFound):
        await modify(clock.ctx, ada, worker_id, ON)


async def test_worker_that_is_away_is_changed_and_stays_away(clock: Clock, ada: User, atlas: Worker) -> None:
    ctx = clock.move(hours=1)

    found = await modify(ctx, ada, str(atlas.id), ON)

    assert (found.is_in_maintenance, found.is_online(ctx.now)) == (True, False)
    assert (await online(ctx)).workers() == []
