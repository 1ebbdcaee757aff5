"""Paints skies and grounds, and says where on the ground things may stand."""

from __future__ import annotations

import math
import random

from training import things
from training.palette import PALETTE, SNOW, Colour, darker, lighter, mix
from training.pen import Pen
from training.scenes import Land

SKY: dict[str, tuple[Colour, Colour]] = {
    "day": ((104, 180, 240), (198, 230, 250)),
    "dawn": ((150, 160, 226), (255, 206, 206)),
    "sunset": ((122, 74, 140), (255, 150, 84)),
    "night": ((16, 22, 58), (44, 56, 108)),
}
"""From the top down to the horizon."""
GROUND: dict[str, Colour] = {
    "meadow": (124, 192, 92),
    "snow": (238, 243, 250),
    "desert": (236, 200, 132),
    "sea": (42, 124, 190),
}
LIGHT: dict[str, tuple[Colour, float]] = {
    "day": ((255, 255, 255), 0.0),
    "dawn": ((255, 190, 190), 0.12),
    "sunset": ((110, 40, 70), 0.25),
    "night": ((10, 16, 50), 0.5),
}
"""What each time of day lays over ground and hills, and how much. Things keep their colours, so that red is red."""
BANDS = 24


def paint(pen: Pen, land: Land, rng: random.Random) -> float:
    """Paint sky, hills and ground; the height of the horizon comes back."""
    horizon = pen.height * rng.uniform(0.5, 0.64)
    _sky(pen, land, horizon, rng)
    if land.relief == "mountains":
        _mountains(pen, land, horizon, rng)
    elif land.relief == "hills":
        _hills(pen, land, horizon, rng)
    colour = lit(GROUND[land.ground], land.time)
    pen.box(0, horizon, pen.width, pen.height, colour)
    if land.ground == "sea":
        _waves(pen, horizon, lighter(colour, 0.3), rng)
    else:
        pen.box(0, pen.height * 0.86, pen.width, pen.height, mix(colour, darker(colour), 0.3))
    if land.stable:
        height = pen.height * rng.uniform(0.36, 0.44)
        x = pen.width * rng.choice((0.28, 0.5, 0.72))
        things.stable(pen, x, horizon + pen.height * 0.06, height, lit((186, 62, 52), land.time, 0.5))
    return horizon


def lit(colour: Colour, time: str, share: float = 1.0) -> Colour:
    """A colour in the light of this time of day; a share of 0 leaves it as it is."""
    light, strength = LIGHT[time]
    return mix(colour, light, strength * share)


def _sky(pen: Pen, land: Land, horizon: float, rng: random.Random) -> None:
    top, low = SKY[land.time]
    for band in range(BANDS):
        upper = horizon * band / BANDS
        pen.box(0, upper, pen.width, horizon * (band + 1) / BANDS + 1, mix(top, low, band / (BANDS - 1)))
    if "stars" in land.sky:
        for _ in range(round(pen.width * pen.height / 180)):
            pen.disc(rng.uniform(1, pen.width - 1), rng.uniform(1, horizon * 0.85), rng.uniform(0.4, 0.8), SNOW)
    left = rng.random() < 0.5
    if "rainbow" in land.sky:
        _rainbow(pen, horizon, rng)
    if "sun" in land.sky:
        low_sun = land.time != "day"
        x = pen.width * (rng.uniform(0.15, 0.32) if left else rng.uniform(0.68, 0.85))
        y = horizon * (rng.uniform(0.6, 0.8) if low_sun else rng.uniform(0.25, 0.4))
        radius = rng.uniform(5.5, 7)
        core = (255, 120, 70) if land.time == "sunset" else (255, 226, 90)
        pen.disc(x, y, radius * 1.3, mix(core, mix(top, low, 0.5), 0.6))
        pen.disc(x, y, radius, core)
    if "moon" in land.sky:
        x = pen.width * (rng.uniform(0.15, 0.32) if left else rng.uniform(0.68, 0.85))
        _moon(pen, x, horizon * rng.uniform(0.28, 0.42), rng)
    if "clouds" in land.sky:
        for x in (0.25, 0.7) if rng.random() < 0.5 else (0.5, 0.9):
            _cloud(pen, pen.width * (x + rng.uniform(-0.1, 0.1)), horizon * rng.uniform(0.2, 0.55), land.time, rng)


