"""The form `palette`: the colours of a picture. Needs no model.

The contract names the form and not its result; ours is a list, the most frequent colour first.
"""

from __future__ import annotations

from PIL import Image

COLOURS_MAX = 8
SIDE_MAX = 512
"""Colours are counted on a picture that is no larger: more of it changes the palette little and takes longer."""


def palette(picture: Image.Image) -> list[str]:
    """At most eight colours as `#rrggbb`, of an "RGB" picture, by how much of it they cover."""
    small = picture.copy()
    small.thumbnail((SIDE_MAX, SIDE_MAX))
    few = small.quantize(COLOURS_MAX, Image.Quantize.MEDIANCUT)
    colours = few.convert("RGB").getcolors(small.width * small.height) or []
    by_count = sorted(colours, key=lambda counted: (-counted[0], counted[1]))
    return [_hexadecimal(colour) for _, colour in by_count]


def _hexadecimal(colour: object) -> str:
    assert isinstance(colour, tuple)
    return f"#{bytes(colour).hex()}"
