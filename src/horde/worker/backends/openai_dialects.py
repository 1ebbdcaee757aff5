"""What the programs that speak OpenAI's API call the settings that the horde names as KoboldAI does.

OpenAI's own API has few of them; each program has added more, under names of its own. A setting that a program lacks
is left out: the text is then written without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from horde.worker.backends.base import TextOrder

STANDARD: Final = {"temperature": "temperature", "top_p": "top_p"}
STOPS_MAX = 4
"""OpenAI's own API takes no more stop sequences; the programs that one runs oneself take any number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One program that speaks OpenAI's API."""

    program: str
    prefix: str
    """What comes before the name of a model on the horde, by custom."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Its name for each setting of KoboldAI that it has beside the standard ones."""
    prompt_field: str | None = None
    """Its `POST /tokenize` takes the text under this name; None: it has no such call."""
    version_path: str | None = None
    """Where it tells its version."""
    stops_max: int | None = None


DIALECTS: Final = {
    "llamacpp": Dialect(
        program="llama.cpp",
        prefix="llamacpp",
        version_path="/props",
        fields={
            "top_k": "top_k",
            "min_p": "min_p",
            "typical": "typical_p",
            "rep_pen": "repeat_penalty",
            "rep_pen_range": "repeat_last_n",
            "dynatemp_range": "dynatemp_range",
            "dynatemp_exponent": "dynatemp_exponent",
        },
        prompt_field="content",
    ),
    "vllm": Dialect(
        program="vLLM",
        prefix="vllm",
        version_path="/version",
        fields={"top_k": "top_k", "min_p": "min_p", "rep_pen": "repetition_penalty"},
        prompt_field="prompt",
    ),
    "aphrodite": Dialect(
        program="Aphrodite",
        prefix="aphrodite",
        version_path="/version",
        fields={
            "top_k": "top_k",
            "top_a": "top_a",
            "min_p": "min_p",
            "tfs": "tfs",
            "typical": "typical_p",
            "rep_pen": "repetition_penalty",
            "smoothing_factor": "smoothing_factor",
        },
    ),
    "tabbyAPI": Dialect(
        program="TabbyAPI",
        prefix="tabbyAPI",
        fields={
            "top_k": "top_k",
            "top_a": "top_a",
            "min_p": "min_p",
            "tfs": "tfs",
            "typical": "typical",
            "rep_pen": "repetition_penalty",
            "rep_pen_range": "repetition_range",
            "smoothing_factor": "smoothing_factor",
        },
    ),
    "koboldcpp": Dialect(program="KoboldCpp", prefix="koboldcpp"),
    "library": Dialect(program="Ollama", prefix="ollama"),
}
"""By what `owned_by` of its models says; Ollama names its library there. llama.cpp's line is tried with the real
program (tests/foreign_programs), the others are from the documentation of theirs."""
UNKNOWN: Final = Dialect(program="an OpenAI-compatible server", prefix="openai", stops_max=STOPS_MAX)


def dialect_of(owned_by: str) -> Dialect:
    """The dialect of the program that says this of its models."""
    return DIALECTS.get(owned_by, UNKNOWN)


def settings_of(order: TextOrder, dialect: Dialect) -> dict[str, object]:
    """The settings of an order in this dialect."""
    names = {**STANDARD, **dialect.fields}
    settings: dict[str, object] = {names[name]: value for name, value in order.payload.items() if name in names}
    if stops := _stops(order):
        settings["stop"] = stops[: dialect.stops_max]
    return settings


def _stops(order: TextOrder) -> list[str]:
    given = order.payload.get("stop_sequence")
    stops = [str(stop) for stop in given if stop] if isinstance(given, list) else []
    if order.payload.get("singleline"):
        stops.append("\n")
    return stops
