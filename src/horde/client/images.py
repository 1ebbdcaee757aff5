"""A picture that came back."""

from __future__ import annotations

import base64
import binascii
import io
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from horde.client.errors import BadAnswer, PictureGone
from horde.errors import BadInput
from horde.wire.v2 import Generation

FORMAT_BY_SUFFIX = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
"""Formats a picture can be converted to; webp, the horde's own, is written as it came."""
JPEG_QUALITY = 95
GONE = "N/A"
"""What the horde says in place of a picture that it no longer has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One picture and where it came from."""

    content: bytes
    """webp."""
    id: str
    """The id of the job that made it."""
    seed: str
    """Given as the `seed` of a request for one picture, it makes this one again."""
    model: str
    worker_id: str
    worker_name: str
    is_censored: bool
    """Whether the worker put a placeholder in the place of the picture."""

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the picture; the suffix decides on the format: .webp, .png, .jpg or .jpeg.

        Raises BadInput for another suffix; nothing is written then.
        """
        target = Path(path)
        target.write_bytes(self.encoded(target.suffix))
        return target

    def encoded(self, suffix: str) -> bytes:
        """The bytes of a file with this suffix. Raises BadInput for a suffix that we cannot write."""
        check_suffix(suffix)
        name = FORMAT_BY_SUFFIX.get(suffix.lower())
        if name is None:
            return self.content
        # Optional: a program that takes the pictures as they come needs no Pillow.
        from PIL import Image as Pillow

        with Pillow.open(io.BytesIO(self.content)) as picture:
            buffer = io.BytesIO()
            picture.convert("RGB" if name == "JPEG" else picture.mode).save(buffer, name, quality=JPEG_QUALITY)
            return buffer.getvalue()


def check_suffix(suffix: str) -> None:
    """Raises BadInput for a suffix that no picture can be saved under, so that it is known before one is made."""
    known = (".webp", *FORMAT_BY_SUFFIX)
    if suffix.lower() not in known:
        raise BadInput(
            f"No picture can be written as {suffix or 'a file without a suffix'}.", hint=f"use {', '.join(known)}"
        )


def image_of(generation: Generation, downloaded: bytes | None) -> Image:
    """The picture of a generation, whose content came by its link, or (None) stands in it as base64.

    Raises PictureGone, and BadAnswer for text that is neither.
    """
    return Image(
        content=_inline(generation) if downloaded is None else downloaded,
        id=generation.id,
        seed=generation.seed,
        model=generation.model,
        worker_id=generation.worker_id,
        worker_name=generation.worker_name,
        is_censored=generation.censored,
    )


def link_of(generation: Generation) -> str | None:
    """Where the picture is to be fetched, or None when it stands in the answer itself."""
    return generation.img if generation.img.startswith(("http://", "https://")) else None


def _inline(generation: Generation) -> bytes:
    if generation.img == GONE:
        raise PictureGone(f"The horde no longer has the picture {generation.id}.")
    try:
        return base64.b64decode(generation.img, validate=True)
    except binascii.Error as error:
        raise BadAnswer(f"The picture {generation.id} is neither a link nor base64: {error}.") from error
