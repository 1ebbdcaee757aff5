"""The messages of API v2 for moderators. Source: contract/api-v2.md, section 9.

As in v2.py: an explicit null is refused, absent is `UNSET`.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

AddressText = Annotated[str, Meta(min_length=7, max_length=40, examples=["192.0.2.7", "192.0.2.0/24"])]
DESCRIPTION_MAX = 1000


class Done(msgspec.Struct):
    """What was asked for is done."""

    message: str = "OK"


class BlockAddress(msgspec.Struct, kw_only=True):
    """Keep an address or a network out."""

    ipaddr: AddressText
    hours: Annotated[int, Meta(ge=1, le=720, examples=[24])]


class UnblockAddress(msgspec.Struct, kw_only=True):
    """Let an address or a network in again."""

    ipaddr: AddressText


class BlockWorker(msgspec.Struct, kw_only=True):
    """Keep the address of a worker out."""

    days: Annotated[int, Meta(ge=1, le=30, examples=[3])]


class BlockedAddress(msgspec.Struct):
    """A network, and for how many more seconds it is kept out."""

    ipaddr: str
    seconds: int


class NewFilter(msgspec.Struct, kw_only=True):
    """A moderator adds a filter."""

    regex: Annotated[str, Meta(min_length=1, examples=["forbidden ?words?"])]
    filter_type: Annotated[int, Meta(ge=10, le=29, examples=[10])]
    description: Annotated[str, Meta(max_length=DESCRIPTION_MAX)] | UnsetType = UNSET
    replacement: Annotated[str, Meta(max_length=DESCRIPTION_MAX)] = ""


class FilterChange(msgspec.Struct, kw_only=True):
    """What shall be changed of a filter; what is left out stays, and so does what is empty or 0."""

    regex: Annotated[str, Meta(examples=["forbidden (words?|names?)"])] = ""
    filter_type: Annotated[int, Meta(ge=0, le=29)] = 0
    description: Annotated[str, Meta(max_length=DESCRIPTION_MAX)] = ""
    replacement: Annotated[str, Meta(max_length=DESCRIPTION_MAX)] = ""


class TryFilters(msgspec.Struct, kw_only=True):
    """A prompt, to see what the filters say of it."""

    prompt: Annotated[str, Meta(max_length=100_000, examples=["a forbidden word"])] | int | float | bool
    """What is no text is taken as one, as on all routes of v2 without a schema."""
    filter_type: int | float | str | bool | UnsetType = UNSET
    """Only filters of this type."""


class FilterAnswer(msgspec.Struct, kw_only=True):
    """A filter."""

    id: str
    regex: str
    filter_type: int
    description: str | UnsetType = UNSET
    replacement: str
    user: str
    """Who made it."""


class FilterVerdict(msgspec.Struct):
    """How many groups of filters hit, and what of the prompt each filter hit."""

    suspicion: str
    matches: list[str]


class FilterRegex(msgspec.Struct):
    """All filters of a type as one expression; without `regex` where there is none."""

    filter_type: int
    regex: str | UnsetType = UNSET
