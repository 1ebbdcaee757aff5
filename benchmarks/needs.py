"""What is asked for and what is offered: 200 distinct needs, and workers who can do all, a tenth, or none of them."""

from __future__ import annotations

import msgspec

MODELS = tuple(f"bench_model_{number:02d}" for number in range(20))
SIZES = ((512, 512), (512, 768), (768, 768), (1024, 768), (1024, 1024))
STEPS = 30


class Need(msgspec.Struct, frozen=True):
    """One combination of model, size and nsfw; requests with equal needs can stand in for each other."""

    model: str
    width: int
    height: int
    nsfw: bool


NEEDS = tuple(Need(model, *size, nsfw) for model in MODELS for size in SIZES for nsfw in (True, False))
"""In an order in which every ten that follow each other hold one that `A_TENTH` can do."""


class Offer(msgspec.Struct, frozen=True):
    """What a worker says it can do."""

    label: str
    nsfw: bool
    max_pixels: int
    models: tuple[str, ...] = MODELS


EVERYTHING = Offer("everything", nsfw=True, max_pixels=1024 * 1024)
A_TENTH = Offer("a tenth", nsfw=False, max_pixels=512 * 512)
NOTHING = Offer("nothing", nsfw=False, max_pixels=64 * 64)
"""It has every model and is too small for every size, so that no server can turn it away by its models alone."""


def can_do(offer: Offer, need: Need) -> bool:
    """Whether the offer meets the need, by the contract's words."""
    fits = need.width * need.height <= offer.max_pixels
    return fits and need.model in offer.models and (offer.nsfw or not need.nsfw)
