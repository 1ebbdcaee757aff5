"""Tells by a CLIP model which words fit a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import transformers
from PIL import Image

from horde.worker.backends.base import BackendFailed

WORDS_AT_ONCE = 256
"""So that long lists fit in memory."""


class Fit(NamedTuple):
    """A word and how well it fits."""

    word: str
    share: float
    """Of all the words that it was asked with, which have 1 together."""


class Clip:
    """A CLIP model in memory."""

    def __init__(self, place: str, *, device: str, may_fetch: bool) -> None:
        """Load it. Raises BackendFailed when it cannot be."""
        files = {"local_files_only": not may_fetch}
        try:
            kind = transformers.AutoConfig.from_pretrained(place, **files).model_type
            if kind != "clip":
                raise BackendFailed(f"the model at {place!r} is no CLIP model but {kind}")
            self._eye = transformers.AutoImageProcessor.from_pretrained(place, **files)
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(place, **files)
            self._model = transformers.CLIPModel.from_pretrained(place, **files).to(device).eval()
        except (OSError, ValueError, KeyError) as error:
            raise BackendFailed(f"the CLIP model at {place!r} cannot be loaded: {error}") from error

    @torch.inference_mode()
    def meanings(self, sentences: Sequence[str]) -> torch.Tensor:
        """What sentences mean: (sentences, d), each of length 1."""
        parts = []
        for first in range(0, len(sentences), WORDS_AT_ONCE):
            some = list(sentences[first : first + WORDS_AT_ONCE])
            read = self._tokenizer(some, padding=True, truncation=True, return_tensors="pt").to(self._model.device)
            parts.append(_directions(self._model.get_text_features(**read)))
        return torch.cat(parts)

    @torch.inference_mode()
    def look(self, picture: Image.Image) -> torch.Tensor:
        """What an "RGB" picture means: (d,), of length 1."""
        seen = self._eye(picture, return_tensors="pt").to(self._model.device)
        return _directions(self._model.get_image_features(**seen))[0]

    @torch.inference_mode()
    def fits(self, looked: torch.Tensor, words: Sequence[str], meanings: torch.Tensor) -> list[Fit]:
        """The words, the fittest first; `meanings` are theirs, `looked` is the picture's."""
        shares = (self._model.logit_scale.exp() * meanings @ looked).softmax(0).tolist()
        return sorted(map(Fit, words, shares), key=lambda fit: -fit.share)


def _directions(made: transformers.utils.ModelOutput) -> torch.Tensor:
    features = made.pooler_output
    return features / features.norm(dim=-1, keepdim=True)
