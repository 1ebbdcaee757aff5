"""Requests with equal needs stand in one lane, whoever made it first, and every node knows what waits in which."""

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as replaced

from horde.errors import Overloaded
from horde.kinds import KINDS
from horde.kinds.base import Needs, Offer
from horde.server.context import Context
from horde.server.db.notify import Work
from horde.server.matching.lanes import (
    ANY_RANK,
    UNKNOWN_MAX,
    UNUSED_FOR,
    Lanes,
    delete_unused,
)
from horde.server.matching.rules import can_serve
from horde.server.requests.submit import submit
from tests.kinds.any_offer import able, any_needs, any_offer
from tests.plugins.hordes import Clock
from tests.server.builders import (
    asked,
    change,
    draft,
    idle,
    look,
    nodes,
    one,
    popped,
    seldom_looking,
    user,
)
from tests.server.matching.some_lanes import NEEDS, OTHERS, interned, open_to, remembered


# ------------------------------------------------------------------------------------------- making them
async def test_equal_needs_share_a_lane_and_others_do_not(clock: Clock) -> None:
    same = Needs(kind="image", sizes=NEEDS.sizes, features=NEEDS.features, models=NEEDS.models)

    first, again, other = await interned(clock.ctx, NEEDS, same, OTHERS)

    assert first == again != other
    assert await interned(clock.ctx, OTHERS, same) == [other, first]


async def test_nodes_that_make_lanes_at_once_get_the_same(clock: Clock) -> None:
    wanted = [replaced(NEEDS, models=(f"model {number}",)) for number in range(10)]

    async with nodes(clock.ctx, 3) as contexts:
        found = await asyncio.gather(
            *[interned(ctx, *(wanted if place % 2 else wanted[::-1])) for place, ctx in enumerate(contexts * 3)]
        )

    ids = {tuple(sorted(ids)) for ids in found}
    assert len(ids) == 1
    assert await one(clock.ctx, "SELECT count(*) FROM lanes") == 10


async def test_lane_that_another_node_made_is_taken_as_it_is(clock: Clock) -> None:
    async with nodes(clock.ctx, 2) as [one_node, other]:
        await interned(one_node, OTHERS)
        [first] = await interned(one_node, NEEDS)

        assert await interned(other, NEEDS) == [first]


