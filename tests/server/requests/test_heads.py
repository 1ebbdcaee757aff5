"""A look reads as many heads of a lane as those who ask can take of it, not as many for every lane."""

import random

import pytest

from horde.kinds.base import Needs
from horde.server.matching.lanes import Lane, Tally
from horde.server.requests.heads import DEPTH_MAX, depths_of


def lanes(*ranks: int) -> tuple[Lane, ...]:
    """Lanes whose best requests have these ranks."""
    made = tuple(Lane(number, Needs(kind="image"), 0, [], Tally()) for number in range(len(ranks)))
    for lane, rank in zip(made, ranks, strict=True):
        lane.was_seen(rank, at_changes=lane.changes)
    return made


def test_lane_is_read_as_deep_as_takers_are_left_when_each_better_one_gave_one_and_one_deeper_than_none() -> None:
    assert list(depths_of({lanes(9, 8, 7, 6, 5, 4): 4}, deeper=1).values()) == [4, 3, 2, 2, 2, 2]


def test_lanes_of_equal_rank_may_each_give_what_all_take() -> None:
    assert list(depths_of({lanes(9, 8, 8, 8, 5): 4}, deeper=1).values()) == [4, 3, 3, 3, 2]


def test_who_asks_alone_sees_the_first_of_each() -> None:
    assert list(depths_of({lanes(9, 8, 8, 7): 1}, deeper=1).values()) == [1, 1, 1, 1]


def test_takers_of_different_lanes_count_together_where_they_share_one() -> None:
    a, b, c, d = lanes(9, 8, 9, 8)

    assert depths_of({(a, b): 2, (c, b): 2, (d,): 1}, deeper=1) == {a.id: 2, b.id: 3, c.id: 2, d.id: 1}


def test_later_rounds_look_deeper_up_to_the_most_that_one_account_may_have() -> None:
    (lane,) = lanes(9)

    assert depths_of({(lane,): 3}, deeper=16) == {lane.id: 48}
    assert depths_of({(lane,): 3}, deeper=256) == {lane.id: DEPTH_MAX}


@pytest.mark.parametrize("seed", range(20))
def test_takers_alike_find_all_that_they_take_within_the_depths(seed: int) -> None:
    chance = random.Random(seed)
    takers = chance.randint(1, 30)
    ranks = range(chance.choice([5, 10**6]))
    waiting = [
        sorted(chance.choices(ranks, k=chance.randint(1, 40)), reverse=True) for _ in range(chance.randint(1, 40))
    ]
    waiting.sort(key=lambda heads: -heads[0])  # as they are tried

    depths = depths_of({lanes(*[heads[0] for heads in waiting]): takers}, deeper=1)

    # Of equal ranks any may be the older one: whatever the ages are, those that are taken have been seen.
    ages = [[(-rank, chance.random()) for rank in heads] for heads in waiting]
    best = sorted(place for heads in ages for place in sorted(heads))[:takers]
    seen = {place for number, heads in enumerate(ages) for place in sorted(heads)[: depths[number]]}
    assert seen.issuperset(best)
