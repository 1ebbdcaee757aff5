"""Draws a scene: what the words leave open (where exactly, how large, which red) is drawn by lot."""

from __future__ import annotations

import random
from dataclasses import dataclass

from PIL import Image

from training import landscape
from training.palette import Colour, near
from training.pen import Pen
from training.scenes import COLOURS, NATURAL, Group, Scene, can_be_told_apart
from training.shapes import SHAPES, ring
from training.things import THINGS

CANVAS = 4
"""Pixels of the canvas to one of the finished picture, each way."""
TRIES_MAX = 400
"""Of placing things apart from each other before they are made smaller."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where one thing is and how large: its middle (of a thing in a landscape: its foot) and its side."""

    x: float
    y: float
    side: float


def draw(scene: Scene, width: int, height: int, rng: random.Random, *, enlarge: int = 1) -> Image.Image:
    """The picture, RGB, `width` times `height` pixels, or `enlarge` times as many each way, of the same scene."""
    scale = max(CANVAS, 2 * enlarge)
    pen = Pen(width, height, scale)
    items = [group for group in scene.groups for _ in range(group.count)]
    if isinstance(scene.background, str):
        behind = near(scene.background, rng)
        pen.box(0, 0, width, height, behind)
        for group, spot in zip(items, _spots(scene, len(items), width, height, rng), strict=True):
            _put(pen, group, spot, _colour(group, rng, scene.background), behind)
    else:
        horizon = landscape.paint(pen, scene.background, rng)
        standing = _standing(scene, len(items), width, height, horizon, rng)
        for group, spot in sorted(zip(items, standing, strict=True), key=lambda pair: pair[1].y):
            colour = landscape.lit(_colour(group, rng, None), scene.background.time, 0.25)
            THINGS[group.thing](pen, spot.x, spot.y, spot.side, colour)
    return pen.picture(scale // enlarge)


def _put(pen: Pen, group: Group, spot: Spot, colour: Colour, behind: Colour) -> None:
    if group.thing == "ring":
        ring(pen, spot.x, spot.y, spot.side, colour, behind)
    elif group.thing in SHAPES:
        SHAPES[group.thing](pen, spot.x, spot.y, spot.side, colour)
    else:
        THINGS[group.thing](pen, spot.x, spot.y + spot.side / 2, spot.side, colour)


def _colour(group: Group, rng: random.Random, behind: str | None) -> Colour:
    if group.colour is not None:
        return near(group.colour, rng)
    names = NATURAL.get(group.thing, COLOURS)
    if behind is not None:
        names = tuple(name for name in names if can_be_told_apart(name, behind)) or COLOURS
    return near(rng.choice(names), rng)


def _spots(scene: Scene, count: int, width: int, height: int, rng: random.Random) -> list[Spot]:
    """On a plain background: apart from each other, where the scene wants them."""
    short = min(width, height)
    if count == 1:
        share = {"big": (0.66, 0.84), "small": (0.2, 0.28), "": (0.36, 0.54)}[scene.size]
        side = short * rng.uniform(*share)
        return [_placed(scene.place, side, width, height, rng)]
    if len(scene.groups) == 2 and scene.place:
        return _related(scene.place, short * rng.uniform(0.3, 0.4), width, height, rng)
    share = {2: (0.3, 0.4), 3: (0.27, 0.34), 4: (0.25, 0.31)}.get(count, (0.19, 0.22))
    return _apart(count, short * rng.uniform(*share), width, height, rng)


def _placed(place: str, side: float, width: int, height: int, rng: random.Random) -> Spot:
    room_x, room_y = (width - side) / 2 - 2, (height - side) / 2 - 2
    across = {"left": (-1, -0.75), "right": (0.75, 1), "": (-0.6, 0.6)}.get(place, (-0.15, 0.15))
    down = {"top": (-1, -0.75), "bottom": (0.75, 1), "": (-0.6, 0.6)}.get(place, (-0.15, 0.15))
    return Spot(width / 2 + room_x * rng.uniform(*across), height / 2 + room_y * rng.uniform(*down), side)


def _related(place: str, side: float, width: int, height: int, rng: random.Random) -> list[Spot]:
    beside = place in ("left", "right")
    gap = (width if beside else height) * rng.uniform(0.22, 0.26)
    gap = max(gap, side * 0.62)
    sway = rng.uniform(-0.06, 0.06) * (height if beside else width)
    spots = [
        Spot(width / 2 + (end * gap if beside else sway), height / 2 + (sway if beside else end * gap), side)
        for end in (-1, 1)
    ]
    return spots if place in ("left", "above") else spots[::-1]


def _apart(count: int, side: float, width: int, height: int, rng: random.Random) -> list[Spot]:
    spots: list[Spot] = []
    for attempt in range(TRIES_MAX):
        if attempt % 60 == 59:
            spots, side = [], side * 0.95
        x, y = rng.uniform(side * 0.6, width - side * 0.6), rng.uniform(side * 0.6, height - side * 0.6)
        if all(max(abs(x - other.x), abs(y - other.y)) > side * 1.18 for other in spots):
            spots.append(Spot(x, y, side))
            if len(spots) == count:
                return spots
    return _in_rows(count, width, height)


def _in_rows(count: int, width: int, height: int) -> list[Spot]:
    rows = 2 if count > 2 else 1
    columns = -(-count // rows)
    side = min(width / columns, height / rows) * 0.72
    return [
        Spot(width * (at % columns + 0.5) / columns, height * (at // columns + 0.5) / rows, side) for at in range(count)
    ]


def _standing(scene: Scene, count: int, width: int, height: int, horizon: float, rng: random.Random) -> list[Spot]:
    """In a landscape: in one row, or two where there are many; groups one after the other."""
    if not count:
        return []
    rows = 2 if count > 4 else 1
    columns = -(-count // rows)
    room = width / columns
    side = min(
        room * (rng.uniform(0.76, 0.86) if rows == 1 else 0.72),
        height * rng.uniform(0.34, 0.42),
        26 if count > 1 else 30,
    )
    depth = height - horizon
    spots = []
    for row in range(rows):
        of_row = columns if row == 0 else count - columns
        middle = 0.35 + 0.5 * row if rows == 2 else rng.uniform(0.45, 0.75)
        for column in range(of_row):
            x = width * (column + 0.5) / of_row + rng.uniform(-1, 1) * max(0.0, room - side) * 0.4
            if of_row == 1:
                x = width * rng.uniform(0.3, 0.7)
            spots.append(Spot(x, horizon + depth * (middle + rng.uniform(-0.08, 0.08)), side))
    return spots
