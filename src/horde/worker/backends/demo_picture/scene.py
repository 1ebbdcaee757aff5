"""Reads a prompt: what of its words can be shown, and by the seed all that they leave open."""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import dataclass
from typing import Literal, TypeVar

from horde.worker.backends.demo_picture.colour import ROBOT_COLOURS, Colour

Time = Literal["dawn", "day", "dusk", "night"]
Season = Literal["spring", "summer", "autumn", "winter", "desert"]
T = TypeVar("T", bound=str)

TIME_WORDS: dict[str, Time] = {
    "dawn": "dawn", "morning": "dawn", "sunrise": "dawn",
    "day": "day", "noon": "day", "sunny": "day", "daylight": "day", "bright": "day",
    "dusk": "dusk", "evening": "dusk", "sunset": "dusk", "golden": "dusk", "twilight": "dusk",
    "night": "night", "moon": "night", "moonlight": "night", "midnight": "night", "stars": "night", "dark": "night",
}  # fmt: skip
SEASON_WORDS: dict[str, Season] = {
    "spring": "spring", "flowers": "spring", "blossom": "spring",
    "summer": "summer", "green": "summer", "meadow": "summer",
    "autumn": "autumn", "fall": "autumn", "october": "autumn", "harvest": "autumn",
    "winter": "winter", "snow": "winter", "snowy": "winter", "ice": "winter", "christmas": "winter",
    "desert": "desert", "mars": "desert", "sand": "desert", "canyon": "desert",
}  # fmt: skip
COUNT_WORDS = {
    "empty": 0, "lonely": 1, "single": 1, "one": 1, "pair": 2, "couple": 2, "two": 2, "three": 3, "four": 4,
    "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "dozen": 12, "twelve": 12,
    "herd": 9, "group": 7, "many": 12, "crowd": 14, "horde": 11, "army": 18, "swarm": 18, "hundred": 24, "thousand": 24,
}  # fmt: skip
PONY_WORDS = frozenset({"horse", "horses", "pony", "ponies", "mare", "stallion", "foal", "unicorn", "mustang"})
COUNT_DEFAULT = (6, 9)
COUNT_MAX = 24
WORD = re.compile(r"[a-z]+|\d{1,4}")
USUAL_TIMES: tuple[Time, ...] = ("day", "day", "dawn", "dusk", "dusk", "night")
USUAL_SEASONS: tuple[Season, ...] = ("spring", "summer", "summer", "autumn")
DETAIL_STEPS = 30
"""The steps of most requests; a picture of fewer has fewer flowers and blades of grass."""
DETAIL_MAX = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a picture shows."""

    time: Time
    season: Season
    robots: int
    colours: tuple[Colour, ...]
    """What the robots are painted in."""
    pony_share: float
    """How many of the robots are ponies, 0 to 1."""
    detail: float
    """How much grows in the meadow; 1 is usual."""
    chance: str
    """What the places of all things are drawn from."""


def scene_of(prompt: str, *, seed: int, steps: int) -> Scene:
    """The scene that a prompt speaks of. The same arguments give the same scene, on every machine."""
    # Not hash(): it differs from one process to the next.
    chance = hashlib.sha256(f"{seed}\n{prompt}".encode()).hexdigest()
    rng = random.Random(chance)  # noqa: S311 - a drawing, no secret
    words = WORD.findall(prompt.lower())
    any_time, any_season = rng.choice(USUAL_TIMES), rng.choice(USUAL_SEASONS)
    any_count = rng.randint(*COUNT_DEFAULT)
    any_colours = tuple(rng.sample(list(ROBOT_COLOURS.values()), 5))
    named = tuple(ROBOT_COLOURS[word] for word in words if word in ROBOT_COLOURS)
    return Scene(
        time=_first(words, TIME_WORDS, any_time),
        season=_first(words, SEASON_WORDS, any_season),
        robots=_count(words, any_count),
        colours=named or any_colours,
        pony_share=0.8 if PONY_WORDS.intersection(words) else 0.3,
        detail=min(steps / DETAIL_STEPS, DETAIL_MAX),
        chance=chance,
    )


def _first(words: list[str], known: dict[str, T], otherwise: T) -> T:
    return next((known[word] for word in words if word in known), otherwise)


def _count(words: list[str], otherwise: int) -> int:
    for word in words:
        if word.isdigit() or word in COUNT_WORDS:
            return min(COUNT_WORDS[word] if word in COUNT_WORDS else int(word), COUNT_MAX)
    return otherwise
