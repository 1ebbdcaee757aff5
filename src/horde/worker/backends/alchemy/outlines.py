"""The form `vectorize`: a picture as shapes, in SVG. Needs no model."""

from __future__ import annotations

import io

import vtracer
from PIL import Image

from horde.worker.backends.base import BackendFailed

LETTERS_MAX = 4 * 1024 * 1024
"""Of the result, which goes over the wire and is kept as text."""
LEVELS = ((1024, 4, 6), (512, 16, 4))
"""Longest side, pixels of what is too small to be a shape, bits of a colour. The second is for pictures of which the
first makes too much: 30 million letters of noise, of which the second makes 2 million."""


def vectorized(picture: Image.Image) -> str:
    """An "RGB" picture as an SVG document of its size. Raises BackendFailed for what is too rich in shapes."""
    for level in LEVELS:
        svg = _traced(picture, *level)
        if len(svg) <= LETTERS_MAX:
            return svg
    raise BackendFailed(f"the picture has too many shapes: at most {LETTERS_MAX:,} letters of SVG are sent")


def _traced(picture: Image.Image, side_max: int, speckle_px: int, colour_bits: int) -> str:
    small = picture.copy()
    small.thumbnail((side_max, side_max))
    buffer = io.BytesIO()
    small.save(buffer, "PNG")
    svg: str = vtracer.convert_raw_image_to_svg(
        buffer.getvalue(), img_format="png", filter_speckle=speckle_px, color_precision=colour_bits
    )
    return _sized(svg, small.size, picture.size)


def _sized(svg: str, drawn: tuple[int, int], size: tuple[int, int]) -> str:
    """Shapes of a smaller picture, to be shown at the size of the whole."""
    said = f'width="{drawn[0]}" height="{drawn[1]}"'
    assert said in svg, "vtracer says the size of what it traced"
    shown = f'viewBox="0 0 {drawn[0]} {drawn[1]}" width="{size[0]}" height="{size[1]}"'
    return svg.replace(said, shown, 1)
