"""The robots. Each stands with its feet at (0, 0), faces to the right and is about one unit high."""

from __future__ import annotations

import random
from collections.abc import Callable

from horde.worker.backends.demo_picture.colour import INK, WHITE, Colour, lit, mix
from horde.worker.backends.demo_picture.pen import Pen

STEEL: Colour = (168, 178, 196)
RUBBER: Colour = (70, 72, 92)
FACE: Colour = (44, 50, 74)
EYE_COLOURS: tuple[Colour, ...] = ((126, 240, 232), (255, 226, 130), (170, 255, 170), (255, 180, 210))

Robot = Callable[[Pen, Colour, random.Random], None]


def boxy(pen: Pen, paint: Colour, rng: random.Random) -> None:
    """Square head, square body, two legs, an arm that waves."""
    _shadow(pen, 0.34)
    for x in (-0.12, 0.13):
        pen.box((x, 0.11), (0.045, 0.1), STEEL, round_by=0.02)
        pen.box((x + 0.02, 0.035), (0.09, 0.04), RUBBER, round_by=0.03)
    _arms(pen, 0.43, 0.24, is_waving=rng.random() < 0.5)
    pen.solid((0, 0.35), (0.235, 0.18), paint, round_by=0.06)
    _badge(pen, (0.02, 0.36), rng)
    pen.box((0, 0.55), (0.06, 0.04), STEEL)
    _antenna(pen, 0.0, 0.83, rng)
    for x in (-0.245, 0.245):
        pen.box((x, 0.7), (0.03, 0.06), STEEL, round_by=0.02)
    pen.solid((0, 0.7), (0.225, 0.14), lit(paint, 0.12), round_by=0.07)
    _face(pen, (0.02, 0.7), (0.165, 0.092), rng)


def rolling(pen: Pen, paint: Colour, rng: random.Random) -> None:
    """An egg on one wheel."""
    _shadow(pen, 0.26)
    pen.disc((0, 0.11), 0.11, RUBBER)
    pen.disc((0, 0.11), 0.055, STEEL)
    pen.box((0, 0.19), (0.07, 0.05), STEEL, round_by=0.03)
    _arms(pen, 0.44, 0.26, is_waving=rng.random() < 0.6)
    pen.ball((0, 0.47), (0.27, 0.29), paint)
    pen.box((0, 0.375), (0.235, 0.022), lit(paint, -0.24), round_by=0.02)
    _antenna(pen, 0.0, 0.74, rng)
    _face(pen, (0.04, 0.55), (0.17, 0.11), rng)


def tall(pen: Pen, paint: Colour, rng: random.Random) -> None:
    """A can on tracks, with a dome for a head."""
    _shadow(pen, 0.34)
    pen.box((0, 0.075), (0.25, 0.075), RUBBER, round_by=0.075)
    for x in (-0.15, 0, 0.15):
        pen.disc((x, 0.075), 0.045, STEEL)
    _arms(pen, 0.47, 0.2, is_waving=rng.random() < 0.4)
    pen.solid((0, 0.36), (0.195, 0.22), paint, round_by=0.05)
    for y in (0.22, 0.27):
        pen.box((0, y), (0.12, 0.01), lit(paint, -0.28), round_by=0.01)
    _badge(pen, (0.0, 0.42), rng)
    _antenna(pen, -0.06, 0.86, rng)
    pen.ball((0, 0.66), (0.2, 0.21), mix(paint, WHITE, 0.35))
    pen.box((0, 0.56), (0.2, 0.04), STEEL, round_by=0.02)
    _face(pen, (0.03, 0.69), (0.155, 0.085), rng)


def pony(pen: Pen, paint: Colour, rng: random.Random) -> None:
    """What a robot is when it belongs into a stable."""
    _shadow(pen, 0.44)
    mane = rng.choice(((240, 190, 84), (120, 208, 214), (238, 150, 176), (170, 150, 230)))
    for x, shade in ((-0.2, -0.3), (0.2, -0.3), (-0.27, 0.0), (0.13, 0.0)):
        _leg(pen, x, lit(paint, shade))
    pen.stroke([(-0.33, 0.56), (-0.43, 0.5), (-0.46, 0.34)], 0.075, mane)
    pen.stroke([(-0.46, 0.34), (-0.43, 0.27)], 0.05, lit(mane, 0.2))
    pen.stroke([(0.2, 0.5), (0.3, 0.8)], 0.2, lit(paint, -0.2))
    pen.stroke([(0.17, 0.52), (0.28, 0.8)], 0.17, paint)
    pen.solid((-0.04, 0.48), (0.33, 0.145), paint, round_by=0.14)
    _badge(pen, (-0.12, 0.48), rng)
    for x, y in ((0.08, 0.64), (0.12, 0.73), (0.16, 0.82), (0.21, 0.91)):
        pen.disc((x, y), 0.06, mane)
    for x in (0.25, 0.33):
        pen.area([(x - 0.04, 0.9), (x + 0.04, 0.9), (x - 0.005, 1.03)], lit(paint, 0.1))
    pen.solid((0.37, 0.83), (0.17, 0.105), lit(paint, 0.1), round_by=0.09)
    pen.box((0.5, 0.79), (0.07, 0.066), mix(paint, WHITE, 0.55), round_by=0.05)
    pen.disc((0.525, 0.8), 0.012, INK)
    pen.arc((0.5, 0.785), (0.04, 0.03), (30, 130), 0.012, INK)
    pen.disc((0.27, 0.945), 0.05, mane)
    _eye(pen, (0.36, 0.865), 0.042, rng.choice(EYE_COLOURS))


