"""What runs in the child: knows which forms it can do, and does them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
import transformers
from PIL import Image

from horde.kinds.image_params import PostProcessor
from horde.worker.backends.alchemy.captions import CAPTION_TOKENS_MAX, DESCRIPTION_TOKENS_MAX, Captioner
from horde.worker.backends.alchemy.clip import Clip
from horde.worker.backends.alchemy.interrogation import Interrogation
from horde.worker.backends.alchemy.nsfw import judge
from horde.worker.backends.alchemy.options import Options
from horde.worker.backends.alchemy.outlines import vectorized
from horde.worker.backends.alchemy.palette import palette
from horde.worker.backends.alchemy.post_processing import PostProcessing
from horde.worker.backends.alchemy.sources import opaque, opened
from horde.worker.backends.base import (
    AlchemyAbilities,
    BackendFailed,
    Finding,
    FormOrder,
    Progress,
    Report,
)
from horde.worker.backends.encoding import webp
from horde.worker.backends.places import place_of
from horde.worker.backends.torch_device import device_of, memory_counted

Looks = Callable[[Image.Image], object]
"""Tells something of an "RGB" picture, as the form's result is sent."""
WITHOUT_MODEL: Final[Mapping[str, Looks]] = {"palette": palette, "vectorize": vectorized}


def engine(*, device: str, options: Mapping[str, object]) -> AlchemyEngine:
    """Make the engine for one device."""
    return AlchemyEngine(device_of(device), msgspec.convert(options, Options))


class AlchemyEngine:
    """The engine of one device."""

    def __init__(self, device: str, options: Options) -> None:
        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        self._device = device
        self._options = options
        self._post_processing = PostProcessing(options.post_processing, device=device)
        self._looks: dict[str, Looks] = dict(WITHOUT_MODEL)

    def load(self) -> AlchemyAbilities:
        """Load every model, so that what is wrong comes up at the start and not with the first job."""
        options = self._options
        self._post_processing.load()
        device, may_fetch = self._device, options.hub
        if options.caption is not None:
            writer = Captioner(
                place_of(options.caption), tokens_max=CAPTION_TOKENS_MAX, device=device, may_fetch=may_fetch
            )
            self._looks["caption"] = writer.caption
        if options.describe is not None:
            writer = Captioner(
                place_of(options.describe), tokens_max=DESCRIPTION_TOKENS_MAX, device=device, may_fetch=may_fetch
            )
            self._looks["describe"] = writer.caption
        if options.interrogation is not None:
            clip = Clip(place_of(options.interrogation), device=device, may_fetch=may_fetch)
            self._looks["interrogation"] = Interrogation(clip, options.words).told
        if options.nsfw is not None:
            self._looks["nsfw"] = judge(place_of(options.nsfw), device=device, may_fetch=may_fetch).is_unsafe
        return AlchemyAbilities(forms=(*self._looks, *self._post_processing.names), tiles_max=options.tiles_max)

    def generate(self, order: FormOrder, report: Report) -> Sequence[Finding]:
        """Do the form; the one result that there is."""
        report(Progress(share=0.0))
        picture = opened(order.picture, tiles_max=self._options.tiles_max)
        with memory_counted(self._device, f"{order.form} of {picture.width}x{picture.height}"):
            if (look := self._looks.get(order.form)) is not None:
                return [Finding(form=order.form, value=look(opaque(picture)))]
            made = self._post_processing.improved(
                picture, [_post_processor(order.form)], told=lambda share: report(Progress(share=share))
            )
            return [Finding(form=order.form, value=None, picture=webp(made))]


def _post_processor(form: str) -> PostProcessor:
    try:
        return msgspec.convert(form, PostProcessor)
    except msgspec.ValidationError as error:
        raise BackendFailed(f"there is no form {form!r} here") from error
