"""The land: sky, hills, trees, the stable, and the meadow in front of it."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter
from PIL.Image import Resampling

from horde.worker.backends.demo_picture.colour import WHITE, Colour, lit, mix
from horde.worker.backends.demo_picture.mood import Mood
from horde.worker.backends.demo_picture.pen import Pen, as_it_is

HORIZON = 0.5
"""Where the land begins, as a share of the height from above."""
HILL_POINTS = 64
CLOUD_SHRINK = 4
"""Clouds are drawn small and enlarged, which makes them soft and costs little."""
STARS_MAX = 400
WARM: Colour = (255, 206, 116)
"""What comes out of the stable's windows and doors at night."""


@dataclass(frozen=True, slots=True)
class Place:
    """The measures of a picture in pixels, as it is drawn."""

    width: int
    height: int

    @property
    def unit(self) -> float:
        """What things are measured by, so that they fit pictures of every shape."""
        return min(self.width, self.height * 1.15)

    @property
    def horizon(self) -> float:
        """The height of the horizon, from above."""
        return self.height * HORIZON


def paint_sky(picture: Image.Image, place: Place, mood: Mood, rng: random.Random) -> None:
    """Sky, stars, sun or moon, and clouds, over the whole picture."""
    stops = Image.new("RGB", (1, len(mood.hour.sky)))
    stops.putdata(mood.hour.sky)
    high = math.ceil(place.horizon * 1.12)
    picture.paste(stops.resize((place.width, high), Resampling.BICUBIC), (0, 0))
    draw = ImageDraw.Draw(picture, "RGBA")
    if mood.hour.is_dark:
        _stars(draw, place, rng)
    at = (place.width * rng.uniform(0.16, 0.84), place.horizon * (1 - mood.hour.lamp_height * rng.uniform(0.85, 1.1)))
    _glow(picture, at, place.unit * (0.5 if mood.hour.is_dark else 0.75), mood.hour.glow, 0.7)
    if mood.hour.is_dark:
        # Night clouds are so thin that a moon behind them looks broken.
        _clouds(picture, place, mood, rng)
        _moon(draw, at, place, mood)
    else:
        draw.ellipse(_around(at, place.unit * 0.062), mood.hour.lamp)
        _clouds(picture, place, mood, rng)


def paint_land(picture: Image.Image, place: Place, mood: Mood, rng: random.Random) -> None:
    """Hills behind each other, with trees on them, the stable, and the near meadow with its path."""
    draw = ImageDraw.Draw(picture, "RGBA")
    for distance, top, swell in ((0.95, -0.12, 0.075), (0.62, -0.05, 0.055), (0.34, 0.0, 0.035)):
        colour = mood.seen(mix(mood.ground.grass, mood.ground.far, distance), distance)
        ridge = _ridge(place, top, swell, rng)
        _hill(draw, place, ridge, colour)
        if distance < 0.9:
            _trees(draw, place, ridge, mood, distance, rng)
    side = rng.choice((-1, 1))
    middle = place.width / 2 + side * min(place.width * 0.24, place.unit * 0.4)
    floor = place.horizon + place.unit * 0.085
    _hill(draw, place, _ridge(place, 0.06, 0.016, rng), mood.seen(mood.ground.grass, 0.1))
    _path(draw, place, mood, middle, floor)
    _stable(draw, (middle, floor), place.unit * 0.3, mood, is_mirrored=side > 0)
    if mood.hour.is_dark:
        _glow(picture, (middle, floor - place.unit * 0.05), place.unit * 0.26, WARM, 0.55)
    _fence(draw, place, mood, floor + place.unit * 0.02, gap=(middle, place.unit * 0.24))


def paint_meadow(picture: Image.Image, place: Place, mood: Mood, rng: random.Random, detail: float) -> None:
    """Blades of grass and flowers in the foreground; more of them the more `detail` there is."""
    draw = ImageDraw.Draw(picture, "RGBA")
    crowd = detail * min(4.0, place.width / place.unit)
    grass = mood.seen(mood.ground.grass)
    for _ in range(round(150 * crowd)):
        x, y, near = _somewhere(place, rng)
        size = place.unit * (0.006 + 0.016 * near)
        blade = lit(grass, rng.choice((-0.16, -0.1, 0.14)))
        pen = Pen(draw, (x, y), size, as_it_is)
        for lean in (-0.5, 0.0, 0.5):
            pen.stroke([(lean * 0.3, 0), (lean, 1)], 0.16, blade)
    for _ in range(round(60 * crowd)):
        x, y, near = _somewhere(place, rng)
        pen = Pen(draw, (x, y), place.unit * (0.004 + 0.007 * near), mood.seen)
        petal = rng.choice(mood.ground.flowers)
        for turn in range(5):
            angle = turn * math.tau / 5
            pen.disc((math.cos(angle) * 0.8, math.sin(angle) * 0.6), 0.55, petal)
        pen.disc((0, 0), 0.45, mix(petal, (250, 190, 60), 0.75))


def _somewhere(place: Place, rng: random.Random) -> tuple[float, float, float]:
    near = math.sqrt(rng.random())
    low = place.horizon + place.unit * 0.14
    return rng.random() * place.width, low + (place.height - low) * near, near


