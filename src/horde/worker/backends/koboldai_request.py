"""Says an order in the words of KoboldAI's own API, which refuses whatever it does not know.

The horde has its settings from it, and many more since. Source: `GenerationInputSchema` of its aiserver.py, API 1.2.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from horde.kinds.text_params import TextParams
from horde.worker.backends.base import BackendFailed, TextOrder

TOKENS_MAX: Final = 512
CONTEXT_MIN, CONTEXT_MAX = 512, 2048
TEMPERATURE_MIN = 0.01
"""It must be above 0, where texts hardly differ any more."""
SAMPLERS_MIN = 6
"""In an order of samplers, each once."""
KNOWN: Final = frozenset({
    "frmtadsnsp", "frmtrmblln", "frmtrmspch", "frmttriminc", "singleline", "rep_pen", "rep_pen_range", "rep_pen_slope",
    "temperature", "tfs", "top_a", "top_k", "top_p", "typical", "sampler_order",
})  # fmt: skip
"""Of the horde's settings."""


def params_of(order: TextOrder) -> TextParams:
    """The payload with its types. Raises BackendFailed for one that says what a request may not."""
    try:
        return msgspec.convert(order.payload, TextParams, strict=False)
    except msgspec.ValidationError as error:
        raise BackendFailed(f"the payload cannot be read: {error}") from error


def body_of(order: TextOrder, params: TextParams, seed: int) -> Mapping[str, object]:
    """What to ask for one text. Settings that KoboldAI lacks are left out; `written` sees to the words that end it."""
    known = {name: value for name in KNOWN if (value := getattr(params, name)) is not UNSET}
    if params.temperature is not UNSET:
        known["temperature"] = max(params.temperature, TEMPERATURE_MIN)
    if params.sampler_order is not UNSET and not _is_order(params.sampler_order):
        del known["sampler_order"]
    return known | {
        "prompt": order.prompt,
        "n": 1,
        "max_length": min(order.tokens, TOKENS_MAX),
        "max_context_length": min(max(order.context, CONTEXT_MIN), CONTEXT_MAX),
        "sampler_seed": seed,
    }


def written(text: str, params: TextParams) -> str:
    """The text up to the first of the words that are to end it."""
    words = [] if params.stop_sequence is UNSET else params.stop_sequence
    return text[: min((at for word in words if word and (at := text.find(word)) >= 0), default=len(text))]


def _is_order(samplers: Sequence[int]) -> bool:
    return len(samplers) >= SAMPLERS_MIN and sorted(samplers) == list(range(len(samplers)))
