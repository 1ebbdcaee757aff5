"""The colours of an hour and of a season: sky, light and ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from horde.worker.backends.demo_picture.colour import Colour, mix, tinted
from horde.worker.backends.demo_picture.scene import Scene, Season, Time


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """How an hour looks."""

    sky: tuple[Colour, ...]
    """From the top to the horizon, evenly spaced."""
    light: Colour
    """What white things look like."""
    shade: Colour
    """What everything fades to with the distance."""
    cloud: Colour
    lamp: Colour
    """The sun or the moon."""
    glow: Colour
    lamp_height: float
    """Above the horizon, as a share of the sky."""
    is_dark: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """How the land looks in a season."""

    grass: Colour
    far: Colour
    leaf: Colour
    path: Colour
    flowers: tuple[Colour, ...]
    has_snow: bool = False


HOURS: Final[dict[Time, Hour]] = {
    "dawn": Hour(
        sky=((112, 140, 204), (184, 172, 214), (250, 196, 184), (255, 228, 188)),
        light=(255, 240, 232), shade=(236, 196, 200), cloud=(255, 226, 220), lamp=(255, 244, 214),
        glow=(255, 214, 160), lamp_height=0.16,
    ),
    "day": Hour(
        sky=((70, 146, 222), (118, 184, 238), (178, 220, 246), (236, 244, 236)),
        light=(255, 255, 250), shade=(190, 218, 236), cloud=(255, 255, 255), lamp=(255, 250, 220),
        glow=(255, 246, 200), lamp_height=0.72,
    ),
    "dusk": Hour(
        sky=((64, 56, 122), (142, 78, 138), (236, 116, 108), (255, 190, 104)),
        light=(255, 226, 206), shade=(226, 124, 118), cloud=(250, 158, 138), lamp=(255, 236, 176),
        glow=(255, 178, 92), lamp_height=0.14,
    ),
    "night": Hour(
        sky=((12, 16, 48), (22, 32, 82), (44, 60, 124), (84, 100, 164)),
        light=(156, 166, 226), shade=(58, 74, 138), cloud=(62, 78, 138), lamp=(250, 246, 226),
        glow=(160, 176, 236), lamp_height=0.68, is_dark=True,
    ),
}  # fmt: skip
GROUNDS: Final[dict[Season, Ground]] = {
    "spring": Ground(
        grass=(132, 196, 92), far=(122, 178, 132), leaf=(238, 166, 188), path=(226, 204, 158),
        flowers=((255, 255, 250), (248, 168, 190), (250, 220, 96)),
    ),
    "summer": Ground(
        grass=(108, 176, 82), far=(104, 160, 124), leaf=(70, 140, 84), path=(224, 200, 150),
        flowers=((255, 255, 250), (250, 214, 84), (222, 92, 84)),
    ),
    "autumn": Ground(
        grass=(206, 164, 78), far=(176, 140, 112), leaf=(214, 106, 60), path=(216, 184, 138),
        flowers=((234, 126, 62), (196, 76, 60), (250, 210, 110)),
    ),
    "winter": Ground(
        grass=(234, 242, 250), far=(190, 208, 228), leaf=(88, 126, 122), path=(208, 220, 236),
        flowers=((255, 255, 255), (214, 228, 244)), has_snow=True,
    ),
    "desert": Ground(
        grass=(232, 176, 112), far=(206, 136, 104), leaf=(112, 156, 104), path=(244, 206, 152),
        flowers=((214, 112, 84), (252, 226, 150)),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mood:
    """An hour in a season."""

    hour: Hour
    ground: Ground

    @classmethod
    def of(cls, scene: Scene) -> Mood:
        """The mood of a scene."""
        return cls(HOURS[scene.time], GROUNDS[scene.season])

    def seen(self, colour: Colour, distance: float = 0.0) -> Colour:
        """A colour as it looks in this light, from afar (1) or near (0)."""
        return mix(tinted(colour, self.hour.light), self.hour.shade, 0.8 * distance)
