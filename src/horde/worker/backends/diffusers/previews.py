"""Small pictures of what is being made, guessed from the latents without the costly decoder."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import torch
from PIL import Image

SIDE_PX_MAX = 256
QUALITY = 60
Row = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Colours:
    """How red, green and blue follow from the four channels of a latent: a straight line each, from -1 to 1."""

    factors: tuple[Row, Row, Row, Row]
    bias: Row = (0.0, 0.0, 0.0)


SD_COLOURS: Final = Colours((
    (0.298, 0.207, 0.208),
    (0.187, 0.286, 0.173),
    (-0.158, 0.189, 0.264),
    (-0.184, -0.271, -0.473),
))  # fmt: skip
"""Source: "Decoding latents to RGB without upscaling", the forum of Hugging Face, 2022."""
SDXL_COLOURS: Final = Colours(
    (
        (60 / 127.5, 60 / 127.5, 60 / 127.5),
        (-60 / 127.5, -5 / 127.5, 10 / 127.5),
        (25 / 127.5, 15 / 127.5, -5 / 127.5),
        (-70 / 127.5, -50 / 127.5, -35 / 127.5),
    ),
    bias=(150 / 127.5 - 1, 140 / 127.5 - 1, 130 / 127.5 - 1),
)
"""Source: "Explaining the SDXL latent space", the blog of Hugging Face, 2023; there from 0 to 255."""


def preview(latent: torch.Tensor, colours: Colours) -> bytes:
    """One latent, (4, H/8, W/8) of any float type, as a small webp."""
    factors = torch.tensor(colours.factors)
    flat = torch.einsum("chw,cr->hwr", latent.float().cpu(), factors) + torch.tensor(colours.bias)
    pixels = ((flat + 1) * 127.5).nan_to_num().clamp(0, 255).byte().contiguous()
    height, width, _ = pixels.shape
    picture = Image.frombytes("RGB", (width, height), pixels.numpy().tobytes())
    factor = SIDE_PX_MAX / max(picture.size)
    picture = picture.resize((max(1, round(width * factor)), max(1, round(height * factor))))
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=QUALITY)
    return buffer.getvalue()