def _stars(draw: ImageDraw.ImageDraw, place: Place, rng: random.Random) -> None:
    count = min(STARS_MAX, round(110 * place.width / place.unit))
    for _ in range(count):
        x, y = rng.random() * place.width, rng.random() * place.horizon * 0.92
        radius = place.unit * rng.choice((0.0012, 0.0016, 0.0022, 0.0032))
        draw.ellipse(_around((x, y), radius), (255, 250, 230, rng.randint(90, 240)))


def _moon(draw: ImageDraw.ImageDraw, at: tuple[float, float], place: Place, mood: Mood) -> None:
    pen = Pen(draw, at, place.unit * 0.062, as_it_is)
    pen.disc((0, 0), 1, mood.hour.lamp)
    for centre, radius in (((-0.35, 0.3), 0.2), ((0.3, -0.1), 0.27), ((-0.15, -0.5), 0.15), ((0.4, 0.5), 0.1)):
        pen.disc(centre, radius, (226, 220, 204))


def _glow(picture: Image.Image, at: tuple[float, float], radius: float, colour: Colour, strength: float) -> None:
    side = max(2, round(radius * 2))
    # The gradient is 0 in the middle and 255 at the corners; squared, it falls off as light does.
    fade = [round(strength * 255 * max(0.0, 1 - level / 181) ** 2) for level in range(256)]
    mask = Image.radial_gradient("L").point(fade).resize((side, side), Resampling.BILINEAR)
    picture.paste(colour, (round(at[0] - radius), round(at[1] - radius)), mask)


