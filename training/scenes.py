"""What a scene holds, as words could tell it; and scenes drawn by lot."""

from __future__ import annotations

import random
from dataclasses import dataclass

from training.palette import PALETTE
from training.shapes import SHAPES
from training.things import THINGS

SHAPE_NAMES = (*SHAPES, "ring")
THING_NAMES = tuple(THINGS)
COLOURS = tuple(PALETTE)
TIMES = ("day", "dawn", "sunset", "night")
GROUNDS = ("meadow", "snow", "desert", "sea")
RELIEFS = ("flat", "hills", "mountains")
SKIES = {
    "day": ("sun", "clouds", "rainbow"),
    "dawn": ("sun", "clouds"),
    "sunset": ("sun", "clouds"),
    "night": ("moon", "stars", "clouds"),
}
"""What can stand in the sky of each time of day."""
HORDE = 5
"""From here on nobody counts: the words say `many` or `a horde`."""
COUNT_MAX = 8
COUNTS = (1, 2, 3, 4)
CONTRAST_MIN = 110
"""Between a thing and a plain background, summed over the channels: keeps white things from yellow ones by a little."""
NATURAL = {
    "tree": ("green", "green", "orange"),
    "fir": ("green",),
    "horse": ("brown", "brown", "white", "black", "grey"),
    "cat": ("black", "orange", "grey", "white"),
    "robot": ("grey", "blue", "red", "turquoise", "orange", "green", "purple", "yellow"),
    "house": ("white", "yellow", "red", "orange", "turquoise"),
    "flower": ("red", "yellow", "pink", "purple", "orange", "white"),
    "mushroom": ("red", "red", "brown"),
    "rocket": ("white", "red", "grey"),
    "boat": ("red", "brown", "blue", "white"),
}
"""What colour a thing has when nobody says one; of shapes: any."""


@dataclass(frozen=True, slots=True)
class Group:
    """Things of one name and one colour."""

    count: int
    thing: str
    colour: str | None
    """None: each its own."""


@dataclass(frozen=True, slots=True)
class Land:
    """Everything behind the things of a landscape."""

    time: str
    ground: str
    relief: str
    sky: tuple[str, ...]
    stable: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """One or two groups before a background: a colour's name or a landscape."""

    groups: tuple[Group, ...]
    background: str | Land
    size: str = ""
    """`big` or `small` for a single thing; empty: neither."""
    place: str = ""
    """Of a single thing: `left`, `right`, `top`, `bottom` or `middle`. Of two: where the first is, seen from the
    second: `left`, `right`, `above` or `below`. Empty: anywhere."""


def any_scene(rng: random.Random) -> Scene:
    """A scene drawn by lot; shapes lie on plain colours, things stand there too or in landscapes."""
    lot = rng.random()
    if lot < 0.42:
        return _plain(SHAPE_NAMES, rng)
    if lot < 0.58:
        return _plain(THING_NAMES, rng)
    return _landscape(rng)


def _plain(names: tuple[str, ...], rng: random.Random) -> Scene:
    background = rng.choice(COLOURS)
    colours = [colour for colour in COLOURS if can_be_told_apart(colour, background)]
    if rng.random() < 0.25:
        first = Group(1, rng.choice(names), rng.choice(colours))
        others = [name for name in names if name != first.thing] if rng.random() < 0.85 else [first.thing]
        second = Group(1, rng.choice(others), rng.choice([colour for colour in colours if colour != first.colour]))
        return Scene((first, second), background, place=rng.choice(("left", "right", "above", "below", "", "")))
    group = Group(_any_count(rng), rng.choice(names), rng.choice(colours) if rng.random() < 0.93 else None)
    if group.count > 1:
        return Scene((group,), background)
    size = rng.choice(("big", "small", "", "", "", ""))
    place = rng.choice(("left", "right", "top", "bottom", "middle", "", "", "", "", "")) if size != "big" else ""
    return Scene((group,), background, size, place)


def _landscape(rng: random.Random) -> Scene:
    ground = rng.choice(("meadow", "meadow", "meadow", "snow", "desert", "sea"))
    time = rng.choice(("day", "day", "dawn", "sunset", "night", "night"))
    relief = rng.choice(RELIEFS)
    sky = [body for body in SKIES[time] if rng.random() < (0.2 if body == "rainbow" else 0.45)]
    if "rainbow" in sky:
        sky = ["rainbow", *(body for body in sky if body == "clouds")]
    has_stable = ground in ("meadow", "snow") and rng.random() < 0.25
    land = Land(time, ground, relief, tuple(sky), has_stable)
    names = ("boat",) if ground == "sea" else tuple(name for name in THING_NAMES if name != "boat")
    if rng.random() < 0.07:
        return Scene((), land)
    if has_stable:
        names = ("robot", "robot", "horse", "horse", *names)
    if ground != "sea" and rng.random() < 0.3:
        first, second = rng.sample(sorted(set(names)), 2)
        counts = rng.choice(((1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (3, 1)))
        return Scene((_of_land(first, counts[0], rng), _of_land(second, counts[1], rng)), land)
    return Scene((_of_land(rng.choice(names), _any_count(rng), rng),), land)


def _of_land(thing: str, count: int, rng: random.Random) -> Group:
    return Group(count, thing, rng.choice(COLOURS) if rng.random() < 0.6 else None)


def _any_count(rng: random.Random) -> int:
    return rng.choices((1, 2, 3, 4, rng.randint(HORDE, COUNT_MAX)), (34, 19, 19, 18, 10))[0]


def can_be_told_apart(colour: str, background: str) -> bool:
    """Whether a thing of the one colour is seen before the other: not too near in brightness and hue."""
    return sum(abs(a - b) for a, b in zip(PALETTE[colour], PALETTE[background], strict=True)) > CONTRAST_MIN
