"""Colours, and how the light of the hour changes them."""

from __future__ import annotations

from typing import Final

Colour = tuple[int, int, int]

WHITE: Final[Colour] = (255, 255, 255)
BLACK: Final[Colour] = (0, 0, 0)
INK: Final[Colour] = (38, 40, 58)
CREAM: Final[Colour] = (250, 243, 228)

ROBOT_COLOURS: Final[dict[str, Colour]] = {
    "red": (222, 84, 72),
    "orange": (240, 146, 62),
    "yellow": (246, 200, 76),
    "green": (104, 178, 112),
    "teal": (62, 168, 164),
    "blue": (78, 134, 206),
    "purple": (142, 112, 200),
    "pink": (236, 138, 164),
    "white": (232, 234, 240),
    "silver": (176, 188, 204),
    "gold": (226, 178, 80),
    "copper": (204, 126, 88),
    "black": (74, 78, 98),
    "brown": (154, 112, 84),
}


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` at share 0, `second` at share 1."""
    one, other = first, second
    return (
        round(one[0] + (other[0] - one[0]) * share),
        round(one[1] + (other[1] - one[1]) * share),
        round(one[2] + (other[2] - one[2]) * share),
    )


def lit(colour: Colour, share: float) -> Colour:
    """Lighter by a share of 0 to 1; darker below 0."""
    return mix(colour, WHITE, share) if share >= 0 else mix(colour, BLACK, -share)


def tinted(colour: Colour, light: Colour) -> Colour:
    """As it looks in a light; white changes nothing."""
    return (colour[0] * light[0] // 255, colour[1] * light[1] // 255, colour[2] * light[2] // 255)
