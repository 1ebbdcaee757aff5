"""The named colours of the scenes, flat and friendly; a drawn one lies a little beside its name's."""

from __future__ import annotations

import random

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

PALETTE: dict[str, Colour] = {
    "red": (222, 58, 60),
    "orange": (242, 142, 44),
    "yellow": (250, 212, 66),
    "green": (78, 168, 84),
    "blue": (58, 112, 218),
    "purple": (142, 80, 190),
    "pink": (246, 150, 190),
    "brown": (138, 92, 60),
    "turquoise": (58, 192, 190),
    "white": (248, 248, 244),
    "grey": (150, 154, 162),
    "black": (36, 36, 44),
}
INK: Colour = (44, 44, 58)
"""Eyes, wheels and other small dark parts; softer than black."""
SNOW: Colour = (244, 247, 250)
JITTER = 7
"""How far each channel of a drawn colour may lie from the named one: less than between any two names."""


def near(name: str, rng: random.Random) -> Colour:
    """A colour that everybody would call by this name."""
    red, green, blue = PALETTE[name]
    return (_jittered(red, rng), _jittered(green, rng), _jittered(blue, rng))


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` at share 0, `second` at share 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return (red, green, blue)


def darker(colour: Colour, share: float = 0.25) -> Colour:
    """For shades and outlines of a thing."""
    return mix(colour, (16, 16, 30), share)


def lighter(colour: Colour, share: float = 0.35) -> Colour:
    """For lit parts of a thing."""
    return mix(colour, (255, 255, 255), share)


def _jittered(channel: int, rng: random.Random) -> int:
    return min(255, max(0, channel + rng.randint(-JITTER, JITTER)))
