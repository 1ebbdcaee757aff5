"""What strangers send as a picture: checked, and brought to webp.

A webp is opened, which reads its container and refuses what is cut short, too large or something else; its pixels are
not decoded. For 512x512 that is 0.1 ms instead of 8 ms, two thirds of all that a job cost the server (benchmarks/). Who
looks at the picture decodes it anyway. Other formats are decoded to be converted: CPU work, for which Pillow releases
the interpreter lock, so it runs in a thread.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import io
from collections.abc import Iterator

from PIL import Image, UnidentifiedImageError

from horde.errors import ImageValidationFailed

PICTURE_BYTES_MAX = 20 * 1024 * 1024
PICTURE_SIDE_MAX = 4 * 3072
"""The largest size that can be asked for, upscaled four times."""
PICTURE_PIXELS_MAX = PICTURE_SIDE_MAX * PICTURE_SIDE_MAX
WEBP_QUALITY = 95
"""What the reference stores (contract/lifecycle.md, section 7)."""


async def as_webp(content: bytes) -> bytes:
    """The picture as webp: unchanged when it is one already, else converted at quality 95.

    Raises ImageValidationFailed for what is no picture, too large in bytes, or a decompression bomb.
    """
    if len(content) > PICTURE_BYTES_MAX:
        raise ImageValidationFailed(
            f"Image validation failed: {len(content)} bytes; at most {PICTURE_BYTES_MAX} are taken."
        )
    if content.startswith(b"RIFF"):
        with _opened(content, "WEBP"):
            return content
    return await asyncio.to_thread(_converted, content)


def from_base64(text: str) -> bytes:
    """The bytes in base64 text, with or without a `data:` header.

    Raises ImageValidationFailed for text that is no base64.
    """
    try:
        return base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageValidationFailed("Image validation failed: the text is not base64.") from error


def _converted(content: bytes) -> bytes:
    with _opened(content, "PNG", "JPEG") as picture:
        buffer = io.BytesIO()
        picture.save(buffer, "WEBP", quality=WEBP_QUALITY)
        return buffer.getvalue()


@contextlib.contextmanager
def _opened(content: bytes, *formats: str) -> Iterator[Image.Image]:
    try:
        with Image.open(io.BytesIO(content), formats=formats) as picture:
            if picture.width * picture.height > PICTURE_PIXELS_MAX:
                raise ImageValidationFailed(f"Image validation failed: {picture.width}x{picture.height} is too large.")
            yield picture
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise ImageValidationFailed("Image validation failed: this is not a readable webp, png or jpeg.") from error
