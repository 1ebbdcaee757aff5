"""The things of the scenes, each standing on (x, y) with a given height; `colour` paints what one names it by."""

from __future__ import annotations

from training.palette import INK, PALETTE, SNOW, Colour, darker, lighter
from training.pen import Pen

WOOD: Colour = (122, 84, 56)
GLASS: Colour = (255, 226, 128)


def robot(pen: Pen, x: float, y: float, height: float, colour: Colour) -> None:
    """Round corners, two large eyes, an antenna."""
    h, dark = height, darker(colour)
    for side in (-1, 1):
        pen.box(x + side * h * 0.13 - h * 0.07, y - h * 0.2, x + side * h * 0.13 + h * 0.07, y, dark)
        pen.box(x + side * h * 0.32 - h * 0.055, y - h * 0.54, x + side * h * 0.32 + h * 0.055, y - h * 0.22, dark)
    pen.box(x - h * 0.26, y - h * 0.57, x + h * 0.26, y - h * 0.15, colour, corner=h * 0.06)
    pen.box(x - h * 0.025, y - h, x + h * 0.025, y - h * 0.84, dark)
    pen.disc(x, y - h * 0.96, h * 0.055, PALETTE["red"] if colour[0] < 200 else PALETTE["yellow"])
    pen.box(x - h * 0.23, y - h * 0.88, x + h * 0.23, y - h * 0.6, lighter(colour, 0.25), corner=h * 0.07)
    for side in (-1, 1):
        pen.disc(x + side * h * 0.105, y - h * 0.745, h * 0.075, SNOW)
        pen.disc(x + side * h * 0.105, y - h * 0.745, h * 0.04, INK)
    pen.box(x - h * 0.11, y - h * 0.44, x + h * 0.11, y - h * 0.32, lighter(colour, 0.5), corner=h * 0.02)


def horse(pen: Pen, x: float, y: float, height: float, colour: Colour) -> None:
    """Looking to the right."""
    h, dark = height, darker(colour, 0.4)
    for leg in (-0.33, -0.2, 0.14, 0.27):
        pen.box(x + h * (leg - 0.045), y - h * 0.42, x + h * (leg + 0.045), y, colour)
        pen.box(x + h * (leg - 0.05), y - h * 0.06, x + h * (leg + 0.05), y, dark)
    pen.polygon([(x - h * 0.36, y - h * 0.6), (x - h * 0.5, y - h * 0.3), (x - h * 0.42, y - h * 0.28),
                 (x - h * 0.33, y - h * 0.5)], dark)  # fmt: skip
    pen.box(x - h * 0.39, y - h * 0.66, x + h * 0.33, y - h * 0.34, colour, corner=h * 0.13)
    pen.polygon([(x + h * 0.12, y - h * 0.6), (x + h * 0.26, y - h * 0.94), (x + h * 0.42, y - h * 0.9),
                 (x + h * 0.33, y - h * 0.45)], colour)  # fmt: skip
    pen.polygon([(x + h * 0.28, y - h * 0.94), (x + h * 0.54, y - h * 0.76), (x + h * 0.5, y - h * 0.66),
                 (x + h * 0.3, y - h * 0.74)], colour)  # fmt: skip
    pen.polygon([(x + h * 0.08, y - h * 0.62), (x + h * 0.2, y - h * 0.97), (x + h * 0.31, y - h * 0.93),
                 (x + h * 0.2, y - h * 0.6)], dark)  # fmt: skip
    pen.polygon([(x + h * 0.27, y - h * 0.9), (x + h * 0.3, y - h), (x + h * 0.36, y - h * 0.89)], colour)
    pen.disc(x + h * 0.37, y - h * 0.82, h * 0.03, SNOW if sum(colour) < 240 else INK)


