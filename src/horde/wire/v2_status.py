"""The messages of API v2 about the horde as a whole, and ratings. Source: contract/api-v2.md, sections 2.6 and 8."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

Truth = bool | int | float | str | None
"""A yes or no where the contract has no schema: whatever counts as true is yes, null counts as left out."""


class ModesChange(msgspec.Struct, kw_only=True):
    """Which doors are to be closed or opened."""

    maintenance_mode: Annotated[Truth, Meta(examples=[True])] = None
    """For admins: no new request is taken."""
    invite_only_mode: Annotated[Truth, Meta(examples=[False])] = None
    """New workers need an invitation."""
    raid_mode: Annotated[Truth, Meta(examples=[False])] = None
    """Nobody registers, and workers that fail are suspected sooner."""


class ModesChanged(msgspec.Struct, kw_only=True):
    """What was changed, as it is now."""

    maintenance_mode: bool | UnsetType = UNSET
    invite_only_mode: bool | UnsetType = UNSET
    raid_mode: bool | UnsetType = UNSET


class Rating(msgspec.Struct, kw_only=True):
    """What somebody thinks of one picture."""

    id: Annotated[str, Meta(min_length=36, max_length=36, examples=["6f1c7a52-66b7-4a35-9d0e-7d3f1a1c0b2a"])]
    rating: Annotated[int, Meta(ge=1, le=10)]
    artifacts: Annotated[int, Meta(ge=0, le=5)] | UnsetType = UNSET


class Ratings(msgspec.Struct, kw_only=True):
    """What somebody thinks of the pictures of a request."""

    best: Annotated[str, Meta(min_length=36, max_length=36)] | UnsetType = UNSET
    ratings: Annotated[list[Rating], Meta(max_length=20)] = []


class Rated(msgspec.Struct):
    """What the rating earned."""

    reward: float


class NewsAnswer(msgspec.Struct, kw_only=True):
    """One piece of news."""

    date_published: str
    """As YYYY-MM-DD."""
    newspiece: str
    """The text, in markdown."""
    importance: str
    tags: list[str]
    title: str | None
    more_info_urls: list[str]


class ImageAmount(msgspec.Struct):
    """How many pictures, and how many pixelsteps they were."""

    images: int
    ps: int


class ImageTotals(msgspec.Struct, kw_only=True):
    """What was made in the last minute, hour, day and 30 days, and ever."""

    minute: ImageAmount
    hour: ImageAmount
    day: ImageAmount
    month: ImageAmount
    total: ImageAmount


class TextAmount(msgspec.Struct):
    """How many texts, and how many tokens they were."""

    requests: int
    tokens: int


class TextTotals(msgspec.Struct, kw_only=True):
    """What was written in the last minute, hour, day and 30 days, and ever."""

    minute: TextAmount
    hour: TextAmount
    day: TextAmount
    month: TextAmount
    total: TextAmount


class ModelTotals(msgspec.Struct, kw_only=True):
    """How often each model was used, the most used first."""

    day: dict[str, int]
    month: dict[str, int]
    total: dict[str, int]


class DocumentAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A text of the operator, in one of the two forms."""

    html: str | UnsetType = UNSET
    """Harmless, and without a page around it."""
    markdown: str | UnsetType = UNSET
