"""The back end `tiny`: brings orders of the horde to the pipeline, in a thread that ends when nobody waits any more."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Sequence

import msgspec
from PIL import Image, UnidentifiedImageError

from horde.kinds.image_params import Sampler
from horde.worker.backends.base import (
    BackendFailed,
    ImageAbilities,
    ImageOrder,
    Picture,
    Progress,
    Report,
    Sources,
)
from horde.worker.backends.tiny.model import Model
from horde.worker.backends.tiny.pipeline import OnStep, Wish, picture_of

MODEL = "tiny-horde"
PIXELS_MAX = 3072 * 3072
IMAGES_MAX = 4
SOURCE_PIXELS_MAX = 8192 * 8192
"""Of a picture to begin from, which is 200 MB once it is unpacked."""
STRENGTH_DEFAULT = 0.75
"""How much of a source changes when nobody says how much; of what is painted over, all does."""
WEBP_QUALITY = 95
PREVIEW_QUALITY = 80


class Payload(msgspec.Struct):
    """What orders have no field for; the bounds are the horde's (kinds/image_params.py)."""

    sampler_name: Sampler = "k_euler_a"
    cfg_scale: float = 5.0
    karras: bool = True
    denoising_strength: float | None = None


class Tiny:
    """Draws with the model that comes with the package: no graphics card, no download, a second for a picture.

    Besides `tiny-horde` it offers `stable_diffusion`, the model that v2 takes when a requestor names none: otherwise
    the clients that people already have would wait for ever on a horde that has just been started.
    """

    def __init__(self) -> None:
        self._model: Model | None = None

    @property
    def abilities(self) -> ImageAbilities:
        """Pictures from words and from pictures, whole or where a mask is white."""
        return ImageAbilities(
            models=(MODEL, "stable_diffusion"),
            pixels_max=PIXELS_MAX,
            images_max=IMAGES_MAX,
            img2img=True,
            painting=True,
        )

    async def start(self) -> None:
        """Load the networks."""
        self._model = await asyncio.to_thread(Model)

    async def ready(self) -> None:
        """It always is."""

    async def generate(self, order: ImageOrder, report: Report) -> Sequence[Picture]:
        """Make the pictures one after the other; progress comes with a preview after every step.

        Raises BackendFailed for a source that is no picture.
        """
        model = self._model
        assert model is not None, "generate before start"
        loop, is_called_off = asyncio.get_running_loop(), threading.Event()
        count = len(order.seeds)

        def on_step_of(at: int) -> OnStep:
            def on_step(done: int, steps: int, preview: Image.Image) -> None:
                if is_called_off.is_set():
                    raise CalledOff
                progress = Progress(share=(at + done / steps) / count, preview=_webp(preview, PREVIEW_QUALITY))
                loop.call_soon_threadsafe(report, progress)

            return on_step

        try:
            return [
                Picture(picture=await asyncio.to_thread(_made, model, order, seed, on_step_of(at)), seed=seed)
                for at, seed in enumerate(order.seeds)
            ]
        finally:
            is_called_off.set()

    async def close(self) -> None:
        """Let the networks go."""
        self._model = None


class CalledOff(Exception):
    """Nobody waits for this picture any more; ends its thread at the next step."""


def wish_of(order: ImageOrder, seed: int) -> Wish:
    """What the pipeline is to make of an order. Raises BackendFailed for a source that is no picture."""
    try:
        payload = msgspec.convert(order.payload, Payload, strict=False)
    except msgspec.ValidationError as error:
        raise BackendFailed(f"the parameters cannot be read: {error}") from error
    source, mask = _sources(order.sources)
    strength = payload.denoising_strength
    return Wish(
        prompt=order.prompt,
        negative_prompt=order.negative_prompt,
        seed=seed,
        width=order.width,
        height=order.height,
        steps=order.steps,
        sampler=payload.sampler_name,
        karras=payload.karras,
        guidance=payload.cfg_scale,
        source=source,
        strength=strength if strength is not None else STRENGTH_DEFAULT if mask is None else 1.0,
        mask=mask,
    )


def _made(model: Model, order: ImageOrder, seed: int, on_step: OnStep) -> bytes:
    return _webp(picture_of(model, wish_of(order, seed), on_step), WEBP_QUALITY)


def _sources(sources: Sources | None) -> tuple[Image.Image | None, Image.Image | None]:
    """The picture to begin from, and the mask: white is painted over."""
    if sources is None or sources.picture is None:
        return None, None
    source = _opened(sources.picture, "source picture")
    if sources.processing not in ("inpainting", "outpainting"):
        return source, None
    if sources.mask is not None:
        return source, _opened(sources.mask, "mask").convert("L")
    if source.has_transparency_data:
        return source, source.convert("RGBA").getchannel("A").point(lambda opaque: 255 - opaque)
    return source, None


def _opened(content: bytes, name: str) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(content))
        if image.width * image.height > SOURCE_PIXELS_MAX:
            raise BackendFailed(f"the {name} has {image.width}x{image.height} pixels, more than {SOURCE_PIXELS_MAX:,}")
        image.load()
    except (OSError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise BackendFailed(f"the {name} cannot be read: {error}") from error
    return image


def _webp(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=quality)
    return buffer.getvalue()
