"""The parameters of a text with their bounds. Source: contract/api-v2.md, section 4.1."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

Share = Annotated[float, Meta(ge=0, le=1)]
UpTo5 = Annotated[float, Meta(ge=0, le=5)]
UpTo10 = Annotated[float, Meta(ge=0, le=10)]

SAMPLER_NUMBER_MAX = 2**31 - 1
"""The contract names no bound; it has to fit the database and any worker."""
LISTED_MAX = 1000
"""Entries of a list in which the contract counts different ones only: all of them are kept."""


class TextParams(msgspec.Struct, kw_only=True):
    """How a text is to be written. Lengths are tokens; absent optional values are left to the worker."""

    n: Annotated[int, Meta(ge=1, le=20)] = 1
    max_context_length: Annotated[int, Meta(ge=80, le=1_048_576)] = 2048
    max_length: Annotated[int, Meta(ge=16, le=4096)] = 80
    frmtadsnsp: bool | UnsetType = UNSET
    frmtrmblln: bool | UnsetType = UNSET
    frmtrmspch: bool | UnsetType = UNSET
    frmttriminc: bool | UnsetType = UNSET
    singleline: bool | UnsetType = UNSET
    use_default_badwordsids: bool | UnsetType = UNSET
    rep_pen: Annotated[float, Meta(ge=1, le=3)] | UnsetType = UNSET
    rep_pen_range: Annotated[int, Meta(ge=0, le=4096)] | UnsetType = UNSET
    rep_pen_slope: UpTo10 | UnsetType = UNSET
    temperature: UpTo5 | UnsetType = UNSET
    tfs: Share | UnsetType = UNSET
    top_a: Share | UnsetType = UNSET
    top_k: Annotated[int, Meta(ge=0, le=200)] | UnsetType = UNSET
    top_p: Annotated[float, Meta(ge=0.001, le=1)] | UnsetType = UNSET
    typical: Share | UnsetType = UNSET
    sampler_order: (
        Annotated[list[Annotated[int, Meta(ge=0, le=SAMPLER_NUMBER_MAX)]], Meta(max_length=LISTED_MAX)] | UnsetType
    ) = UNSET
    stop_sequence: Annotated[list[str], Meta(max_length=LISTED_MAX)] | UnsetType = UNSET
    min_p: Share = 0.0
    smoothing_factor: UpTo10 = 0.0
    dynatemp_range: UpTo5 = 0.0
    dynatemp_exponent: UpTo5 = 1.0