def cat(pen: Pen, x: float, y: float, height: float, colour: Colour) -> None:
    """Sitting, looking at us."""
    h, eye = height, PALETTE["yellow"] if sum(colour) < 500 else PALETTE["green"]
    pen.ellipse(x + h * 0.3, y - h * 0.16, h * 0.19, h * 0.15, darker(colour))
    pen.ellipse(x, y - h * 0.28, h * 0.27, h * 0.28, colour)
    pen.ellipse(x, y - h * 0.16, h * 0.13, h * 0.15, lighter(colour, 0.45))
    for side in (-1, 1):
        pen.polygon([(x + side * h * 0.27, y - h * 0.72), (x + side * h * 0.25, y - h),
                     (x + side * h * 0.05, y - h * 0.84)], colour)  # fmt: skip
    pen.ellipse(x, y - h * 0.66, h * 0.28, h * 0.23, colour)
    for side in (-1, 1):
        pen.disc(x + side * h * 0.115, y - h * 0.69, h * 0.065, eye)
        pen.ellipse(x + side * h * 0.115, y - h * 0.69, h * 0.025, h * 0.055, INK)
    pen.disc(x, y - h * 0.58, h * 0.035, PALETTE["pink"])


def house(pen: Pen, x: float, y: float, height: float, colour: Colour) -> None:
    """The walls have the colour; a roof, a door, a window, a chimney."""
    h = height
    roof = (158, 70, 60) if max(colour) - min(colour) < 60 or colour[0] < 190 else (84, 92, 122)
    pen.box(x + h * 0.18, y - h * 0.95, x + h * 0.29, y - h * 0.6, darker(roof))
    pen.box(x - h * 0.4, y - h * 0.56, x + h * 0.4, y, colour)
    pen.polygon([(x - h * 0.5, y - h * 0.54), (x, y - h), (x + h * 0.5, y - h * 0.54)], roof)
    pen.box(x - h * 0.24, y - h * 0.34, x - h * 0.03, y, WOOD)
    pen.box(x + h * 0.09, y - h * 0.4, x + h * 0.29, y - h * 0.2, GLASS)


def stable(pen: Pen, x: float, y: float, height: float, colour: Colour) -> None:
    """A barn, wider than a house, with a large open door."""
    h = height
    pen.box(x - h * 0.62, y - h * 0.58, x + h * 0.62, y, colour)
    pen.polygon([(x - h * 0.72, y - h * 0.55), (x - h * 0.45, y - h * 0.84), (x, y - h), (x + h * 0.45, y - h * 0.84),
                 (x + h * 0.72, y - h * 0.55)], darker(colour, 0.45))  # fmt: skip
    pen.box(x - h * 0.29, y - h * 0.5, x + h * 0.29, y, SNOW)
    pen.box(x - h * 0.23, y - h * 0.44, x + h * 0.23, y, (70, 46, 40))
    pen.disc(x, y - h * 0.72, h * 0.09, SNOW)


def tree(pen: Pen, x: float, y: float, height: float, colour: Colour) -> None:
    """A trunk and a round crown."""
    h = height
    pen.box(x - h * 0.06, y - h * 0.4, x + h * 0.06, y, WOOD)
    for across, up, radius in ((-0.18, 0.52, 0.2), (0.18, 0.52, 0.2), (0, 0.74, 0.25)):
        pen.disc(x + h * across, y - h * up, h * radius, colour)
    pen.disc(x - h * 0.07, y - h * 0.8, h * 0.09, lighter(colour, 0.25))


def fir(pen: Pen, x: float, y: float, height: float, colour: Colour) -> None:
    """A trunk and three storeys of branches."""
    h = height
    pen.box(x - h * 0.06, y - h * 0.2, x + h * 0.06, y, WOOD)
    for top, bottom, half in ((0.62, 0.14, 0.36), (0.82, 0.38, 0.29), (1.0, 0.6, 0.21)):
        pen.polygon([(x - h * half, y - h * bottom), (x, y - h * top), (x + h * half, y - h * bottom)], colour)


