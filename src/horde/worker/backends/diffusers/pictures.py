"""Pictures as they come: decoding and fitting to a size."""

from __future__ import annotations

import io
from typing import Literal

from PIL import Image, ImageOps

from horde.worker.backends.base import BackendFailed, Sources

PIXELS_MAX = 64 * 1024 * 1024
"""Of a source picture: more than any client sends, and little enough to decode."""


def decoded(data: bytes, size: tuple[int, int], mode: Literal["RGB", "RGBA", "L"] = "RGB") -> Image.Image:
    """A source picture of this width and height: its middle, as large as fits. Raises BackendFailed for no picture."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.width * picture.height > PIXELS_MAX:
                raise BackendFailed(f"the source picture has {picture.width}x{picture.height} pixels, too many")
            return ImageOps.fit(picture.convert(mode), size)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise BackendFailed(f"the source picture cannot be read: {error}") from error


def hole(sources: Sources, size: tuple[int, int]) -> Image.Image | None:
    """What is to be painted over, white on black, "L"; None when it is nothing but the whole."""
    if sources.mask is not None:
        return decoded(sources.mask, size, "L")
    if sources.processing not in ("inpainting", "outpainting") or sources.picture is None:
        return None
    return ImageOps.invert(decoded(sources.picture, size, "RGBA").getchannel("A"))
