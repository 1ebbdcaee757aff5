"""The words that wake LoRAs, as requestors ask for them with `inject_trigger`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from horde.kinds.image_params import Lora
from horde.worker.backends.base import AddOn

ANY_TRIGGER = "any"
"""Asks for the first trigger of the LoRA's own, which is known of those that the worker fetched."""


def triggers(loras: Iterable[Lora], add_ons: Iterable[AddOn]) -> list[str]:
    """The words that the requestor wants in the prompt, in the order of the LoRAs."""
    known = {(add_on.name, add_on.is_version): add_on.triggers for add_on in add_ons if add_on.kind == "lora"}
    words: list[str] = []
    for lora in loras:
        if not isinstance(lora.inject_trigger, str):
            continue
        if lora.inject_trigger.lower() == ANY_TRIGGER:
            own: Sequence[str] = known.get((lora.name, lora.is_version), ())
            words += own[:1]
        else:
            words.append(lora.inject_trigger)
    return words
