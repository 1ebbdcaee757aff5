"""Kudos go first, waiting is worth 50 kudos in 10 s, equals take turns: a place is fixed when a request is born."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde.server.matching.lanes import ANY_RANK
from horde.server.matching.order import EPOCH, TURNS, priority, rank
from horde.units import kudos

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
"""A tick: everybody who waits has just aged."""
TEN_YEARS = timedelta(days=3652)
MOST = 10**12
"""More kudos than anybody will have."""


def born(has: float, after_s: float) -> int:
    """The priority of a request of somebody with so much, born so long after noon."""
    return priority(kudos(has), NOON + timedelta(seconds=after_s))


@pytest.mark.parametrize(("has", "counts_as"), [(-50, -100), (0, -100), (10, -100), (11, 0), (1_499, 1), (50_000, 50)])
def test_flagged_account_stands_behind_nearly_everybody(has: float, counts_as: int) -> None:
    assert priority(kudos(has), EPOCH, is_flagged=True) == counts_as


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (born(100, 0), born(99, 0)),
        (born(0, 9.999), born(0, 10)),
        (born(0, 0), born(49, 10)),  # 10 s of waiting outweigh 49 kudos,
        (born(51, 10), born(0, 0)),  # but not 51
        (born(-50, 0), born(4_949, 1_000)),
        (born(4_951, 1_000), born(-50, 0)),
        (born(0, 0), born(0, 31_536_000)),
    ],
)
def test_kudos_and_age_are_weighed_as_the_contract_says(first: int, second: int) -> None:
    assert first > second


def test_fifty_kudos_are_exactly_one_tick() -> None:
    assert born(50, 10) == born(0, 0)


def test_within_a_tick_whole_kudos_decide() -> None:
    assert born(100, 0) == born(100, 9.999) == born(100.4, 5)
    assert born(101, 9.999) > born(100, 0)


def test_debt_beyond_the_anonymous_floor_does_not_count() -> None:
    assert born(-50, 0) == born(-5_000, 0)


def test_millionaires_still_differ_by_one_kudo_and_one_tick_in_ten_years() -> None:
    ten_years_s = TEN_YEARS.total_seconds()

    assert born(10**8, ten_years_s) > born(10**8 - 1, ten_years_s)
    assert born(10**8, ten_years_s) > born(10**8, ten_years_s + 10)


def test_equals_take_turns_and_no_turn_outweighs_a_kudo() -> None:
    better, worse = born(100, 0), born(99, 0)

    assert rank(better, 0) > rank(better, 1) > rank(better, TURNS - 1) > rank(worse, 0)


def test_turns_beyond_the_last_that_is_told_apart_stand_together() -> None:
    assert rank(7, TURNS) == rank(7, 10 * TURNS) == rank(7, TURNS - 1)


@given(
    has=st.integers(-MOST, MOST),
    age=st.timedeltas(timedelta(0), TEN_YEARS),
    turn=st.integers(0, 10**6),
)
def test_every_place_fits_the_column_and_is_worse_than_any(has: int, age: timedelta, turn: int) -> None:
    place = rank(priority(kudos(has), EPOCH + age), turn)

    assert -(2**63) <= place < ANY_RANK
