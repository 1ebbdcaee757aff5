"""Styles: how a ready-made way of asking is filled in, by kind. Pure.

A style brings a prompt with places for the requestor's own words, parameters and models.
Source: contract/lifecycle.md, section 16.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec
from msgspec import UNSET

from horde.errors import InvalidPromptSize
from horde.kinds.image_params import ExtraText, ImageParams
from horde.kinds.text_params import TextParams

P = TypeVar("P", bound=msgspec.Struct)

WORDS, UNWANTED = "{p}", "{np}"
"""Where the requestor's prompt goes, and what it says is not wanted."""
PLACE = re.compile(r"\{n?p\}")
SPLIT = "###"
"""What parts the two in a prompt for images."""
FILLED_MAX = 1_100_000
"""Characters of a filled prompt: the longest that is taken of a requestor, and a style around it. A template may name
its places often, so this is looked at before it is filled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleRules(Generic[P]):
    """What a style of a kind can be, and what it leaves to the requestor."""

    places: tuple[str, ...]
    """What its prompt must have in it."""
    never: frozenset[str]
    """Parameters that no style has: they are the requestor's."""
    unless_said: frozenset[str]
    """Parameters that are the requestor's where the style does not name them."""
    shown: Mapping[str, object] = field(default_factory=dict)
    """What is shown of every style's parameters, also where it does not name them."""
    fill: Callable[[str, str], str]
    """(the style's prompt, the requestor's) -> the prompt. Raises InvalidPromptSize."""
    tried: Callable[[P], P]
    """(parameters) -> with what a requestor who uses them has to add, so that they can be checked."""

    def kept(self, params: P, named: Collection[str]) -> dict[str, object]:
        """What is kept of parameters of which an author named these."""
        return {
            name: value
            for name, value in msgspec.to_builtins(params).items()
            if name in named and name not in self.never
        }

    def merged(self, asked: P, kept: Mapping[str, object]) -> P:
        """The parameters of a request in that style."""
        theirs = {name for name in self.never | self.unless_said if getattr(asked, name, UNSET) is not UNSET}
        values = {name: value for name, value in msgspec.to_builtins(asked).items() if name in theirs}
        return msgspec.convert(values | dict(kept), type(asked))


def _filled(template: str, words: Mapping[str, str]) -> str:
    # In one go, so that a place in the requestor's own words stays what it is.
    length = len(template) + sum(len(text) * template.count(place) for place, text in words.items())
    if length > FILLED_MAX:
        raise InvalidPromptSize(f"In this style the prompt has about {length:,} characters; {FILLED_MAX:,} are taken.")
    return PLACE.sub(lambda found: words.get(found[0], found[0]), template)


def fill_for_image(template: str, prompt: str) -> str:
    """The two parts of a prompt in their places; what is not wanted comes after `###`, which is put in if need be."""
    words, _, unwanted = prompt.partition(SPLIT)
    if SPLIT not in template and (unwanted or template.partition(UNWANTED)[2].strip()):
        unwanted = f"{SPLIT}{unwanted}"
    return _filled(template, {WORDS: words, UNWANTED: unwanted})


def fill_for_text(template: str, prompt: str) -> str:
    """The prompt in its place; other braces stay what they are."""
    return _filled(template, {WORDS: prompt})


def _image_tried(params: ImageParams) -> ImageParams:
    if params.workflow is UNSET:
        return params
    return msgspec.structs.replace(params, extra_texts=[ExtraText(text="x", reference=params.workflow)])


IMAGE_STYLES: StyleRules[ImageParams] = StyleRules(
    places=(WORDS, UNWANTED),
    never=frozenset({
        "n", "seed", "seed_variation", "control_type", "image_is_control", "return_control_map", "extra_texts",
        "special",
    }),
    unless_said=frozenset({"width", "height"}),
    fill=fill_for_image,
    tried=_image_tried,
)  # fmt: skip

TEXT_STYLES: StyleRules[TextParams] = StyleRules(
    places=(WORDS,),
    never=frozenset({"n"}),
    unless_said=frozenset({"max_length", "max_context_length"}),
    shown={name: getattr(TextParams(), name) for name in (
        "min_p", "smoothing_factor", "dynatemp_range", "dynatemp_exponent",
    )},
    fill=fill_for_text,
    tried=lambda params: params,
)  # fmt: skip
