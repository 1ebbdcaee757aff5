"""Places in the queue are exact where it is short, and right to a thousandth of it where it is long."""

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde.server.accounts.users import User
from horde.server.requests.places import PIECES, Ahead, Placer, Queue, _Milestone
from horde.server.requests.read import progress
from horde.server.requests.survey import survey
from tests.plugins.hordes import Clock
from tests.server.builders import asked, change, look, popped, user, worker

Standing = list[tuple[int, int, int]]
"""Rank, jobs and things of each request; the place in the list is its age."""


@pytest.fixture
async def bob(clock: Clock) -> User:
    """Who serves."""
    return await user(clock.ctx, "Bob")


def in_order(standing: Standing) -> list[tuple[int, int, int, int]]:
    """Rank, age, jobs and things of each, the best first."""
    found = [(rank, seq, jobs, things) for seq, (rank, jobs, things) in enumerate(standing)]
    return sorted(found, key=lambda each: (-each[0], each[1]))


def queue_of(standing: Standing, step: int) -> Queue:
    """As the database tells it: every `step`th place, with what stands up to and with it."""
    ordered = in_order(standing)
    jobs = list(accumulate(each[2] for each in ordered))
    things = list(accumulate(each[3] for each in ordered))
    stones = [
        _Milestone(rank, seq, place, jobs[place - 1], things[place - 1])
        for place, (rank, seq, *_) in enumerate(ordered, start=1)
        if place % step == 0
    ]
    return Queue(stones, step)


queues = st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 4), st.integers(1, 9)), min_size=1, max_size=40)


@given(standing=queues)
def test_places_in_a_short_queue_are_exact(standing: Standing) -> None:
    queue = queue_of(standing, step=1)

    for place, (rank, seq, *_) in enumerate(in_order(standing)):
        before = in_order(standing)[:place]
        assert queue.ahead_of(rank, seq) == Ahead(
            place, sum(each[2] for each in before), sum(each[3] for each in before)
        )  # fmt: skip


@given(standing=queues, step=st.integers(2, 7))
def test_places_in_a_long_queue_are_right_within_one_piece(standing: Standing, step: int) -> None:
    queue = queue_of(standing, step)

    for place, (rank, seq, *_) in enumerate(in_order(standing)):
        assert abs(queue.ahead_of(rank, seq).requests - place) <= step


@given(standing=queues, step=st.integers(1, 7))
def test_who_stands_further_back_has_never_less_before_it(standing: Standing, step: int) -> None:
    queue = queue_of(standing, step)

    found = [queue.ahead_of(rank, seq) for rank, seq, *_ in in_order(standing)]

    for before, after in pairwise(found):
        assert before.requests <= after.requests
        assert before.jobs <= after.jobs
        assert before.things <= after.things


def test_nothing_stands_before_anybody_in_an_empty_queue() -> None:
    assert Queue([], 1).ahead_of(5, 5) == Ahead(0, 0, 0)


# --------------------------------------------------------------------------------------------- of the real queue
async def test_place_counts_the_requests_before_it_over_all_lanes(clock: Clock, bob: User) -> None:
    await worker(clock.ctx, bob, models=("one", "two"))
    ids = [
        await asked(clock.ctx, await user(clock.ctx, has=has), n=3, models=(model,))
        for has, model in ((10, "one"), (40, "two"), (30, "one"), (20, "two"))
    ]

    places = [(await progress(clock.ctx, request_id, kind="image")).queue_position for request_id in ids]

    assert places == [4, 1, 2, 3]


async def test_what_nobody_online_can_serve_stands_in_nobodys_way(clock: Clock, bob: User) -> None:
    await worker(clock.ctx, bob, models=("one",))
    rich = await user(clock.ctx, "Rich", has=10**6)
    unserved = await asked(clock.ctx, rich, models=("two",))
    request_id = await asked(clock.ctx, bob, models=("one",))

    async def place(of: str) -> int:
        return (await progress(clock.ctx, of, kind="image")).queue_position

    assert (await place(request_id), await place(unserved)) == (1, 1)
    await worker(clock.ctx, bob, "Zeus", models=("two",))
    assert (await place(request_id), await place(unserved)) == (2, 1)


async def test_what_runs_or_has_expired_is_not_counted(clock: Clock, bob: User) -> None:
    await asked(clock.ctx, bob, n=2)
    clock.move(minutes=20)
    await asked(clock.ctx, bob, n=3)
    await popped(clock.ctx, bob)

    queue = await survey(clock.ctx)

    [lane] = queue.counts("image")
    assert (queue.jobs("image"), lane.requests, lane.jobs, lane.things) == (2, 1, 2, 2 * 512 * 512 * 50)


@pytest.mark.parametrize("requests", [PIECES - 1, 2 * PIECES - 1, 4 * PIECES + 7])
async def test_places_of_thousands_are_right_to_a_thousandth_of_the_queue(
    clock: Clock, bob: User, requests: int
) -> None:
    await worker(clock.ctx, bob)
    await asked(clock.ctx, bob)
    await change(clock.ctx, MORE, many=requests - 1)

    queues = await clock.ctx.remembered(Placer).read(clock.ctx)

    standing = await look(clock.ctx, "SELECT rank, seq FROM requests ORDER BY rank DESC, seq")
    off = max(
        abs(queues["image"].ahead_of(each["rank"], each["seq"]).requests - place)
        for place, each in enumerate(standing)
    )  # fmt: skip
    assert len(standing) == requests
    assert off <= (0 if requests < 2 * PIECES else requests / PIECES)


MORE = """
INSERT INTO requests (id, user_id, kind, lane_id, prompt, params, n, waiting, rank, seed_variation, things,
    price_mk, lease_s, is_inline, wants_censoring, disable_batching, client_agent, created_at, expires_at)
SELECT gen_random_uuid(), user_id, kind, lane_id, prompt, params, n, waiting, rank - number * 7919 % 1000,
    seed_variation, things, price_mk, lease_s, is_inline, wants_censoring, disable_batching, client_agent, created_at,
    expires_at
FROM requests, generate_series(1, $1) AS number
"""
