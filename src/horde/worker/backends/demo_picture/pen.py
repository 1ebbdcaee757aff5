"""Draws shapes in a frame of their own: where they stand, how large they are and which way they face."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PIL.ImageDraw import ImageDraw

from horde.worker.backends.demo_picture.colour import Colour, lit

OPAQUE = 255
Point = tuple[float, float]


def as_it_is(colour: Colour) -> Colour:
    """How things are seen that no light changes."""
    return colour


class Pen:
    """Draws around a point on the ground: x to the right (or, mirrored, to the left), y upwards, in units of `scale`
    pixels. `seen` turns every colour into what it looks like there.
    """

    def __init__(
        self,
        draw: ImageDraw,
        at: Point,
        scale: float,
        seen: Callable[[Colour], Colour],
        *,
        is_mirrored: bool = False,
    ) -> None:
        self._draw = draw
        self._at = at
        self._scale = scale
        self._seen = seen
        self._sign = -1 if is_mirrored else 1

    def oval(self, centre: Point, radii: Point, colour: Colour, *, alpha: int = OPAQUE) -> None:
        """An ellipse."""
        self._draw.ellipse(self._corners(centre, radii), self._fill(colour, alpha))

    def disc(self, centre: Point, radius: float, colour: Colour, *, alpha: int = OPAQUE) -> None:
        """A circle."""
        self.oval(centre, (radius, radius), colour, alpha=alpha)

    def box(self, centre: Point, radii: Point, colour: Colour, *, round_by: float = 0, alpha: int = OPAQUE) -> None:
        """A rectangle with round corners."""
        corners = self._corners(centre, radii)
        radius = min(round_by * self._scale, (corners[2] - corners[0]) / 2, (corners[3] - corners[1]) / 2)
        self._draw.rounded_rectangle(corners, radius, self._fill(colour, alpha))

    def solid(self, centre: Point, radii: Point, colour: Colour, *, round_by: float) -> None:
        """A rounded box with a light and a dark side, so that it looks as if it had a body."""
        self.box(centre, radii, lit(colour, -0.2), round_by=round_by)
        self.box((centre[0] - radii[0] * 0.13, centre[1]), (radii[0] * 0.87, radii[1]), colour, round_by=round_by)
        gleam = (centre[0] - radii[0] * 0.72, centre[1] + radii[1] * 0.1)
        self.box(gleam, (radii[0] * 0.07, radii[1] * 0.62), lit(colour, 0.45), round_by=radii[0] * 0.07)

    def ball(self, centre: Point, radii: Point, colour: Colour) -> None:
        """An egg or ball with a light and a dark side."""
        self.oval(centre, radii, lit(colour, -0.2))
        self.oval(
            (centre[0] - radii[0] * 0.08, centre[1] + radii[1] * 0.05), (radii[0] * 0.92, radii[1] * 0.93), colour
        )
        gleam = (centre[0] - radii[0] * 0.42, centre[1] + radii[1] * 0.48)
        self.oval(gleam, (radii[0] * 0.2, radii[1] * 0.16), lit(colour, 0.5))

    def area(self, points: Sequence[Point], colour: Colour, *, alpha: int = OPAQUE) -> None:
        """A polygon."""
        self._draw.polygon([self._place(point) for point in points], self._fill(colour, alpha))

    def stroke(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """A line with round ends and joints."""
        pixels = max(1, round(width * self._scale))
        places = [self._place(point) for point in points]
        self._draw.line(places, self._fill(colour, OPAQUE), pixels, joint="curve")
        for x, y in (places[0], places[-1]):
            self._draw.ellipse(
                (x - pixels / 2, y - pixels / 2, x + pixels / 2, y + pixels / 2), self._fill(colour, OPAQUE)
            )

    def arc(self, centre: Point, radii: Point, degrees: Point, width: float, colour: Colour) -> None:
        """A part of an ellipse, clockwise from the right; the same on both sides when mirrored."""
        start, end = degrees if self._sign > 0 else (180 - degrees[1], 180 - degrees[0])
        pixels = max(1, round(width * self._scale))
        self._draw.arc(self._corners(centre, radii), start, end, self._fill(colour, OPAQUE), pixels)

    @property
    def bright(self) -> Pen:
        """The same place for what shines by itself, which no hour changes."""
        return Pen(self._draw, self._at, self._scale, as_it_is, is_mirrored=self._sign < 0)

    def halo(self, centre: Point, radius: float, colour: Colour) -> None:
        """The light around something small that shines."""
        for share, alpha in ((1.0, 36), (0.66, 60)):
            self.bright.disc(centre, radius * share, colour, alpha=alpha)

    def _fill(self, colour: Colour, alpha: int) -> tuple[int, int, int, int]:
        return (*self._seen(colour), alpha)

    def _place(self, point: Point) -> Point:
        return (self._at[0] + self._sign * point[0] * self._scale, self._at[1] - point[1] * self._scale)

    def _corners(self, centre: Point, radii: Point) -> tuple[float, float, float, float]:
        x, y = self._place(centre)
        wide, high = radii[0] * self._scale, radii[1] * self._scale
        return (x - wide, y - high, x + wide, y + high)
