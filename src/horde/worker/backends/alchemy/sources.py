"""Pictures as they come from strangers."""

from __future__ import annotations

import io

from PIL import Image, ImageOps

from horde.kinds.alchemy_price import TILE_SIDE, tiles
from horde.worker.backends.base import BackendFailed


def opened(data: bytes, *, tiles_max: int) -> Image.Image:
    """The picture upright, "RGB", or "RGBA" where some of it is transparent.

    Raises BackendFailed for what is no picture, or larger than `tiles_max` squares of 512 pixels: one behind a link may
    be another than the one that the horde saw.
    """
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if tiles(*picture.size) > tiles_max:
                size = f"{picture.width}x{picture.height}"
                raise BackendFailed(
                    f"the picture has {size} pixels; at most {tiles_max} squares of {TILE_SIDE}x{TILE_SIDE} are taken"
                )
            upright = ImageOps.exif_transpose(picture)
            return upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BackendFailed(f"the picture cannot be read: {error}") from error


def opaque(picture: Image.Image) -> Image.Image:
    """The picture for whoever knows no transparency: on white, as most pages show it."""
    if picture.mode != "RGBA":
        return picture
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")
