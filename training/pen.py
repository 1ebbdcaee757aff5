"""Draws in the pixels of the finished picture, on a canvas that is larger: edges come out smooth when it shrinks."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from training.palette import Colour

Point = tuple[float, float]


class Pen:
    """Flat shapes; coordinates from the upper left corner, in pixels of the finished picture."""

    def __init__(self, width: int, height: int, scale: int) -> None:
        self.width, self.height, self._scale = width, height, scale
        self._image = Image.new("RGB", (width * scale, height * scale))
        self._draw = ImageDraw.Draw(self._image)

    def ellipse(self, x: float, y: float, radius_x: float, radius_y: float, fill: Colour) -> None:
        """Around the middle (x, y)."""
        self._draw.ellipse(self._box(x - radius_x, y - radius_y, x + radius_x, y + radius_y), fill)

    def disc(self, x: float, y: float, radius: float, fill: Colour) -> None:
        """A circle, filled."""
        self.ellipse(x, y, radius, radius, fill)

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour, *, corner: float = 0) -> None:
        """A rectangle; its corners may be round."""
        if corner:
            self._draw.rounded_rectangle(self._box(left, top, right, bottom), corner * self._scale, fill)
        else:
            self._draw.rectangle(self._box(left, top, right, bottom), fill)

    def polygon(self, points: Sequence[Point], fill: Colour) -> None:
        """Through these points, closed."""
        self._draw.polygon([(x * self._scale, y * self._scale) for x, y in points], fill)

    def arc(self, x: float, y: float, radius: float, width: float, fill: Colour) -> None:
        """The upper half of a ring; `width` lies inside of `radius`."""
        box = self._box(x - radius, y - radius, x + radius, y + radius)
        self._draw.arc(box, 180, 360, fill, max(1, round(width * self._scale)))

    def picture(self, shrink: int) -> Image.Image:
        """What was drawn, smaller by this whole number."""
        return self._image.reduce(shrink) if shrink > 1 else self._image

    def _box(self, left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        s = self._scale
        # Pillow takes the last pixel in; without the one less, shapes would be too wide by a pixel of the canvas.
        return (left * s, top * s, max(left * s, right * s - 1), max(top * s, bottom * s - 1))
