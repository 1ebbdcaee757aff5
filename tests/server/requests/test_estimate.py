"""How long it will take, as far as can be told from what stands before it and from who is there."""

from datetime import UTC, datetime, timedelta

import pytest

from horde.server.requests.estimate import seconds_to_come
from horde.server.requests.places import Ahead
from horde.server.workers.online import NOBODY, Power

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOTHING = Ahead(0, 0, 0)
HORDE = Power(workers=2, threads=4, speed=40.0)
"""Each of its threads does ten things a second."""
ONE_OF_THEM = Power(workers=1, threads=1, speed=10.0)


def seconds(
    ahead: Ahead = NOTHING,
    waiting: int = 1,
    *,
    horde: Power = HORDE,
    able: Power = HORDE,
    leased_s_ago: float | None = None,
) -> int:
    """For a request whose jobs are of 100 things each, which takes a thread ten seconds."""
    leased_at = None if leased_s_ago is None else NOON - timedelta(seconds=leased_s_ago)
    return seconds_to_come(ahead, 100, waiting, horde=horde, able=able, last_leased_at=leased_at, now=NOON)


@pytest.mark.parametrize(("jobs", "expected"), [(0, 0), (1, 10), (2, 10), (4, 10), (8, 20), (9, 22)])
def test_own_jobs_are_done_side_by_side_as_far_as_there_are_threads(jobs: int, expected: int) -> None:
    assert seconds(waiting=jobs) == expected


@pytest.mark.parametrize(("jobs", "expected"), [(1, 10), (4, 10), (8, 20)])
def test_what_stands_before_is_done_first_by_all(jobs: int, expected: int) -> None:
    assert seconds(Ahead(1, jobs, 100 * jobs), waiting=0) == expected
    assert seconds(Ahead(1, jobs, 100 * jobs), waiting=1) == expected + 10


def test_own_jobs_are_done_by_those_who_can() -> None:
    assert seconds(Ahead(2, 8, 800), waiting=4, able=ONE_OF_THEM) == 20 + 40


def test_where_nobody_can_it_is_what_the_horde_would_take() -> None:
    assert seconds(waiting=4, able=NOBODY) == seconds(waiting=4)


def test_without_workers_nothing_can_be_told() -> None:
    assert seconds(Ahead(1, 1, 100), waiting=1, horde=NOBODY, able=NOBODY, leased_s_ago=1) == 0


@pytest.mark.parametrize(("leased_s_ago", "expected"), [(0, 10), (4, 6), (10, 0), (600, 0)])
def test_running_job_adds_what_is_left_of_it_and_never_less_than_nothing(leased_s_ago: float, expected: int) -> None:
    assert seconds(waiting=0, leased_s_ago=leased_s_ago) == expected
    assert seconds(waiting=1, leased_s_ago=leased_s_ago) == expected + 10
