"""Makes pictures larger, square by square, so that their size costs time and not memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from horde.worker.backends.alchemy.networks import Network, Pixels
from horde.worker.backends.base import BackendFailed, OutOfMemory
from horde.worker.backends.torch_device import free_memory, memory_reason

MARGIN_PX = 32
"""What a square sees of its neighbours. Networks look further, but hardly (Real-ESRGAN's own tool takes 10)."""
TILE_PX_MIN = 64
WEBP_SIDE_MAX = 16383
"""What the format can hold."""

Told = Callable[[float], None]
"""Is told of the share that is done, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Square:
    """A part of a picture, with what is around it: pixels of the source."""

    left: int
    top: int
    right: int
    bottom: int

    def widened(self, margin_px: int, width: int, height: int) -> Square:
        """With a margin, as far as the picture goes."""
        return Square(
            max(0, self.left - margin_px),
            max(0, self.top - margin_px),
            min(width, self.right + margin_px),
            min(height, self.bottom + margin_px),
        )


def upscaled(picture: Image.Image, network: Network, *, tile_px: int, told: Told) -> Image.Image:
    """The picture as many times wider and higher as the network makes it; transparency is enlarged without it.

    Where there is no memory for squares of `tile_px`, they become smaller. Raises OutOfMemory when there is none for
    the smallest, and BackendFailed when the result would be too long for the format of delivered pictures.
    """
    size = picture.width * network.scale, picture.height * network.scale
    if max(size) > WEBP_SIDE_MAX:
        raise BackendFailed(f"{size[0]}x{size[1]} would be longer than the {WEBP_SIDE_MAX} pixels that a webp can have")
    # The colours below what is transparent, not white: there would be a rim.
    colours = np.asarray(picture.convert("RGB"))
    made = Image.fromarray(_made_in_memory(colours, network, tile_px, told))
    if picture.mode == "RGBA":
        made.putalpha(picture.getchannel("A").resize(size, Image.Resampling.LANCZOS))
    return made


def _made_in_memory(colours: Pixels, network: Network, tile_px: int, told: Told) -> Pixels:
    try:
        return _made(colours, network, tile_px, told)
    except (MemoryError, RuntimeError) as error:
        if (reason := memory_reason(error)) is None:
            raise
        if tile_px // 2 < TILE_PX_MIN:
            height, width, _ = colours.shape
            raise OutOfMemory(f"there is no memory to upscale {width}x{height}: {reason}") from error
    free_memory()
    return _made_in_memory(colours, network, tile_px // 2, told)


def _made(colours: Pixels, network: Network, tile_px: int, told: Told) -> Pixels:
    height, width, _ = colours.shape
    scale = network.scale
    made = np.empty((height * scale, width * scale, 3), np.uint8)
    squares = list(_squares(width, height, tile_px))
    for done, square in enumerate(squares, start=1):
        seen = square.widened(MARGIN_PX, width, height)
        larger = network(colours[seen.top : seen.bottom, seen.left : seen.right])
        left, top = (square.left - seen.left) * scale, (square.top - seen.top) * scale
        right, bottom = (square.right - seen.left) * scale, (square.bottom - seen.top) * scale
        target = made[square.top * scale : square.bottom * scale, square.left * scale : square.right * scale]
        target[:] = larger[top:bottom, left:right]
        told(done / len(squares))
    return made


def _squares(width: int, height: int, side: int) -> Iterator[Square]:
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield Square(left, top, min(left + side, width), min(top + side, height))
