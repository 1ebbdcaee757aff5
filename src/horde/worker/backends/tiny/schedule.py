"""The schedule: how much noise is left after each step."""

from __future__ import annotations

import math

SIGMA_MAX = 40.0
"""Noise in which nothing of a picture is left: 70 times the standard deviation of the drawn pictures."""
SIGMA_MIN = 0.02
"""Noise that nobody sees: two and a half of 255."""
RHO = 7.0
"""How much the steps lean towards little noise (Karras et al. 2022, equation 5)."""


def karras(steps: int) -> tuple[float, ...]:
    """`steps` + 1 sigmas, falling, the last one zero; after Karras et al. 2022."""
    if steps == 1:
        return (SIGMA_MAX, 0.0)
    high, low = SIGMA_MAX ** (1 / RHO), SIGMA_MIN ** (1 / RHO)
    return (*((high + step / (steps - 1) * (low - high)) ** RHO for step in range(steps)), 0.0)


def cosine(steps: int) -> tuple[float, ...]:
    """`steps` + 1 sigmas, falling, the last one zero; even steps in the time of the cosine schedule."""
    first, last = math.atan(SIGMA_MAX), math.atan(SIGMA_MIN)
    if steps == 1:
        return (SIGMA_MAX, 0.0)
    return (*(math.tan(first + step / (steps - 1) * (last - first)) for step in range(steps)), 0.0)


def from_strength(sigmas: tuple[float, ...], strength: float) -> tuple[float, ...]:
    """The last part of a schedule, for a picture that is there already: of strength 1 all of it, at least one step."""
    steps = len(sigmas) - 1
    return sigmas[steps - max(1, min(steps, round(steps * strength))) :]
