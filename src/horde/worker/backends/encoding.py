"""How finished pictures are written."""

from __future__ import annotations

import io

from PIL import Image

WEBP_QUALITY = 95
NO_MEMORY = "encoding error 1"
"""How libwebp says VP8_ENC_ERROR_OUT_OF_MEMORY."""


def webp(picture: Image.Image) -> bytes:
    """The picture as it is delivered. Raises MemoryError."""
    buffer = io.BytesIO()
    try:
        picture.save(buffer, "WEBP", quality=WEBP_QUALITY)
    except ValueError as error:
        if str(error) == NO_MEMORY:
            raise MemoryError(f"there is no memory to write {picture.width}x{picture.height}") from error
        raise
    return buffer.getvalue()
