"""Real pictures of about 20 KB for workers to hand in, different ones, so that a mix-up is seen."""

from __future__ import annotations

import base64
import io
import random

from PIL import Image

SIDE_PX = 512
COUNT = 16
QUALITY = 58
DETAIL_PX = 32
GRAIN, GRAIN_SHARE = 12, 0.25
SMALL_SIDE_PX = 64


def pictures() -> list[bytes]:
    """Sixteen webp pictures in base64, 512 x 512, the same at every run but for the grain."""
    return [base64.b64encode(_picture(number)) for number in range(COUNT)]


def small_picture() -> bytes:
    """One of 64 x 64 in base64, for jobs whose delivery is not what is measured."""
    buffer = io.BytesIO()
    Image.new("RGB", (SMALL_SIDE_PX, SMALL_SIDE_PX), "teal").save(buffer, "WEBP")
    return base64.b64encode(buffer.getvalue())


def _picture(number: int) -> bytes:
    dice = random.Random(number)  # noqa: S311 - shapes of a picture
    coarse = Image.frombytes("RGB", (DETAIL_PX, DETAIL_PX), dice.randbytes(DETAIL_PX * DETAIL_PX * 3))
    shapes = coarse.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    grain = Image.effect_noise((SIDE_PX, SIDE_PX), GRAIN).convert("RGB")
    buffer = io.BytesIO()
    Image.blend(shapes, grain, GRAIN_SHARE).save(buffer, "WEBP", quality=QUALITY)
    return buffer.getvalue()
