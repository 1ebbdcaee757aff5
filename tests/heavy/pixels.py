"""Pictures to begin from, and looking at those that were made."""

import io

import numpy as np
from PIL import Image, ImageDraw

from horde.worker.backends.base import Picture, Sources


def encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def scene(size: tuple[int, int] = (64, 64)) -> Image.Image:
    """A house, more or less."""
    picture = Image.new("RGB", size, "skyblue")
    draw = ImageDraw.Draw(picture)
    width, height = size
    draw.rectangle((width // 4, height // 2, width * 3 // 4, height - 8), fill="firebrick", outline="black")
    draw.polygon(((width // 5, height // 2), (width // 2, height // 5), (width * 4 // 5, height // 2)), fill="black")
    return picture


def left_half(size: tuple[int, int] = (64, 64)) -> Image.Image:
    mask = Image.new("L", size)
    mask.paste(255, (0, 0, size[0] // 2, size[1]))
    return mask


def source(
    processing: str = "img2img", *, mask: Image.Image | None = None, picture: Image.Image | None = None
) -> Sources:
    return Sources(
        processing=processing,
        picture=encoded(picture or scene()),
        mask=None if mask is None else encoded(mask),
    )


def size_of(picture: Picture) -> tuple[int, int]:
    with Image.open(io.BytesIO(picture.picture)) as image:
        assert image.format == "WEBP"
        return image.size


def array_of(picture: Picture) -> np.ndarray:
    """(H, W, 3) float32, 0 to 255."""
    with Image.open(io.BytesIO(picture.picture)) as image:
        return np.asarray(image.convert("RGB"), np.float32)
