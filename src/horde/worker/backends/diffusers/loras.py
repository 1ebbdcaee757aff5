"""LoRAs: small changes to a model's weights, for one order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import diffusers
from safetensors import safe_open

from horde.kinds.image_params import Lora
from horde.wire.v2 import GenMetadata
from horde.worker.backends.diffusers.single_files import UNREADABLE

DRAWING = frozenset({"unet", "transformer"})
"""What pipelines call the network that draws."""
FOR_WORDS = ("text_encoder", "lora_te")
"""How the names of tensors for text encoders begin, in the formats of diffusers and of others."""


@contextmanager
def changed(
    pipeline: diffusers.DiffusionPipeline, loras: Sequence[Lora], places: Mapping[str, str]
) -> Iterator[list[GenMetadata]]:
    """Within it, the pipeline works with these LoRAs. Those that are not here or do not fit are told and left out.

    `places` are files by names in small letters.
    """
    told: list[GenMetadata] = []
    strengths: dict[str, dict[str, float]] = {}
    try:
        for number, lora in enumerate(loras):
            place = places.get(lora.name.lower())
            if place is None:
                told.append(GenMetadata(type="lora", value="download_failed", ref=lora.name))
                continue
            adapter = f"lora_{number}"
            try:
                pipeline.load_lora_weights(place, adapter_name=adapter, local_files_only=True)
            except UNREADABLE:
                told.append(GenMetadata(type="lora", value="baseline_mismatch", ref=lora.name))
                continue
            parts = _strengths(pipeline, adapter, lora)
            # The library passes over what a model has no place for, which may be all or, as families share text
            # encoders, all but the words.
            if _is_for_drawing(place) and not DRAWING & parts.keys():
                pipeline.delete_adapters(adapter)
                told.append(GenMetadata(type="lora", value="baseline_mismatch", ref=lora.name))
            else:
                strengths[adapter] = parts
        if strengths:
            pipeline.set_adapters(list(strengths), list(strengths.values()))
        yield told
    finally:
        if loras:
            pipeline.unload_lora_weights()


def _is_for_drawing(place: str) -> bool:
    with safe_open(place, framework="pt") as weights:
        names = weights.keys()
        return any(not name.startswith(FOR_WORDS) for name in names)


def _strengths(pipeline: diffusers.DiffusionPipeline, adapter: str, lora: Lora) -> dict[str, float]:
    parts = [part for part, names in pipeline.get_list_adapters().items() if adapter in names]
    return {part: lora.clip if part.startswith("text_encoder") else lora.model for part in parts}
