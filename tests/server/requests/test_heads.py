"""A look reads as many heads of a lane as those who ask can take of it, not as many for every lane."""

import random

import pytest

from horde.kinds.base import Needs
from horde.server.matching.lanes import Lane, Tally
from horde.server.requests.heads import DEPTH_MAX, depths_of


def lanes(count: int) -> tuple[Lane, ...]:
    return tuple(Lane(number, Needs(kind="image"), 0, [], Tally()) for number in range(count))


def test_lane_is_read_as_deep_as_takers_are_left_when_those_before_it_gave_one_each() -> None:
    assert list(depths_of({lanes(6): 4}, deeper=1).values()) == [4, 3, 2, 1, 1, 1]


def test_takers_of_different_lanes_count_together_where_they_share_one() -> None:
    a, b, c, d = lanes(4)

    assert depths_of({(a, b): 2, (c, b): 2, (d,): 1}, deeper=1) == {a.id: 2, b.id: 3, c.id: 2, d.id: 1}


def test_later_rounds_look_deeper_up_to_the_most_that_one_account_may_have() -> None:
    (lane,) = lanes(1)

    assert depths_of({(lane,): 3}, deeper=16) == {lane.id: 48}
    assert depths_of({(lane,): 3}, deeper=256) == {lane.id: DEPTH_MAX}


@pytest.mark.parametrize("seed", range(20))
def test_takers_alike_find_all_that_they_take_within_the_depths(seed: int) -> None:
    chance = random.Random(seed)
    takers = chance.randint(1, 30)
    waiting = [sorted(chance.sample(range(10**6), chance.randint(1, 40))) for _ in range(chance.randint(1, 40))]
    waiting.sort()  # the lane with the best head first, as they are tried

    depths = depths_of({lanes(len(waiting)): takers}, deeper=1)

    best = sorted(place for heads in waiting for place in heads)[:takers]
    seen = {place for number, heads in enumerate(waiting) for place in heads[: depths[number]]}
    assert seen.issuperset(best)
    assert len(seen) <= takers * (takers + 1) / 2 + len(waiting)
