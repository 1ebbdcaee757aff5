"""Money is counted in whole thousandths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde.units import Kudos, hundredths, kudos, kudos_on_the_wire, whole_kudos_on_the_wire


@pytest.mark.parametrize(
    ("amount", "milli"), [(0, 0), (10.0, 10_000), (6.22, 6_220), (-50, -50_000), (0.0005, 0), (0.0015, 2), (1e-9, 0)]
)
def test_kudos_are_rounded_to_thousandths(amount: float, milli: int) -> None:
    assert kudos(amount) == milli


@given(amount=st.integers(-(10**12), 10**12).map(Kudos))
def test_no_thousandth_is_lost_on_the_wire(amount: Kudos) -> None:
    assert kudos(kudos_on_the_wire(amount)) == amount


@pytest.mark.parametrize(
    ("amount", "milli"), [(6.224, 6_220), (6.226, 6_230), (11.0, 11_000), (0, 0), (-1.006, -1_010)]
)
def test_prices_are_rounded_to_hundredths(amount: float, milli: int) -> None:
    assert hundredths(amount) == milli


@pytest.mark.parametrize(("milli", "told"), [(20_570, 21.0), (87_280, 87.0), (400, 0.0), (11_000, 11.0)])
def test_prices_are_told_as_whole_kudos(milli: int, told: float) -> None:
    found = whole_kudos_on_the_wire(Kudos(milli))

    assert (found, type(found)) == (told, float)
