"""The form `nsfw`: whether a picture is one that not everybody wants to see."""

from __future__ import annotations

from typing import Protocol

import torch
import transformers
from PIL import Image

from horde.worker.backends.alchemy.clip import Clip
from horde.worker.backends.base import BackendFailed

UNSAFE_LABELS = frozenset({"nsfw", "porn", "hentai", "sexy", "explicit", "unsafe"})
"""What classifiers call it."""
UNSAFE, SAFE = ("a nude or sexually explicit picture", "a picture of violence and gore"), ("a harmless picture",)
"""What a CLIP model is asked, which was not trained for this: it errs more than a classifier does."""
UNSAFE_FROM = 0.5


class Judge(Protocol):
    """Says what is to be thought of a picture."""

    def is_unsafe(self, picture: Image.Image) -> bool:
        """Of an "RGB" picture."""
        ...


def judge(place: str, *, device: str, may_fetch: bool) -> Judge:
    """The one that the model at this place makes. Raises BackendFailed when it cannot be loaded."""
    try:
        config = transformers.AutoConfig.from_pretrained(place, local_files_only=not may_fetch)
    except (OSError, ValueError) as error:
        raise BackendFailed(f"the model at {place!r} cannot be loaded to judge with: {error}") from error
    if config.model_type == "clip":
        return _Asked(Clip(place, device=device, may_fetch=may_fetch))
    return _Trained(place, device=device, may_fetch=may_fetch)


class _Trained:
    """By a classifier."""

    def __init__(self, place: str, *, device: str, may_fetch: bool) -> None:
        files = {"local_files_only": not may_fetch}
        try:
            self._eye = transformers.AutoImageProcessor.from_pretrained(place, **files)
            self._model = transformers.AutoModelForImageClassification.from_pretrained(place, **files).to(device).eval()
        except (OSError, ValueError, KeyError) as error:
            raise BackendFailed(f"the model at {place!r} cannot be loaded to judge with: {error}") from error
        labels: dict[int, str] = self._model.config.id2label
        self._unsafe = [number for number, label in labels.items() if label.lower() in UNSAFE_LABELS]
        if not self._unsafe:
            known = ", ".join(sorted(UNSAFE_LABELS))
            raise BackendFailed(f"the labels of {place!r} are {', '.join(labels.values())}; none is of {known}")

    @torch.inference_mode()
    def is_unsafe(self, picture: Image.Image) -> bool:
        seen = self._eye(picture, return_tensors="pt").to(self._model.device)
        shares = self._model(**seen).logits[0].softmax(0)
        return bool(shares[self._unsafe].sum() >= UNSAFE_FROM)


class _Asked:
    """By a CLIP model."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._meanings = clip.meanings([*UNSAFE, *SAFE])

    def is_unsafe(self, picture: Image.Image) -> bool:
        fits = self._clip.fits(self._clip.look(picture), [*UNSAFE, *SAFE], self._meanings)
        return sum(fit.share for fit in fits if fit.word in UNSAFE) >= UNSAFE_FROM