def _clouds(picture: Image.Image, place: Place, mood: Mood, rng: random.Random) -> None:
    size = (max(1, place.width // CLOUD_SHRINK), max(1, int(place.horizon) // CLOUD_SHRINK))
    mask, unit = Image.new("L", size), place.unit / CLOUD_SHRINK
    for _ in range(min(24, max(2, round(4 * place.width / place.unit)))):
        x, y = rng.random() * size[0], size[1] * rng.uniform(0.12, 0.72)
        length, level = unit * rng.uniform(0.1, 0.2), rng.randint(130, 215)
        cloud = Image.new("L", size)
        puffs = ImageDraw.Draw(cloud)
        # Puffs that stand on one line, with a long low one under them, make a cloud.
        puffs.rounded_rectangle((x - length * 1.2, y - length * 0.3, x + length * 1.2, y), length * 0.15, level)
        for across in (-0.75, -0.3, 0.15, 0.6):
            radius = length * (0.46 - 0.3 * abs(across)) * rng.uniform(0.8, 1.1)
            middle = x + length * (across + rng.uniform(-0.1, 0.1))
            puffs.ellipse((middle - radius, y - radius * 2, middle + radius, y), level)
        mask = ImageChops.lighter(mask, cloud)
    soft = mask.filter(ImageFilter.GaussianBlur(unit * 0.004))
    full = (size[0] * CLOUD_SHRINK, size[1] * CLOUD_SHRINK)
    picture.paste(mood.hour.cloud, (0, 0), soft.resize(full, Resampling.BICUBIC))


def _ridge(place: Place, top: float, swell: float, rng: random.Random) -> list[tuple[float, float]]:
    """The outline of a hill from left to right; `top` and `swell` in units, downwards from the horizon."""
    waves = [(rng.uniform(0.5, 1.1), rng.random() * math.tau), (rng.uniform(1.4, 2.4), rng.random() * math.tau)]
    ridge = []
    for at in range(HILL_POINTS + 1):
        x = place.width * at / HILL_POINTS
        along = x / place.unit
        wave = sum(math.sin(along * pace * math.pi + start) / (1 + pace) for pace, start in waves)
        ridge.append((x, place.horizon + place.unit * (top + swell * wave)))
    return ridge


def _hill(draw: ImageDraw.ImageDraw, place: Place, ridge: list[tuple[float, float]], colour: Colour) -> None:
    draw.polygon([*ridge, (place.width, place.height), (0, place.height)], colour)


def _trees(
    draw: ImageDraw.ImageDraw,
    place: Place,
    ridge: list[tuple[float, float]],
    mood: Mood,
    distance: float,
    rng: random.Random,
) -> None:
    for _ in range(min(40, round(7 * place.width / place.unit))):
        x, y = rng.choice(ridge)
        x += rng.uniform(-0.5, 0.5) * place.width / HILL_POINTS
        pen = Pen(
            draw, (x, y + place.unit * 0.008), place.unit * (0.13 - 0.1 * distance), lambda c: mood.seen(c, distance)
        )
        leaf = mix(mood.ground.leaf, mood.ground.grass, rng.uniform(0, 0.3))
        pen.box((0, 0.2), (0.035, 0.25), (112, 84, 70))
        if mood.ground.has_snow or rng.random() < 0.35:
            _fir(pen, leaf, has_snow=mood.ground.has_snow)
        else:
            pen.disc((0.12, 0.55), 0.26, lit(leaf, -0.14))
            pen.disc((-0.13, 0.52), 0.24, leaf)
            pen.disc((-0.02, 0.74), 0.27, lit(leaf, 0.08))


def _fir(pen: Pen, leaf: Colour, *, has_snow: bool) -> None:
    for low, wide, high in ((0.2, 0.27, 0.4), (0.42, 0.21, 0.36), (0.64, 0.15, 0.36)):
        pen.area([(-wide, low), (wide, low), (0, low + high)], leaf)
        pen.area([(0, low), (wide, low), (0, low + high)], lit(leaf, -0.14))
        if has_snow:
            pen.area([(-wide * 0.5, low + high * 0.5), (wide * 0.5, low + high * 0.5), (0, low + high)], WHITE)


def _path(draw: ImageDraw.ImageDraw, place: Place, mood: Mood, middle: float, floor: float) -> None:
    left, right = [], []
    for at in range(21):
        share = at / 20
        y = floor + (place.height - floor) * share
        x = middle + (place.width / 2 - middle) * share + math.sin(share * math.pi * 1.6) * place.unit * 0.09
        half = place.unit * (0.03 + 0.2 * share**1.5)
        left.append((x - half, y))
        right.append((x + half, y))
    draw.polygon([*left, *reversed(right)], mood.seen(mix(mood.ground.path, mood.ground.grass, 0.35), 0.05))


def _stable(draw: ImageDraw.ImageDraw, at: tuple[float, float], scale: float, mood: Mood, *, is_mirrored: bool) -> None:
    pen = Pen(draw, at, scale, lambda colour: mood.seen(colour, 0.08), is_mirrored=is_mirrored)
    red, trim, roof = (196, 72, 62), (250, 240, 224), (108, 84, 92)
    if mood.ground.has_snow:
        roof = (240, 246, 252)
    # The long side, going away to the right, then the front before it.
    pen.area([(0.4, 0), (1.15, 0.03), (1.15, 0.46), (0.4, 0.5)], lit(red, -0.22))
    for x in (0.62, 0.86):
        pen.box((x, 0.27), (0.07, 0.075), trim)
        (pen.bright if mood.hour.is_dark else pen).box((x, 0.27), (0.05, 0.055), WARM)
    pen.area([(0.42, 0.46), (1.2, 0.42), (1.06, 0.7), (0.3, 0.76)], lit(roof, -0.08))
    pen.area([(0.3, 0.75), (1.06, 0.69), (0.86, 0.86), (0.0, 0.96)], roof)
    front = [(-0.4, 0), (0.4, 0), (0.4, 0.5), (0.28, 0.76), (0, 0.94), (-0.28, 0.76), (-0.4, 0.5)]
    pen.area(front, red)
    for at_x in range(-3, 4):
        pen.stroke([(at_x * 0.115, 0.02), (at_x * 0.115, 0.56)], 0.008, lit(red, -0.16))
    pen.stroke([(-0.46, 0.46), (-0.3, 0.77), (0, 0.96), (0.3, 0.77), (0.46, 0.46)], 0.06, lit(roof, -0.1))
    pen.stroke([(-0.4, 0.015), (-0.4, 0.5)], 0.03, trim)
    pen.stroke([(0.4, 0.015), (0.4, 0.5)], 0.03, trim)
    _doors(pen, trim, is_dark=mood.hour.is_dark)


def _doors(pen: Pen, trim: Colour, *, is_dark: bool) -> None:
    inside = WARM if is_dark else (88, 54, 58)
    lamp = pen.bright if is_dark else pen
    pen.box((0, 0.215), (0.2, 0.215), trim)
    lamp.box((0, 0.2), (0.165, 0.195), inside)
    pen.disc((0, 0.62), 0.088, trim)
    lamp.disc((0, 0.62), 0.066, inside)
    for side in (-1, 1):
        pen.box((side * 0.28, 0.2), (0.085, 0.195), trim)
        pen.box((side * 0.28, 0.2), (0.065, 0.175), (178, 62, 56))
        pen.stroke([(side * 0.22, 0.03), (side * 0.34, 0.37)], 0.022, trim)
        pen.stroke([(side * 0.34, 0.03), (side * 0.22, 0.37)], 0.022, trim)


def _around(at: tuple[float, float], radius: float) -> tuple[float, float, float, float]:
    return (at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius)


def _fence(draw: ImageDraw.ImageDraw, place: Place, mood: Mood, floor: float, *, gap: tuple[float, float]) -> None:
    step = place.unit * 0.085
    wood = (236, 222, 200)
    middle, reach = gap
    for at in range(math.ceil(place.width / step) + 1):
        x = at * step
        pen = Pen(
            draw, (x, floor + place.unit * 0.012 * math.sin(x / place.unit * 5)), step, lambda c: mood.seen(c, 0.12)
        )
        if abs(x - middle) > reach and abs(x + step - middle) > reach:
            for high in (0.28, 0.5):
                pen.stroke([(0, high), (1, high)], 0.07, wood)
        if abs(x - middle) > reach:
            pen.box((0, 0.32), (0.06, 0.34), lit(wood, -0.06), round_by=0.04)