@given(data=st.data())
def test_needs_of_any_request_are_the_same_after_they_were_stored(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    needs = data.draw(any_needs(KINDS[kind]))

    stored = msgspec.convert(msgspec.json.decode(msgspec.json.encode(needs)), Needs)

    # A lane is found by its needs as they come back from the database.
    assert (stored, hash(stored)) == (needs, hash(needs))
    assert msgspec.json.encode(stored) == msgspec.json.encode(needs)


async def test_request_goes_into_the_lane_of_its_needs(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada"), await user(clock.ctx, "Bob")
    for models in (("one",), ("one",), ("two",)):
        await asked(clock.ctx, ada, models=models)
    await popped(clock.ctx, bob, models=("two",))

    lanes = clock.ctx.remembered(Lanes)
    rows = await look(clock.ctx, "SELECT lane_id, count(*) FROM requests WHERE waiting > 0 GROUP BY lane_id")

    [(lane_id, waiting)] = [row.values() for row in rows]
    lane = lanes.get(lane_id)
    assert lane is not None
    assert (lane.needs, waiting) == (KINDS["image"].needs(draft(models=("one",))), 2)


# -------------------------------------------------------------------------------------- deleting them
async def test_lanes_that_nobody_stands_in_are_deleted_after_a_day(clock: Clock) -> None:
    used = await one_lane_with_a_request(clock.ctx)
    await interned(clock.ctx, NEEDS)
    assert await delete_unused(clock.ctx) == 0

    clock.now += UNUSED_FOR
    assert await delete_unused(clock.move(minutes=1)) == 1

    assert [row["id"] for row in await look(clock.ctx, "SELECT id FROM lanes")] == [used]


async def one_lane_with_a_request(ctx: Context) -> int:
    await asked(ctx, await user(ctx, has=10**6))
    return int(await one(ctx, "SELECT lane_id FROM requests"))


async def test_lane_that_is_deleted_behind_the_back_of_a_node_is_made_again_by_the_next_request(clock: Clock) -> None:
    ada = await user(clock.ctx)
    first = await asked(clock.ctx, ada)
    before = await one(clock.ctx, "SELECT id FROM lanes")
    await change(clock.ctx, "DELETE FROM requests WHERE id::text = $1", id=first)
    await change(clock.ctx, "DELETE FROM lanes")

    accepted = await asyncio.gather(*[submit(clock.ctx, ada, draft()) for _ in range(3)])

    after = await look(clock.ctx, "SELECT DISTINCT lane_id FROM requests")
    assert len({request.id for request in accepted}) == 3
    assert len(after) == 1
    assert after != [{"lane_id": before}]
    await popped(clock.ctx, ada)


async def test_worker_that_the_node_knows_gets_what_waits_in_a_lane_that_was_made_again(clock: Clock) -> None:
    ctx = seldom_looking(clock.ctx)
    ada, bob = await user(ctx, "Ada"), await user(ctx, "Bob")
    first = await asked(ctx, ada)
    await popped(ctx, bob)
    # It says the same again and again, so what was found out about it is remembered.
    await idle(ctx, bob)
    await change(ctx, "DELETE FROM jobs")
    await change(ctx, "DELETE FROM requests WHERE id::text = $1", id=first)
    await change(ctx, "DELETE FROM lanes")

    again = await asked(ctx, ada)

    await popped(ctx, bob)
    assert await one(ctx, "SELECT request_id::text FROM jobs") == again


# ------------------------------------------------------------------------------------ knowing them
async def test_lanes_are_read_once_and_again_when_an_unknown_one_is_heard_of(clock: Clock) -> None:
    lanes = Lanes()
    lane_id = await one_lane_with_a_request(clock.ctx)
    [empty, other] = await interned(clock.ctx, NEEDS, OTHERS)
    async with nodes(clock.ctx, 1) as [node]:
        await lanes.load(node.database)
        assert [lane.id for lane in lanes.all()] == [lane_id]  # in the others nothing waits
    gone = node.database  # its pool is closed: whoever asks it anything is refused

    await lanes.load(gone)
    lanes.hear([Work(lane_id, 5, 1)])
    await lanes.load(gone)
    lanes.hear([Work(empty, 5, 1)])
    lanes.learn_of([other])
    for _ in range(2):  # what could not be read is still to be read
        with pytest.raises(Overloaded):
            await lanes.load(gone)

    await lanes.load(clock.ctx.database)
    assert [lanes.of(needs).id for needs in (NEEDS, OTHERS)] == [empty, other]
    await lanes.load(gone)


async def test_more_unknown_lanes_than_are_learnt_one_by_one_are_learnt_when_something_waits(clock: Clock) -> None:
    lanes = Lanes()
    await lanes.load(clock.ctx.database)
    lane_id = await one_lane_with_a_request(clock.ctx)

    lanes.hear([Work(lane_id + number, 5, 1) for number in range(UNKNOWN_MAX + 1)])
    await lanes.load(clock.ctx.database)

    assert [lane.id for lane in lanes.all()] == [lane_id]


async def test_lane_of_which_nobody_told_is_learnt_from_the_queue_itself(clock: Clock) -> None:
    ada = await user(clock.ctx)
    async with nodes(clock.ctx, 1) as [other]:  # its memory hears no hints
        await idle(other, ada)
        await asked(clock.ctx, ada)

        await popped(other, ada)


def test_lane_waits_from_when_work_is_heard_of_until_it_is_seen_empty() -> None:
    lanes, offer = remembered(NEEDS, OTHERS), able(NEEDS)
    lane = lanes.of(NEEDS)
    assert open_to(lanes, offer) == {1}

    lane.was_seen(None, at_changes=lane.changes)
    assert open_to(lanes, offer) == set()

    lanes.hear([Work(1, 7, 1), Work(2, 9, 1)])
    assert open_to(lanes, offer) == {1}
    assert lane.best == 7


def test_lane_keeps_the_best_rank_that_was_heard_of() -> None:
    lanes = remembered(NEEDS)
    lane = lanes.of(NEEDS)
    assert lane.best == ANY_RANK
    lane.was_seen(-3, at_changes=lane.changes)

    lanes.hear([Work(1, rank, 1) for rank in (-5, 4, 2)])

    assert lane.best == 4


def test_what_is_heard_while_somebody_looks_is_not_taken_back() -> None:
    lanes = remembered(NEEDS)
    lane = lanes.of(NEEDS)
    lane.was_seen(None, at_changes=lane.changes)
    looking_since = lane.changes

    lanes.hear([Work(1, 7, 1)])
    lane.was_seen(None, at_changes=looking_since)

    assert lane.best == 7


def test_nothing_is_held_to_be_empty_after_a_gap() -> None:
    lanes, offer = remembered(NEEDS), able(NEEDS)
    lane = lanes.of(NEEDS)
    looking_since = lane.changes
    lane.was_seen(None, at_changes=looking_since)

    lanes.doubt()
    lane.was_seen(None, at_changes=looking_since)

    assert (open_to(lanes, offer), lane.best) == ({1}, ANY_RANK)


@pytest.mark.parametrize(
    ("models", "ids"), [(("one",), [1, 3]), (("three",), [2, 3]), (("four",), [3]), (("two", "three"), [1, 2, 3])]
)
def test_lanes_that_share_models_are_those_that_take_one_of_them(models: tuple[str, ...], ids: list[int]) -> None:
    lanes = remembered(NEEDS, OTHERS, replaced(NEEDS, models=()), replaced(NEEDS, kind="text"))

    assert sorted(lanes.sharing_models("image", frozenset(models))) == ids


# --------------------------------------------------------------------------------------- who can what
@given(data=st.data())
def test_worker_is_shown_exactly_the_lanes_that_no_rule_forbids_it(data: st.DataObject) -> None:
    kind = KINDS[data.draw(st.sampled_from(sorted(KINDS)))]
    all_needs = data.draw(st.lists(any_needs(kind), min_size=1, max_size=12, unique=True))
    all_needs.append(replaced(all_needs[0], kind="of another kind"))
    lanes, late = Lanes(), data.draw(st.integers(0, len(all_needs)))
    offers = [data.draw(any_offer(needs)) for needs in data.draw(st.lists(st.sampled_from(all_needs), max_size=3))]

    # Some lanes are there when the offers are first looked at, others come later.
    for lane_id, needs in enumerate(all_needs):
        if lane_id == late:
            for offer in offers:
                open_to(lanes, offer)
        lanes.add(lane_id, needs)

    for offer in offers:
        match = lanes.match(offer)
        served = {lane_id for lane_id, needs in enumerate(all_needs) if is_served(offer, needs)}
        assert open_to(lanes, offer) == served
        assert {lane.id for lane in lanes.all() if is_served_by_memory(lanes, offer, lane.id)} == served
        assert match is lanes.match(offer)


@given(data=st.data())
def test_best_lanes_for_a_worker_are_the_first_of_all_that_wait_for_it(data: st.DataObject) -> None:
    models = st.sets(st.sampled_from("abcd"), max_size=3).map(lambda names: tuple(sorted(names)))
    pixels = st.sampled_from([4096, 2 * 4096])
    asked_for = data.draw(st.sets(st.tuples(models, pixels), min_size=1))
    lanes = remembered(*[replaced(NEEDS, models=names, sizes=(("pixels", most),)) for names, most in sorted(asked_for)])
    for lane in lanes.all():
        # Heard of, seen to be worse or empty, and heard of again: a lane stands where it was last.
        for best in data.draw(st.lists(st.none() | st.integers(-3, 3), max_size=3)):
            lane.was_seen(best, at_changes=lane.changes)
        lanes.hear([Work(lane.id, rank, 1) for rank in data.draw(st.lists(st.integers(-3, 3), max_size=1))])
    offer = replace(able(NEEDS), models=frozenset(data.draw(st.sets(st.sampled_from("abcd"), min_size=1))))
    at_most = data.draw(st.integers(1, 5))

    found = lanes.best_for(lanes.match(offer), offer, at_most=at_most)

    waiting = [(-lane.best, lane.id) for lane in lanes.all() if lane.best is not None and is_served(offer, lane.needs)]
    assert [lane.id for lane in found] == [lane_id for _, lane_id in sorted(waiting)[:at_most]]


def test_lanes_that_name_a_worker_are_left_out_where_nobody_may_target() -> None:
    named, barred = (replaced(NEEDS, workers=("me",)), replaced(NEEDS, workers=("other",), worker_blacklist=True))
    lanes, offer = remembered(named, barred, NEEDS), replace(able(NEEDS), worker_id="me")

    def ids(*, may_be_targeted: bool) -> list[int]:
        best = lanes.best_for(lanes.match(offer), offer, at_most=9, may_be_targeted=may_be_targeted)
        return sorted(lane.id for lane in best)

    assert (ids(may_be_targeted=True), ids(may_be_targeted=False)) == ([1, 2, 3], [2, 3])


def is_served(offer: Offer, needs: Needs) -> bool:
    return offer.kind == needs.kind and can_serve(offer, needs)


def is_served_by_memory(lanes: Lanes, offer: Offer, lane_id: int) -> bool:
    lane = lanes.get(lane_id)
    assert lane is not None
    return lane.needs.kind == offer.kind and lanes.serves(lanes.match(offer), offer, lane)


def test_those_who_offer_the_same_share_what_was_found_out() -> None:
    lanes, offer = remembered(NEEDS), able(NEEDS)
    twin = replace(offer, worker_id="another", sizes=dict(offer.sizes))

    assert lanes.match(twin) is lanes.match(offer)
    changes: list[dict[str, Any]] = [{"models": frozenset("x")}, {"sizes": {}}, {"nsfw": False}, {"is_slow": True}]
    for other in changes:
        assert lanes.match(replace(offer, **other)) is not lanes.match(offer)


def test_what_was_found_out_is_found_out_anew_when_the_lanes_were_forgotten() -> None:
    lanes, offer = remembered(NEEDS), able(NEEDS)
    match = lanes.match(offer)
    assert [lane.id for lane in lanes.waiting_for(match, offer)] == [1]

    lanes.forget()
    assert (lanes.all(), lanes.waiting_for(match, offer)) == ([], [])

    lanes.add(7, NEEDS)
    lane = lanes.of(NEEDS)
    assert lanes.waiting_for(match, offer) == [lane]
    assert lanes.serves(match, offer, lane)
