"""The eight plain shapes, each drawn around its middle in a square of a given side."""

from __future__ import annotations

import math

from training.palette import Colour
from training.pen import Pen, Point


def circle(pen: Pen, x: float, y: float, side: float, colour: Colour) -> None:
    """A disc."""
    pen.disc(x, y, side * 0.47, colour)


def square(pen: Pen, x: float, y: float, side: float, colour: Colour) -> None:
    """Upright."""
    half = side * 0.42
    pen.box(x - half, y - half, x + half, y + half, colour)


def triangle(pen: Pen, x: float, y: float, side: float, colour: Colour) -> None:
    """Standing on its base."""
    pen.polygon([(x, y - side * 0.46), (x + side * 0.5, y + side * 0.4), (x - side * 0.5, y + side * 0.4)], colour)


def star(pen: Pen, x: float, y: float, side: float, colour: Colour) -> None:
    """Five points, one upwards."""
    points: list[Point] = []
    for corner in range(10):
        radius = side * (0.54 if corner % 2 == 0 else 0.23)
        angle = math.pi * (corner / 5 - 0.5)
        points.append((x + radius * math.cos(angle), y + side * 0.03 + radius * math.sin(angle)))
    pen.polygon(points, colour)


def heart(pen: Pen, x: float, y: float, side: float, colour: Colour) -> None:
    """Point downwards."""
    outline: list[Point] = []
    for step in range(40):
        angle = 2 * math.pi * step / 40
        across = 16 * math.sin(angle) ** 3
        down = -(13 * math.cos(angle) - 5 * math.cos(2 * angle) - 2 * math.cos(3 * angle) - math.cos(4 * angle))
        outline.append((x + across * side * 0.031, y + (down - 2.5) * side * 0.031))
    pen.polygon(outline, colour)


def diamond(pen: Pen, x: float, y: float, side: float, colour: Colour) -> None:
    """Standing on a corner, taller than wide."""
    pen.polygon([(x, y - side * 0.52), (x + side * 0.36, y), (x, y + side * 0.52), (x - side * 0.36, y)], colour)


def ring(pen: Pen, x: float, y: float, side: float, colour: Colour, hole: Colour) -> None:
    """A circle with a hole, through which the background shows."""
    pen.disc(x, y, side * 0.48, colour)
    pen.disc(x, y, side * 0.25, hole)


def cross(pen: Pen, x: float, y: float, side: float, colour: Colour) -> None:
    """A plus sign."""
    half, bar = side * 0.46, side * 0.15
    pen.box(x - half, y - bar, x + half, y + bar, colour)
    pen.box(x - bar, y - half, x + bar, y + half, colour)


SHAPES = {
    "circle": circle,
    "square": square,
    "triangle": triangle,
    "star": star,
    "heart": heart,
    "diamond": diamond,
    "cross": cross,
}
"""All but the ring, which needs to know what lies behind it."""