def _moon(pen: Pen, x: float, y: float, rng: random.Random) -> None:
    radius = rng.uniform(5.5, 7)
    pen.disc(x, y, radius, (250, 242, 206))
    for across, down, size in ((-0.3, -0.2, 0.22), (0.35, 0.1, 0.17), (-0.1, 0.45, 0.14)):
        pen.disc(x + across * radius, y + down * radius, size * radius, (226, 216, 176))


def _cloud(pen: Pen, x: float, y: float, time: str, rng: random.Random) -> None:
    size, colour = rng.uniform(3.2, 4.4), lit((250, 252, 255), time, 1.2 if time == "night" else 0.8)
    for across, up, radius in ((-1.1, 0, 0.8), (-0.2, 0.4, 1.05), (0.9, 0.1, 0.85)):
        pen.disc(x + across * size, y - up * size, radius * size, colour)
    pen.box(x - 1.7 * size, y - 0.05 * size, x + 1.6 * size, y + 0.8 * size, colour, corner=0.7 * size)


def _rainbow(pen: Pen, horizon: float, rng: random.Random) -> None:
    radius, x = horizon * 0.86, pen.width * rng.uniform(0.4, 0.6)
    for band, name in enumerate(("red", "orange", "yellow", "green", "blue", "purple")):
        pen.arc(x, horizon + 2, radius - band * 1.7, 2.1, PALETTE[name])


def _mountains(pen: Pen, land: Land, horizon: float, rng: random.Random) -> None:
    colour = lit(mix((128, 134, 168), SKY[land.time][1], 0.2), land.time)
    peaks = rng.choice((2, 3))
    for peak in range(peaks):
        x = pen.width * ((peak + 0.5) / peaks + rng.uniform(-0.1, 0.1))
        height, half = horizon * rng.uniform(0.42, 0.62), pen.width * rng.uniform(0.24, 0.34)
        tint = mix(colour, darker(colour), 0.35 * (peak % 2))
        pen.polygon([(x - half, horizon + 1), (x, horizon - height), (x + half, horizon + 1)], tint)
        cap = 0.3
        pen.polygon([(x - half * cap, horizon - height * (1 - cap)), (x, horizon - height),
                     (x + half * cap, horizon - height * (1 - cap)), (x + half * cap * 0.3, horizon - height * 0.76),
                     (x - half * cap * 0.3, horizon - height * 0.66)], lit(SNOW, land.time, 0.6))  # fmt: skip


def _hills(pen: Pen, land: Land, horizon: float, rng: random.Random) -> None:
    near = lit(GROUND["meadow"] if land.ground == "sea" else GROUND[land.ground], land.time)
    for layer, share in ((0, 0.45), (1, 0.22)):
        colour = mix(darker(near, 0.18), SKY[land.time][1], share)
        phase, waves = rng.uniform(0, 2 * math.pi), rng.uniform(1.2, 2.0)
        height = pen.height * (0.15 - 0.06 * layer)
        points = [(0.0, horizon + 1)]
        for step in range(33):
            x = pen.width * step / 32
            points.append((x, horizon - height * (0.55 + 0.45 * math.sin(phase + waves * 2 * math.pi * step / 32))))
        pen.polygon([*points, (pen.width, horizon + 1)], colour)


def _waves(pen: Pen, horizon: float, colour: Colour, rng: random.Random) -> None:
    for row in range(4):
        y = horizon + (pen.height - horizon) * (row + 0.5) / 4
        for _ in range(2):
            x = rng.uniform(0, pen.width)
            pen.box(x, y, x + rng.uniform(4, 9), y + 0.9, colour, corner=0.4)