KINDS: tuple[Robot, ...] = (boxy, rolling, tall)


def _leg(pen: Pen, x: float, paint: Colour) -> None:
    pen.box((x, 0.24), (0.045, 0.16), paint, round_by=0.03)
    pen.disc((x, 0.22), 0.05, STEEL)
    pen.box((x + 0.01, 0.05), (0.06, 0.05), RUBBER, round_by=0.03)


def _shadow(pen: Pen, reach: float) -> None:
    pen.oval((0.05, 0.012), (reach * 1.12, 0.06), (20, 24, 44), alpha=44)
    pen.oval((0.03, 0.014), (reach * 0.82, 0.04), (20, 24, 44), alpha=64)


def _arms(pen: Pen, shoulder: float, out: float, *, is_waving: bool) -> None:
    left, right = -out, out
    pen.stroke([(left, shoulder), (left - 0.09, shoulder - 0.1), (left - 0.07, shoulder - 0.2)], 0.05, STEEL)
    pen.disc((left - 0.07, shoulder - 0.22), 0.05, RUBBER)
    if is_waving:
        pen.stroke([(right, shoulder), (right + 0.11, shoulder + 0.04), (right + 0.13, shoulder + 0.17)], 0.05, STEEL)
        pen.disc((right + 0.13, shoulder + 0.2), 0.05, RUBBER)
        for lean in (-0.035, 0.035):
            pen.stroke(
                [(right + 0.13 + lean, shoulder + 0.22), (right + 0.13 + lean * 2, shoulder + 0.28)], 0.03, RUBBER
            )
    else:
        pen.stroke([(right, shoulder), (right + 0.09, shoulder - 0.1), (right + 0.07, shoulder - 0.2)], 0.05, STEEL)
        pen.disc((right + 0.07, shoulder - 0.22), 0.05, RUBBER)


def _antenna(pen: Pen, x: float, top: float, rng: random.Random) -> None:
    tip = (x + rng.uniform(-0.05, 0.05), top + 0.13)
    pen.stroke([(x, top - 0.02), tip], 0.02, STEEL)
    bulb = rng.choice(((250, 110, 96), (255, 214, 100), (126, 230, 222)))
    pen.disc(tip, 0.036, bulb)
    pen.disc((tip[0] - 0.01, tip[1] + 0.012), 0.012, lit(bulb, 0.7))


def _face(pen: Pen, centre: tuple[float, float], radii: tuple[float, float], rng: random.Random) -> None:
    x, y = centre
    pen.box(centre, radii, FACE, round_by=radii[1] * 0.8)
    glow = rng.choice(EYE_COLOURS)
    apart, size = radii[0] * 0.48, radii[1] * 0.4
    for side in (-1, 1):
        _eye(pen, (x + side * apart, y + radii[1] * 0.18), size, glow)
    if rng.random() < 0.8:
        pen.arc((x, y - radii[1] * 0.2), (radii[0] * 0.3, radii[1] * 0.36), (20, 160), 0.016, glow)
    else:
        pen.disc((x, y - radii[1] * 0.5), radii[1] * 0.14, glow)


def _eye(pen: Pen, centre: tuple[float, float], radius: float, glow: Colour) -> None:
    pen.halo(centre, radius * 1.9, glow)
    pen.bright.oval(centre, (radius, radius * 1.15), glow)
    pen.bright.disc((centre[0] - radius * 0.28, centre[1] + radius * 0.4), radius * 0.3, WHITE)


def _badge(pen: Pen, centre: tuple[float, float], rng: random.Random) -> None:
    x, y = centre
    match rng.randrange(4):
        case 0:  # a heart
            heart = (250, 116, 120)
            pen.disc((x - 0.026, y + 0.015), 0.034, heart)
            pen.disc((x + 0.026, y + 0.015), 0.034, heart)
            pen.area([(x - 0.057, y + 0.005), (x + 0.057, y + 0.005), (x, y - 0.07)], heart)
        case 1:  # a gauge
            pen.disc(centre, 0.065, WHITE)
            pen.arc(centre, (0.045, 0.045), (180, 360), 0.016, (104, 178, 112))
            pen.stroke([(x, y - 0.01), (x + 0.03, y + 0.03)], 0.014, INK)
        case 2:  # buttons
            for step, colour in enumerate(((250, 116, 108), (252, 214, 104), (120, 206, 150))):
                pen.disc((x - 0.07 + step * 0.07, y), 0.024, colour)
        case _:  # a bolt of lightning
            points = [(0.02, 0.075), (-0.045, -0.012), (0.0, -0.005), (-0.02, -0.08), (0.05, 0.014), (0.005, 0.01)]
            pen.area([(x + dx, y + dy) for dx, dy in points], (255, 224, 112))
