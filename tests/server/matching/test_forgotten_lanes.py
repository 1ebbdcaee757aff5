"""A process forgets lanes in which nothing waits, and knows them again when somebody comes back to them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec.structs import replace as replaced

from horde.server.db.notify import Work
from horde.server.matching.lanes import ANY_RANK, EMPTY_FOR, FORGOTTEN_MAX, SPARE_DEMANDS, Lanes
from horde.server.requests.cancel import cancel
from horde.server.requests.read import progress
from horde.server.requests.survey import survey
from tests.kinds.any_offer import able
from tests.plugins.hordes import Clock
from tests.server.builders import (
    asked,
    change,
    delivered,
    idle,
    leased,
    look,
    nodes,
    popped,
    seldom_looking,
    user,
    worker,
)
from tests.server.matching.some_lanes import NEEDS, OTHERS, interned, open_to, remembered

START = datetime(2030, 1, 1, tzinfo=UTC)


def known(lanes: Lanes) -> list[int]:
    return [lane.id for lane in lanes.all()]


def seen_empty(lanes: Lanes, *lane_ids: int) -> None:
    for lane in (lanes.get(lane_id) for lane_id in lane_ids):
        if lane is not None:
            lane.was_seen(None, at_changes=lane.changes)


def test_lane_is_forgotten_when_nothing_waited_in_it_for_long() -> None:
    lanes = remembered(NEEDS, OTHERS)
    for moment in (START, START + EMPTY_FOR - timedelta(seconds=1)):
        seen_empty(lanes, 1)
        lanes.forget_empty(moment)
        assert known(lanes) == [1, 2]

    lanes.forget_empty(START + EMPTY_FOR)

    assert known(lanes) == [2]
    assert lanes.get(1) is None
    assert not lanes.knows(NEEDS)
    assert lanes.sharing_models("image", frozenset(NEEDS.models)) == []


def test_lane_in_which_something_waited_meanwhile_is_not_forgotten() -> None:
    lanes = remembered(NEEDS)
    seen_empty(lanes, 1)
    lanes.forget_empty(START)
    lanes.hear([Work(1, 5, 1)])
    seen_empty(lanes, 1)

    lanes.forget_empty(START + EMPTY_FOR)
    assert known(lanes) == [1]
    lanes.forget_empty(START + 2 * EMPTY_FOR)
    assert known(lanes) == []


def test_who_still_holds_a_forgotten_lane_does_not_bring_it_back() -> None:
    lanes, offer = remembered(NEEDS, replaced(NEEDS, sizes=())), able(NEEDS)
    lane = lanes.of(NEEDS)
    seen_empty(lanes, 1)
    for moment in (START, START + EMPTY_FOR):
        lanes.forget_empty(moment)

    lane.gains(5)
    assert open_to(lanes, offer) == {2}
    lanes.add(1, NEEDS)
    lane.was_seen(ANY_RANK, at_changes=lane.changes)

    assert lanes.of(NEEDS) in lanes.waiting_for(lanes.match(offer), offer)
    assert lane not in lanes.waiting_for(lanes.match(offer), offer)


def test_old_lane_that_is_forgotten_leaves_the_one_that_was_made_in_its_place() -> None:
    lanes = remembered(NEEDS, NEEDS)
    for moment in (START, START + EMPTY_FOR):
        seen_empty(lanes, 1)
        lanes.forget_empty(moment)

    assert lanes.of(NEEDS).id == 2
    assert open_to(lanes, able(NEEDS)) == {2}


def test_nothing_of_many_forgotten_lanes_stays_and_offers_are_looked_at_rightly() -> None:
    worker_id = str(UUID(int=7))
    demands = [replaced(NEEDS, sizes=(("pixels", size),), models=(f"model {size}",)) for size in range(1, 2001)]
    lists = [replaced(NEEDS, workers=(worker_id, str(UUID(int=number)))) for number in range(10, 510)]
    barred = [replaced(found, worker_blacklist=True) for found in lists]
    lanes = remembered(NEEDS, *demands, *lists, *barred)
    offer = replace(able(demands[99]), worker_id=worker_id, models=frozenset(["model 50", "model 100", "model 1500"]))
    match = lanes.match(offer)
    assert open_to(lanes, offer) == {51, 101}

    seen_empty(lanes, *range(1, 4001))
    moments = [START, *[START + EMPTY_FOR] * (3001 // FORGOTTEN_MAX + 1)]
    for moment in moments:
        lanes.forget_empty(moment)
    assert known(lanes) == []
    held = {name: len(found) for name, found in vars(lanes).items() if isinstance(found, dict)}
    assert max(held.values()) <= SPARE_DEMANDS, held

    # What comes now has the numbers of what was found out about the offer.
    late = [replaced(needs, models=("model 50",)) for needs in demands[1400:1600]]
    for lane_id, needs in enumerate([*late, demands[49], demands[99]], 5001):
        lanes.add(lane_id, needs)
    assert lanes.match(offer) is match
    assert open_to(lanes, offer) == {5201, 5202}


async def test_node_forgets_what_stands_empty_and_serves_who_comes_back(clock: Clock) -> None:
    ctx, ada = clock.ctx, await user(clock.ctx, has=10**6)
    wanted = [replaced(NEEDS, models=(f"model {number}",)) for number in range(FORGOTTEN_MAX + 5)]
    await interned(ctx, *wanted)
    kept = await asked(ctx, ada, models=("kept",))
    first = await asked(ctx, ada, models=("left",))
    await popped(ctx, ada, models=("left",))
    lanes = ctx.remembered(Lanes)
    assert len(lanes.all()) == len(wanted) + 2

    await survey(ctx)
    clock.move(seconds=EMPTY_FOR.total_seconds())
    await survey(clock.ctx)
    assert len(lanes.all()) == 6 + 1
    await survey(clock.ctx)

    [lane] = lanes.all()
    assert lane.needs.models == ("kept",)
    assert (await progress(clock.ctx, first, kind="image")).is_possible
    again = await asked(clock.ctx, ada, models=("left",))
    await popped(clock.ctx, ada, models=("left",))
    await popped(clock.ctx, ada, models=("kept",))
    jobs = await look(clock.ctx, "SELECT request_id::text AS id FROM jobs ORDER BY leased_at, id")
    assert {job["id"] for job in jobs} == {first, again, kept}


async def test_finished_request_in_a_forgotten_lane_is_shown_as_before(clock: Clock) -> None:
    ada = await user(clock.ctx)
    request_id = await asked(clock.ctx, ada)
    await delivered(clock.ctx, ada, await leased(clock.ctx, ada))
    await survey(clock.ctx)
    await worker(clock.move(minutes=9), ada)
    before = await progress(clock.ctx, request_id, kind="image")
    await worker(clock.move(minutes=1), ada)
    await survey(clock.ctx)
    assert known(clock.ctx.remembered(Lanes)) == []

    assert await progress(clock.ctx, request_id, kind="image") == before
    assert before.is_possible


async def test_work_that_begins_elsewhere_in_a_forgotten_lane_is_found(clock: Clock) -> None:
    ada = await user(clock.ctx, has=10**6)
    async with nodes(clock.ctx, 2) as contexts:
        for ctx in contexts:
            await asked(ctx, ada)
            await popped(ctx, ada)
            await survey(ctx)
        clock.now += EMPTY_FOR
        here, there = [replace(ctx, now=clock.now) for ctx in contexts]
        await survey(here)
        assert known(here.remembered(Lanes)) == []
        stale = seldom_looking(here)
        await idle(stale, ada)

        await asked(there, ada)
        [lane_id] = [lane["id"] for lane in await look(there, "SELECT id FROM lanes")]
        stale.remembered(Lanes).hear([Work(lane_id, 5, 1)])  # as the hint says

        await popped(stale, ada)


async def test_forgotten_lane_that_was_deleted_is_made_again(clock: Clock) -> None:
    ada = await user(clock.ctx)
    first = await asked(clock.ctx, ada)
    await cancel(clock.ctx, first, kind="image")
    await survey(clock.ctx)
    await survey(clock.move(minutes=10))
    await change(clock.ctx, "DELETE FROM requests")
    await change(clock.ctx, "DELETE FROM lanes")

    await asked(clock.ctx, ada)

    await popped(clock.ctx, ada)
