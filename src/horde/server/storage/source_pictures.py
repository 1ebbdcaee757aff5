"""Pictures that requestors send along: read whole, and written anew as webp, so that workers get nothing else.

Unlike the results of workers they are always decoded: what is hidden in a file, or breaks whoever opens it, does not
go further than this. Formats that Pillow reads by calling other programs (EPS, WMF), or whose size is known only when
they are decoded (ICO, JPEG 2000), are not read at all.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageOps

from horde.kinds.image_refusals import SourceImageResolutionExceeded, SourceImageUnreadable

FORMATS = ("WEBP", "PNG", "JPEG", "MPO", "AVIF", "GIF", "BMP", "TIFF", "PPM")
"""Of animations the first picture counts. AVIF is missing where Pillow was built without it."""
PIXELS_MAX = 3072 * 3072
SIDE_MAX = 2**14 - 1
"""What webp can hold."""
QUALITY = 95
"""As for results (contract/lifecycle.md, section 7)."""
BROKEN = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, struct.error)
"""What Pillow is known to raise for files that are damaged, or made to do damage."""

Part = Literal["picture", "mask"]


@dataclass(frozen=True, slots=True)
class SourcePicture:
    """A picture as workers get it."""

    webp: bytes
    has_alpha: bool
    """Whether it can say which part of it is meant."""
    width: int
    height: int


def read_base64(text: str, part: Part) -> SourcePicture:
    """The picture in base64 text, with or without a `data:` header. Takes CPU: up to half a second for the largest.

    Raises SourceImageUnreadable and SourceImageResolutionExceeded.
    """
    try:
        content = base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SourceImageUnreadable("Image validation failed: the text is neither base64 nor a URL.") from error
    return read_picture(content, part)


def read_picture(content: bytes, part: Part) -> SourcePicture:
    """The picture in a file. A mask is kept to the pixel, else it would not end where it was drawn to end.

    Raises SourceImageUnreadable and SourceImageResolutionExceeded.
    """
    with _opened(content) as opened:
        _refuse_huge(*opened.size)
        # Pictures of cameras lie on their side and say so; webp as we write it says nothing.
        turned = ImageOps.exif_transpose(opened)
        has_alpha = turned.has_transparency_data
        picture = turned.convert("RGBA" if has_alpha else "RGB")
    buffer = io.BytesIO()
    # `exact`: what lies under transparent parts is what a worker begins from.
    picture.save(buffer, "WEBP", quality=QUALITY, lossless=part == "mask", exact=True)
    return SourcePicture(buffer.getvalue(), has_alpha, *picture.size)


def measure_picture(content: bytes) -> tuple[int, int]:
    """Width and height of the picture in a file, of which no more than that is read.

    Raises SourceImageUnreadable, and SourceImageResolutionExceeded for what nobody should open.
    """
    with _opened(content) as opened:
        return opened.size


@contextlib.contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]
    try:
        with Image.open(io.BytesIO(content), formats=formats) as opened:
            yield opened
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise SourceImageResolutionExceeded from error
    except BROKEN as error:
        raise SourceImageUnreadable from error


def _refuse_huge(width: int, height: int) -> None:
    if width * height > PIXELS_MAX or max(width, height) > SIDE_MAX:
        raise SourceImageResolutionExceeded(
            f"Image validation failed: {width}x{height} are too many pixels; up to {PIXELS_MAX:,} are taken, and up to"
            f" {SIDE_MAX:,} in a row."
        )
