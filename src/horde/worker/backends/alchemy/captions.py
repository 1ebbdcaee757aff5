"""The forms `caption` and `describe`: what a picture shows, in words."""

from __future__ import annotations

import torch
import transformers
from PIL import Image

from horde.worker.backends.base import BackendFailed

CAPTION_TOKENS_MAX, DESCRIPTION_TOKENS_MAX = 50, 250
"""Most that is written; models stop at the end of what they have to say."""


class Captioner:
    """Writes what it sees, by one of the models that need no more than the picture for that."""

    def __init__(self, place: str, *, tokens_max: int, device: str, may_fetch: bool) -> None:
        """Load it. Raises BackendFailed when it cannot be."""
        files = {"local_files_only": not may_fetch}
        try:
            self._eye = transformers.AutoImageProcessor.from_pretrained(place, **files)
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(place, **files)
            self._model = _model(place, files)
        except (OSError, ValueError, KeyError) as error:
            raise BackendFailed(f"the model at {place!r} cannot be loaded to caption with: {error}") from error
        is_half = device.startswith("cuda")
        self._model.to(device, torch.float16 if is_half else torch.float32).eval()
        self._tokens_max = tokens_max

    def caption(self, picture: Image.Image) -> str:
        """What the "RGB" picture shows; always the same of the same."""
        pixels = self._eye(picture, return_tensors="pt")["pixel_values"]
        pixels = pixels.to(self._model.device, self._model.dtype)
        with torch.inference_mode():
            written = self._model.generate(pixel_values=pixels, max_new_tokens=self._tokens_max, do_sample=False)
        caption: str = self._tokenizer.batch_decode(written, skip_special_tokens=True)[0]
        return caption.strip()


def _model(place: str, files: dict[str, bool]) -> transformers.PreTrainedModel:
    config = transformers.AutoConfig.from_pretrained(place, **files)
    is_pair = config.model_type == "vision-encoder-decoder"
    kind = transformers.VisionEncoderDecoderModel if is_pair else transformers.AutoModelForImageTextToText
    return kind.from_pretrained(place, **files)
