"""Kudos go first, and waiting is worth 50 kudos in 10 s: the order is fixed when a request is born."""

from datetime import UTC, datetime, timedelta

import pytest

from horde.server.matching.order import priority
from horde.units import kudos

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def born(has: float, after_s: float) -> float:
    """The priority of a request of somebody with so much, born so long after noon."""
    return priority(kudos(has), NOON + timedelta(seconds=after_s))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (born(100, 0), born(99.5, 0)),
        (born(0, 0), born(0, 0.1)),
        (born(0, 0), born(49.9, 10)),  # 10 s of waiting outweigh 49.9 kudos,
        (born(50.1, 10), born(0, 0)),  # but not 50.1
        (born(-50, 0), born(4_949, 1_000)),
        (born(4_951, 1_000), born(-50, 0)),
        (born(0, 0), born(0, 31_536_000)),
    ],
)
def test_kudos_and_age_are_weighed_as_the_contract_says(first: float, second: float) -> None:
    assert first > second


def test_fifty_kudos_are_exactly_ten_seconds() -> None:
    assert born(50, 10) == born(0, 0)


def test_debt_beyond_the_anonymous_floor_does_not_count() -> None:
    assert born(-50, 0) == born(-5_000, 0)


def test_millionaires_still_differ_by_a_thousandth_of_a_second_in_ten_years() -> None:
    ten_years_s = 10 * 31_536_000

    assert born(10**8, ten_years_s) > born(10**8, ten_years_s + 0.001)
