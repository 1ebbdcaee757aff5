"""Textual inversions: words that a model did not know, for one order.

A prompt says them as `embedding:NAME`; `inject_ti` has that put in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import diffusers
import torch
from safetensors.torch import load_file

from horde.kinds.image_params import TextualInversion
from horde.wire.v2 import GenMetadata
from horde.worker.backends.diffusers.single_files import UNREADABLE
from horde.worker.backends.embedding_words import PREFIX, renamed

PART_OF = {"clip_l": "", "clip_g": "_2"}
"""Which text encoder of SDXL each tensor of a file for it belongs to, by the ending of its attribute."""


@dataclass(slots=True)
class Learnt:
    """What became of the inversions of an order."""

    told: list[GenMetadata] = field(default_factory=list)
    prompt: list[str] = field(default_factory=list)
    """To be added to the prompt."""
    negative: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    """What prompts call those that are known, in small letters, and what the tokenizers do."""

    def renamed(self, prompt: str) -> str:
        """A prompt by the tokenizers' names: those that people give have spaces and brackets, which mean something."""
        return renamed(prompt, self.tokens)


@contextmanager
def learnt(
    pipeline: diffusers.DiffusionPipeline, wanted: Sequence[TextualInversion], places: Mapping[str, str]
) -> Iterator[Learnt]:
    """Within it, the pipeline knows these words. Those that are not here or do not fit are told and left out.

    `places` are files by names in small letters.
    """
    outcome = Learnt()
    loaded: list[tuple[str, list[str]]] = []
    try:
        for number, inversion in enumerate(wanted):
            place = places.get(inversion.name.lower())
            if place is None:
                outcome.told.append(GenMetadata(type="ti", value="download_failed", ref=inversion.name))
                continue
            name, token = f"{PREFIX}{inversion.name.lower()}", f"{PREFIX}_{number:03}"
            try:
                for part, vectors in _vectors(pipeline, place).items():
                    rows = vectors if vectors.dim() > 1 else vectors.unsqueeze(0)
                    _teach(pipeline, part, token, rows * inversion.strength)
                    # A token for each row, and one that stays would be taken for known the next time.
                    loaded.append((part, [token, *(f"{token}_{row}" for row in range(1, len(rows)))]))
            except UNREADABLE:
                outcome.told.append(GenMetadata(type="ti", value="baseline_mismatch", ref=inversion.name))
                continue
            outcome.tokens[name] = token
            if inversion.inject_ti == "prompt":
                outcome.prompt.append(name)
            elif inversion.inject_ti == "negprompt":
                outcome.negative.append(name)
        yield outcome
    finally:
        for part, tokens in loaded:
            pipeline.unload_textual_inversion(tokens, **_encoder(pipeline, part))


def _vectors(pipeline: diffusers.DiffusionPipeline, place: str) -> dict[str, torch.Tensor]:
    """The vectors, (n, width), for each text encoder."""
    tensors = load_file(place)
    if any(name in tensors for name in PART_OF):
        return {PART_OF[name]: tensor for name, tensor in tensors.items() if name in PART_OF}
    if len(tensors) != 1:
        raise ValueError(f"{len(tensors)} tensors, where one word was expected")
    (vectors,) = tensors.values()
    if hasattr(pipeline, "text_encoder_2"):
        raise ValueError("vectors for one text encoder, where there are two")
    return {"": vectors}


def _teach(pipeline: diffusers.DiffusionPipeline, part: str, token: str, rows: torch.Tensor) -> None:
    pipeline.load_textual_inversion({"emb_params": rows}, token=token, **_encoder(pipeline, part))


def _encoder(pipeline: diffusers.DiffusionPipeline, part: str) -> dict[str, object]:
    return {
        "tokenizer": getattr(pipeline, f"tokenizer{part}"),
        "text_encoder": getattr(pipeline, f"text_encoder{part}"),
    }
