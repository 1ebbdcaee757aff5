"""Between the asked size and the sizes that the model draws in."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from horde.worker.backends.tiny.samplers import Picture

STEP = 8
"""The network halves a picture three times."""
AREA = 64 * 64
"""What it was trained with: 64x64, 80x48 and 48x80, all about as many pixels."""
SIDE_MIN, SIDE_MAX = 40, 96
"""More than a little beyond the trained sizes, scenes fall apart; what is longer is cut from the middle."""


def native(width: int, height: int) -> tuple[int, int]:
    """The size in which to draw a picture that is asked for with `width` times `height` pixels."""
    aspect = min(max(width / height, SIDE_MIN / SIDE_MAX), SIDE_MAX / SIDE_MIN)
    return _side(math.sqrt(AREA * aspect)), _side(math.sqrt(AREA / aspect))


def fitted(picture: Image.Image, width: int, height: int) -> Image.Image:
    """The picture in exactly this size: the largest part of its middle that has the asked proportions."""
    share = min(picture.width / width, picture.height / height)
    across, down = width * share, height * share
    left, top = (picture.width - across) / 2, (picture.height - down) / 2
    box = (left, top, left + across, top + down)
    return picture.resize((width, height), Image.Resampling.LANCZOS, box)


def as_image(x: Picture) -> Image.Image:
    """(3, H, W) in -1..1 as a picture; what lies beyond is cut off."""
    return Image.fromarray(np.clip(np.rint((x.transpose(1, 2, 0) + 1) * 127.5), 0, 255).astype(np.uint8))


def as_array(image: Image.Image) -> Picture:
    """The other way round; RGB."""
    pixels: NDArray[np.float32] = np.asarray(image.convert("RGB"), np.float32)
    return np.ascontiguousarray((pixels / np.float32(127.5) - 1).transpose(2, 0, 1))


def _side(length: float) -> int:
    return min(SIDE_MAX, max(SIDE_MIN, round(length / STEP) * STEP))
