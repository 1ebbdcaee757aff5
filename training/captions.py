"""Tells a scene in words: each in many ways, and seldom all of it, so that short prompts are known too.

Synonyms are no matter of the captions: `words.txt` reads them as the words used here.
"""

from __future__ import annotations

import random
from itertools import starmap

from training.scenes import HORDE, Group, Land, Scene

NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four"}
SAID = 0.75
"""How likely each part of a landscape is told."""


def caption(scene: Scene, rng: random.Random) -> str:
    """One of its wordings, in lower case."""
    if isinstance(scene.background, str):
        return _plain(scene, scene.background, rng)
    return _landscape(scene, scene.background, rng)


def _plain(scene: Scene, background: str, rng: random.Random) -> str:
    groups = [_told(group, rng, scene.size) for group in scene.groups]
    what = _related(groups, scene.place, rng) if len(groups) == 2 else groups[0] + _where(scene.place, rng)
    if rng.random() < 0.12:
        return what
    return rng.choice((
        f"{what} on a {background} background",
        f"{what} on a {background} background",
        f"{what} on {background}",
        f"{what}, {background} background",
        f"{what} before a {background} background",
        f"{what} with a {background} background",
        f"a {background} background with {what}",
        f"a {background} background and {what}",
    ))  # fmt: skip


def _related(groups: list[str], place: str, rng: random.Random) -> str:
    first, second = groups
    if place in ("left", "right"):
        other = "right" if place == "left" else "left"
        return rng.choice((
            f"{first} to the {place} of {second}",
            f"{first} {place} of {second}",
            f"{first} on the {place} and {second} on the {other}",
            f"{second} on the {other} and {first} on the {place}",
        ))  # fmt: skip
    if place in ("above", "below"):
        other = "below" if place == "above" else "above"
        return rng.choice((f"{first} {place} {second}", f"{second} {other} {first}", f"{first} {place} {second}"))
    pair = rng.sample(groups, 2)
    return rng.choice((" and ", " with ", ", ")).join(pair)


def _where(place: str, rng: random.Random) -> str:
    if not place or rng.random() < 0.2:
        return ""
    if place in ("top", "bottom"):
        return rng.choice((f" at the {place}", f" in the {place}"))
    return rng.choice((f" on the {place}", f" in the {place}")) if place != "middle" else " in the middle"


def _told(group: Group, rng: random.Random, size: str = "") -> str:
    colour = group.colour or ""
    if not colour and group.count > 1 and rng.random() < 0.3:
        colour = "colourful"
    if group.count == 1:
        words = [rng.choice(("a", "a", "a", "one", "")), size, colour, group.thing]
    else:
        words = [_number(group.count, rng), colour, plural(group.thing)]
    return " ".join(word for word in words if word)


def _number(count: int, rng: random.Random) -> str:
    if count >= HORDE:
        return rng.choice(("many", "many", "a horde of", "a horde of", "several", ""))
    if rng.random() < 0.85:
        return NUMBERS[count]
    return rng.choice(("several", "")) if count > 2 else ""


def plural(thing: str) -> str:
    """Of all the things there are, only the cross needs more than an s."""
    return thing + ("es" if thing == "cross" else "s")


def _landscape(scene: Scene, land: Land, rng: random.Random) -> str:
    groups = list(starmap(_told, ((group, rng) for group in scene.groups)))
    rng.shuffle(groups)
    what = rng.choice((" and ", " and ", " with ", ", ")).join(groups)
    parts = _parts(land, rng)
    if land.stable and groups and rng.random() < 0.35:
        what = _of_a_stable(scene.groups[0], rng) if len(groups) == 1 else f"stable {what}"
    elif land.stable and rng.random() < 0.9:
        parts.append(rng.choice(("before a stable", "at a stable", "with a stable")))
    rng.shuffle(parts)
    if not what:
        what = rng.choice(("", "landscape", "a landscape"))
    if rng.random() < 0.25 and what:
        return f"{' '.join(parts)} with {what}" if rng.random() < 0.6 else f"{' '.join(parts)}, {what}"
    return " ".join([what, *parts]).strip()


def _of_a_stable(group: Group, rng: random.Random) -> str:
    """'A horde of stable robots', as the horde's first example has it."""
    told = _told(group, rng)
    name = group.thing if group.count == 1 else plural(group.thing)
    return told.removesuffix(name) + f"stable {name}"


def _parts(land: Land, rng: random.Random) -> list[str]:
    parts: list[str] = []
    sky = [body for body in land.sky if rng.random() < SAID]
    if rng.random() < SAID or land.time == "night":
        bodies = [("" if body in ("stars", "clouds") else "a ") + body for body in sky]
        under = f"under a {land.time} sky" + (f" with {' and '.join(bodies)}" if bodies else "")
        at = f"{rng.choice(('at', 'in', 'on a'))} {land.time}" + (f" with {' and '.join(bodies)}" if bodies else "")
        parts.append(rng.choice((under, at, at, f"a {land.time} sky", land.time)))
        if not parts[-1].endswith(tuple(sky) or "-") and sky and rng.random() < 0.7:
            parts.append(rng.choice(("under ", "with ", "", "")) + " and ".join(sky))
    elif sky:
        parts.append(rng.choice(("under ", "with ", "")) + " and ".join(sky))
    if rng.random() < SAID:
        where = "on" if land.ground == "sea" else "in"
        parts.append(rng.choice((f"{where} the {land.ground}", f"{where} a {land.ground}", land.ground)))
    if land.relief != "flat" and rng.random() < SAID:
        parts.append(rng.choice((f"with {land.relief}", f"before {land.relief}", land.relief)))
    return parts
