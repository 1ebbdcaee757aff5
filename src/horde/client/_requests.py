"""The few words in which most requests are said, made into the message that a horde takes."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TypedDict

import msgspec
from msgspec import UNSET

from horde.errors import BadInput
from horde.kinds.base import SourceProcessing
from horde.kinds.image import ImageParams
from horde.wire.v2 import GenerateAsync

NEGATIVE_MARK = " ### "
"""What stands between what should and what should not be seen, in one prompt."""
SEED_STEP = 1
BOUNDS = "sizes are multiples of 64 from 64 to 3072, n is 1 to 20, steps are 1 to 500."
"""The bounds that are broken most (horde/kinds/image_params.py has them all)."""


class ImageOptions(TypedDict, total=False):
    """How pictures are to be made; what is left out is left to the horde."""

    negative_prompt: str
    """What should not be seen."""
    width: int
    height: int
    """Pixels; multiples of 64 from 64 to 3072; 512 unless said."""
    n: int
    """How many pictures, at most 20; one unless said."""
    steps: int | None
    seed: str | int | None
    """Makes the same pictures again; of several each gets one of its own, counted from this. None: by chance."""
    models: Sequence[str]
    """Any of these; empty, or left out: any model at all."""
    nsfw: bool
    """Whether pictures that are not safe for work may come back uncensored; not, unless said."""
    source_image: bytes | None
    """A picture to begin from: the content of a webp, png, jpeg or the like, of up to 3072x3072 pixels."""
    source_mask: bytes | None
    """Which part of it is to be painted over, as a picture."""
    source_processing: SourceProcessing
    """What is done with it; `img2img` unless said."""
    denoising_strength: float | None
    """How far the result may be from it, 0.01 to 1; None: as far as the worker likes."""


def image_request(prompt: str, options: ImageOptions) -> GenerateAsync:
    """A request for images. Raises BadInput for values out of their bounds, before anything is sent."""
    unwanted = options.get("negative_prompt", "")
    steps, seed, n = options.get("steps"), options.get("seed"), options.get("n", 1)
    denoising, mask, source = options.get("denoising_strength"), options.get("source_mask"), options.get("source_image")
    # Without a variation, a seed is the same for each batch that a worker takes, and so would be their pictures.
    variation = SEED_STEP if seed is not None and n > 1 else UNSET
    return checked(
        GenerateAsync(
            prompt=f"{prompt}{NEGATIVE_MARK}{unwanted}" if unwanted else prompt,
            params=ImageParams(
                width=options.get("width", 512),
                height=options.get("height", 512),
                n=n,
                steps=UNSET if steps is None else steps,
                seed=UNSET if seed is None else str(seed),
                seed_variation=variation,
                denoising_strength=UNSET if denoising is None else denoising,
            ),
            source_image=UNSET if source is None else base64.b64encode(source).decode(),
            source_mask=UNSET if mask is None else base64.b64encode(mask).decode(),
            source_processing=options.get("source_processing", "img2img"),
            models=list(options.get("models", ())),
            nsfw=options.get("nsfw", False),
        )
    )


def checked(request: GenerateAsync) -> GenerateAsync:
    """The request, when it is within the bounds of the wire. Raises BadInput."""
    try:
        return msgspec.convert(msgspec.to_builtins(request), GenerateAsync)
    except msgspec.ValidationError as error:
        raise BadInput(f"This cannot be asked for: {error}.", hint=BOUNDS) from error
