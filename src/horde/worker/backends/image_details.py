"""What an order of pictures asks for beyond its own fields, and the pictures as programs take and we hand them in."""

from __future__ import annotations

import io

import msgspec
from PIL import Image, ImageOps

from horde.kinds.image_params import SIZE_STEP, ImageParams
from horde.wire.v2 import GenMetadata
from horde.worker.backends.base import BackendFailed, ImageOrder, Sources

DENOISING = 0.75
"""How far to go from the picture to begin with, where the request does not say; the web UI's own default."""
HIRES_DENOISING = 0.65
"""The same for the second pass of the hires fix: less leaves the blur of the enlargement."""
FIRST_PASS_SIDE_PX = 512
FIRST_PASS_SIDE_XL_PX = 1024
XL_WORDS = ("xl", "pony", "illustrious", "noob")
"""What the names of models of the SDXL family have in them; they are at home at 1024 pixels, not at 512."""
WEBP_QUALITY = 95
PREVIEW_QUALITY = 70
PREVIEW_SIDE_MAX = 256
REF_LENGTH_MAX = 255
"""What the horde takes as a remark (contract/api-v2.md, section 2.4)."""


def details_of(order: ImageOrder) -> ImageParams:
    """The payload with its types. Raises BackendFailed for one that says what a request may not."""
    try:
        return msgspec.convert(order.payload, ImageParams, strict=False)
    except msgspec.ValidationError as error:
        raise BackendFailed(f"the payload cannot be read: {error}") from error


def first_pass(order: ImageOrder, model_file: str) -> tuple[int, int]:
    """What the hires fix makes first: the size at which the model is at home, in the shape of the order.

    It is the order's own where that is no larger.
    """
    is_xl = any(word in f"{order.model} {model_file}".lower() for word in XL_WORDS)
    side = FIRST_PASS_SIDE_XL_PX if is_xl else FIRST_PASS_SIDE_PX
    shrink = side / min(order.width, order.height)
    if shrink >= 1:
        return order.width, order.height
    return _stepped(order.width * shrink), _stepped(order.height * shrink)


def left_out(what: str) -> GenMetadata:
    """The remark that a picture was made without something that was asked for."""
    return GenMetadata(type="information", value="see_ref", ref=f"made without {what}"[:REF_LENGTH_MAX])


def as_webp(picture: bytes) -> bytes:
    """A picture in the format that is handed in. Takes a while: call it in a thread. Raises BackendFailed."""
    return _written(_opened(picture), "WEBP", quality=WEBP_QUALITY)


def as_preview(picture: bytes) -> bytes:
    """A picture that is not finished yet, small, as webp. Takes a while. Raises BackendFailed."""
    image = _opened(picture)
    image.thumbnail((PREVIEW_SIDE_MAX, PREVIEW_SIDE_MAX))
    return _written(image, "WEBP", quality=PREVIEW_QUALITY)


def source_png(sources: Sources, width: int, height: int) -> bytes:
    """The picture to begin with, at the size of the order, as an opaque PNG. Raises BackendFailed."""
    if sources.picture is None:
        raise BackendFailed(f"{sources.processing} needs a picture to begin with, and none came along")
    return _written(_fitted(_opened(sources.picture), width, height).convert("RGB"), "PNG")


def mask_png(sources: Sources, width: int, height: int) -> bytes | None:
    """Where to paint, white on black at the size of the order, as a PNG. None: nowhere is said.

    Without a mask of its own, the picture's transparent parts are painted.
    """
    if sources.mask is not None:
        mask = _fitted(_opened(sources.mask).convert("L"), width, height)
        return _written(mask, "PNG")
    if sources.picture is None:
        return None
    picture = _opened(sources.picture)
    if not picture.has_transparency_data:
        return None
    return _written(_fitted(ImageOps.invert(picture.convert("RGBA").getchannel("A")), width, height), "PNG")


def _stepped(length_px: float) -> int:
    return round(length_px / SIZE_STEP) * SIZE_STEP


def _fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    """Cut to the asked shape from its middle, so that nothing is squeezed."""
    if image.size == (width, height):
        return image
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)


def _opened(picture: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(picture))
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:  # so Pillow calls bad files
        raise BackendFailed(f"a picture cannot be read: {error}") from error
    return image


def _written(image: Image.Image, file_format: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()
