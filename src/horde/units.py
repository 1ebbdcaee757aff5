"""The quantities everybody counts in: kudos, pixels and pixelsteps. Pure; imports nothing of ours."""

from __future__ import annotations

from typing import NewType

Kudos = NewType("Kudos", int)
"""Thousandths of a kudos (milli-kudos), as an integer: money is never a float inside the house."""

KUDOS_SCALE = 1000
PIXELSTEPS_PER_MPS = 1_000_000
"""Pixelsteps in a megapixelstep, the unit in which speeds and contributions are shown."""


def kudos(amount: float) -> Kudos:
    """Take whole kudos, as they stand on the wire, to milli-kudos; half a thousandth rounds to even."""
    return Kudos(round(amount * KUDOS_SCALE))


def kudos_on_the_wire(amount: Kudos | int) -> float:
    """Give milli-kudos as the float that the v1 and v2 wire carry."""
    return amount / KUDOS_SCALE


def kudos_in_words(amount: Kudos | int) -> str:
    """Say milli-kudos as people read them, to the thousandth: `1,234.500`."""
    return f"{amount / KUDOS_SCALE:,.3f}"


def hundredths(amount: float) -> Kudos:
    """Take whole kudos to milli-kudos at the precision of prices, a hundredth of a kudos."""
    return kudos(round(amount, 2))


def hundredths_of(amount_mk: float) -> Kudos:
    """Round milli-kudos to a hundredth of a kudos, the precision of prices; half of one rounds to even."""
    return Kudos(int(round(amount_mk, -1)))


def whole_kudos_on_the_wire(amount: Kudos | int) -> float:
    """Give milli-kudos rounded to a whole number, which is how a price is told before there is a job."""
    return float(round(amount / KUDOS_SCALE))
