"""What strangers send as a picture: checked, and brought to webp.

Of a webp only the container is read, and what is cut short, too large or something else is refused; its pixels are not
decoded. For 512x512 that is 0.1 ms by Pillow instead of 8 ms, two thirds of all that a job cost the server
(benchmarks/), and 1 us by ourselves for what is one still picture and nothing beside it. Who looks at the picture
decodes it anyway. Other formats are decoded to be converted: CPU work, for which Pillow releases the interpreter lock,
so it runs in a thread.
"""

from __future__ import annotations

import asyncio
import binascii
import contextlib
import io
import struct
from collections.abc import Iterator

import pybase64
from PIL import Image, UnidentifiedImageError

from horde.errors import ImageValidationFailed, ObjectNotFound
from horde.server.storage.objects import Objects

PICTURE_BYTES_MAX = 20 * 1024 * 1024
PICTURE_SIDE_MAX = 4 * 3072
"""The largest size that can be asked for, upscaled four times."""
PICTURE_PIXELS_MAX = PICTURE_SIDE_MAX * PICTURE_SIDE_MAX
WEBP_QUALITY = 95
"""What the reference stores (contract/lifecycle.md, section 7)."""
PLAIN_HEAD = struct.Struct("<4sI4s4sI")
"""Of a webp of one chunk: RIFF, its bytes, WEBP, the chunk's name and its bytes."""
LOSSY_START = struct.Struct("<3sHH")
"""Of the picture itself, behind three bytes of tag: a mark, the width and the height."""
LOSSY_MARK, LOSSLESS_MARK = b"\x9d\x01\x2a", 0x2F
SIDE = 2**14 - 1
"""The bits of a width or height."""
PLAIN_BYTES_MIN = 32
"""Enough for all that is looked at."""
GONE = "N/A"
"""What stands in place of a picture that is not there any more (contract/lifecycle.md, section 10)."""


async def as_webp(content: bytes) -> bytes:
    """The picture as webp: unchanged when it is one already, else converted at quality 95.

    Raises ImageValidationFailed for what is no picture, too large in bytes, or a decompression bomb.
    """
    if len(content) > PICTURE_BYTES_MAX:
        raise ImageValidationFailed(
            f"Image validation failed: {len(content)} bytes; at most {PICTURE_BYTES_MAX} are taken."
        )
    if content.startswith(b"RIFF"):
        if _is_plain_webp(content):
            return content
        with _opened(content, "WEBP"):
            return content
    return await asyncio.to_thread(_converted, content)


async def in_base64(objects: Objects, key: str) -> str:
    """The picture in base64; `N/A` when it is gone. Raises StorageFailed."""
    try:
        return pybase64.b64encode_as_string(await objects.get(key))
    except ObjectNotFound:
        return GONE


def from_base64(text: str) -> bytes:
    """The bytes in base64 text, with or without a `data:` header.

    Raises ImageValidationFailed for text that is no base64.
    """
    try:
        return pybase64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageValidationFailed("Image validation failed: the text is not base64.") from error


def _is_plain_webp(content: bytes) -> bool:
    """Whether this is for certain a whole webp of one still picture, of a size that is taken.

    False for all else, which Pillow is asked about. Source: RFC 9649, and RFC 6386, section 9.1, for lossy ones.
    """
    if len(content) < PLAIN_BYTES_MIN:
        return False
    _, riff_bytes, webp, name, chunk_bytes = PLAIN_HEAD.unpack_from(content)
    # One chunk, with its even number of bytes, is all there is.
    if webp != b"WEBP" or riff_bytes != len(content) - 8 or chunk_bytes + (chunk_bytes & 1) != riff_bytes - 12:
        return False
    if name == b"VP8 ":
        return _is_lossy_picture(content, chunk_bytes)
    return name == b"VP8L" and _is_lossless_picture(content)


def _is_lossy_picture(content: bytes, chunk_bytes: int) -> bool:
    start, width, height = LOSSY_START.unpack_from(content, 23)
    tag = int.from_bytes(content[20:23], "little")
    # A key frame, of a version there is, that is to be shown, and whose first part is within it.
    is_shown_whole = tag & 1 == 0 and tag >> 1 & 7 <= 3 and tag >> 4 & 1 == 1 and tag >> 5 < chunk_bytes
    pixels = int(width & SIDE) * int(height & SIDE)
    return is_shown_whole and start == LOSSY_MARK and 0 < pixels <= PICTURE_PIXELS_MAX


def _is_lossless_picture(content: bytes) -> bool:
    bits = int.from_bytes(content[21:25], "little")
    pixels = ((bits & SIDE) + 1) * ((bits >> 14 & SIDE) + 1)
    # The upper three bits are the version, of which there is one.
    return content[20] == LOSSLESS_MARK and bits >> 29 == 0 and pixels <= PICTURE_PIXELS_MAX


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
