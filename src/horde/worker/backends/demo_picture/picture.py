"""Puts a picture together: the land, the herd, and a line that says that no model made it."""

from __future__ import annotations

import math
import random
import unicodedata
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont
from PIL.Image import Resampling

from horde.worker.backends.demo_picture import robots
from horde.worker.backends.demo_picture.colour import Colour
from horde.worker.backends.demo_picture.landscape import Place, paint_land, paint_meadow, paint_sky
from horde.worker.backends.demo_picture.mood import Mood
from horde.worker.backends.demo_picture.pen import Pen
from horde.worker.backends.demo_picture.scene import Scene

FINENESS = 2
"""Everything is drawn larger by this and then reduced, which smooths all edges."""
DRAWN_PIXELS_MAX = 4096 * 4096
"""Large pictures are drawn less fine, so that none needs more than 50 MB."""
GOLDEN = (math.sqrt(5) - 1) / 2
ROOMY_COUNT = 8
"""Robots are drawn at full size up to this number, and smaller above it."""
CAPTION = "demo, no model"
ELLIPSIS = "..."
QUOTES = str.maketrans("‘’“”–—", "''\"\"--")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a robot stands: `x` and `near` are shares of the meadow, from the left and from afar."""

    x: float
    near: float


def draw(scene: Scene, prompt: str, width: int, height: int) -> Image.Image:
    """The picture of a scene, RGB, with the caption."""
    fineness = min(FINENESS, math.sqrt(DRAWN_PIXELS_MAX / (width * height)))
    place = Place(round(width * fineness), round(height * fineness))
    mood, rng = Mood.of(scene), random.Random(scene.chance)  # noqa: S311 - a drawing, no secret
    picture = Image.new("RGB", (place.width, place.height))
    paint_sky(picture, place, mood, rng)
    paint_land(picture, place, mood, rng)
    paint_meadow(picture, place, mood, rng, scene.detail)
    _paint_herd(picture, place, mood, scene, rng)
    small = picture.resize((width, height), Resampling.BOX if fineness == FINENESS else Resampling.LANCZOS)
    _write(small, prompt)
    return small


def readable(prompt: str) -> str:
    """The words of a prompt that can be written: the font that Pillow brings has the letters of ASCII alone."""
    plain = unicodedata.normalize("NFKD", prompt.translate(QUOTES))
    bare = "".join(character for character in plain if not unicodedata.combining(character))
    return " ".join(word for word in bare.split() if word.isascii() and word.isprintable())


def _paint_herd(picture: Image.Image, place: Place, mood: Mood, scene: Scene, rng: random.Random) -> None:
    pen_draw = ImageDraw.Draw(picture, "RGBA")
    crowd = max(1.0, scene.robots / ROOMY_COUNT * place.unit / place.width)
    low, high = place.horizon + place.unit * 0.15, place.height * 0.93
    for standing in _standings(scene.robots, rng):
        y = low + (high - low) * standing.near
        size = place.unit * (0.12 + 0.2 * standing.near) / math.sqrt(crowd)
        x = size * 0.45 + (place.width - size * 0.9) * standing.x
        paint = rng.choice(scene.colours)
        robot = robots.pony if rng.random() < scene.pony_share else rng.choice(robots.KINDS)
        distance = 0.22 * (1 - standing.near)

        def seen(colour: Colour, distance: float = distance) -> Colour:
            return mood.seen(colour, distance)

        # They look to the middle, at each other and at us.
        pen = Pen(pen_draw, (x, y), size, seen, is_mirrored=(x > place.width / 2) != (rng.random() < 0.2))
        robot(pen, paint, rng)


def _standings(count: int, rng: random.Random) -> list[Standing]:
    """From far to near. Steps of the golden ratio keep each from standing before those just behind it."""
    start = rng.random()
    return [Standing((start + at * GOLDEN) % 1, (at + rng.uniform(0.2, 0.8)) / count) for at in range(count)]


def _write(picture: Image.Image, prompt: str) -> None:
    size = max(7, min(22, round(min(picture.width / 26, picture.height / 16))))
    font = ImageFont.load_default(size)
    margin = max(2, size // 2)
    text = _fitting(f"{CAPTION}: {readable(prompt)}", font, picture.width - 2 * margin)
    band = size + margin
    draw = ImageDraw.Draw(picture, "RGBA")
    draw.rectangle((0, picture.height - band, picture.width, picture.height), (20, 22, 40, 120))
    draw.text((margin, picture.height - band / 2), text, (255, 255, 255, 235), font, anchor="lm")


def _fitting(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text.rstrip(" :")
    while len(text) > len(CAPTION) and font.getlength(text + ELLIPSIS) > width:
        text = text[:-1]
    return text.rstrip(" :") + ELLIPSIS if text.rstrip(" :") != CAPTION else CAPTION