def flower(pen: Pen, x: float, y: float, height: float, colour: Colour) -> None:
    """Five petals on a stalk with two leaves."""
    h, leaf = height, (70, 150, 72)
    pen.box(x - h * 0.035, y - h * 0.66, x + h * 0.035, y, leaf)
    for side in (-1, 1):
        pen.ellipse(x + side * h * 0.14, y - h * 0.2, h * 0.13, h * 0.06, leaf)
    middle = y - h * 0.7
    for across, down in ((0, -0.19), (0.18, -0.06), (0.11, 0.155), (-0.11, 0.155), (-0.18, -0.06)):
        pen.disc(x + h * across, middle + h * down, h * 0.125, colour)
    pen.disc(x, middle, h * 0.095, PALETTE["yellow"] if colour[2] > 90 or colour[1] < 120 else WOOD)


def mushroom(pen: Pen, x: float, y: float, height: float, colour: Colour) -> None:
    """A cap with dots."""
    h = height
    pen.box(x - h * 0.13, y - h * 0.5, x + h * 0.13, y, (240, 226, 200), corner=h * 0.06)
    outline = [(x - h * 0.48, y - h * 0.44)]
    outline += [
        (x - h * 0.46, y - h * 0.62),
        (x - h * 0.34, y - h * 0.82),
        (x - h * 0.16, y - h * 0.95),
        (x, y - h * 0.98),
    ]
    outline += [(2 * x - across, down) for across, down in reversed(outline[:-1])]
    pen.polygon(outline, colour)
    dots = SNOW if min(colour) < 200 else PALETTE["red"]
    for across, up, radius in ((-0.2, 0.64, 0.075), (0.05, 0.8, 0.08), (0.24, 0.6, 0.065)):
        pen.disc(x + h * across, y - h * up, h * radius, dots)


def rocket(pen: Pen, x: float, y: float, height: float, colour: Colour) -> None:
    """With fins, a window and fire below."""
    h, dark = height, darker(colour, 0.35)
    pen.polygon([(x - h * 0.1, y - h * 0.16), (x, y), (x + h * 0.1, y - h * 0.16)], PALETTE["orange"])
    for side in (-1, 1):
        pen.polygon([(x + side * h * 0.14, y - h * 0.45), (x + side * h * 0.3, y - h * 0.1),
                     (x + side * h * 0.12, y - h * 0.18)], dark)  # fmt: skip
    pen.polygon([(x - h * 0.17, y - h * 0.16), (x - h * 0.19, y - h * 0.5), (x - h * 0.13, y - h * 0.75), (x, y - h),
                 (x + h * 0.13, y - h * 0.75), (x + h * 0.19, y - h * 0.5), (x + h * 0.17, y - h * 0.16)],
                colour)  # fmt: skip
    pen.polygon([(x - h * 0.13, y - h * 0.75), (x, y - h), (x + h * 0.13, y - h * 0.75)], dark)
    pen.disc(x, y - h * 0.55, h * 0.1, SNOW)
    pen.disc(x, y - h * 0.55, h * 0.07, (120, 190, 232))


def boat(pen: Pen, x: float, y: float, height: float, colour: Colour) -> None:
    """The hull has the colour; two sails."""
    h = height
    pen.box(x - h * 0.03, y - h, x + h * 0.03, y - h * 0.24, WOOD)
    pen.polygon([(x + h * 0.06, y - h * 0.96), (x + h * 0.4, y - h * 0.34), (x + h * 0.06, y - h * 0.34)], SNOW)
    pen.polygon(
        [(x - h * 0.06, y - h * 0.84), (x - h * 0.34, y - h * 0.34), (x - h * 0.06, y - h * 0.34)], (226, 230, 238)
    )
    pen.polygon(
        [(x - h * 0.52, y - h * 0.27), (x + h * 0.52, y - h * 0.27), (x + h * 0.34, y), (x - h * 0.34, y)], colour
    )


THINGS = {
    "robot": robot,
    "horse": horse,
    "cat": cat,
    "house": house,
    "tree": tree,
    "fir": fir,
    "flower": flower,
    "mushroom": mushroom,
    "rocket": rocket,
    "boat": boat,
}
"""By the name that captions give them."""
