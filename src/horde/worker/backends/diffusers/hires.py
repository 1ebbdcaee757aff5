"""Large pictures in two passes: small first, where the model knows what belongs where, then finer."""

from __future__ import annotations

from math import sqrt
from typing import Final

STEP_PX: Final = 64
STRENGTH: Final = 0.65
"""How much the second pass may change, when the requestor does not say."""


def first_size(width: int, height: int, side_px: int) -> tuple[int, int] | None:
    """The size of the first pass: of the same shape, about as large as the squares that the model was trained on.

    None where that is not smaller: one pass is enough then.
    """
    factor = side_px / sqrt(width * height)
    if factor >= 1:
        return None
    small = _rounded(width * factor), _rounded(height * factor)
    return small if small != (width, height) else None


def _rounded(length: float) -> int:
    return max(STEP_PX, round(length / STEP_PX) * STEP_PX)
