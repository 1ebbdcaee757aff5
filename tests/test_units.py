"""Money is counted in whole thousandths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde.units import Kudos, kudos, kudos_on_the_wire


@pytest.mark.parametrize(
    ("amount", "milli"), [(0, 0), (10.0, 10_000), (6.22, 6_220), (-50, -50_000), (0.0005, 0), (0.0015, 2), (1e-9, 0)]
)
def test_kudos_are_rounded_to_thousandths(amount: float, milli: int) -> None:
    assert kudos(amount) == milli


@given(amount=st.integers(-(10**12), 10**12).map(Kudos))
def test_no_thousandth_is_lost_on_the_wire(amount: Kudos) -> None:
    assert kudos(kudos_on_the_wire(amount)) == amount
