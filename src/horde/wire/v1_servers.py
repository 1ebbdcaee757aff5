"""The messages of API v1 about servers, which are called workers elsewhere. Source: contract/api-v1.md, 3 and 4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from horde.wire.v2 import BASE64_MAX, PRIORITY_USERS_MAX


class Pop(msgspec.Struct, kw_only=True):
    """A server asks for a job."""

    api_key: str
    name: Annotated[str, Meta(min_length=1, max_length=1000)]
    max_pixels: Annotated[int, Meta(ge=1, le=2**31 - 1)] = 512 * 512
    priority_usernames: Annotated[list[str], Meta(max_length=PRIORITY_USERS_MAX)] = []


class Job(msgspec.Struct, kw_only=True):
    """A job for a server."""

    payload: Mapping[str, object]
    id: str


class NoJob(msgspec.Struct, kw_only=True):
    """Nothing for this server, and for how many requests it was too small or not among those named."""

    id: None = None
    skipped: dict[str, int]


class Submit(msgspec.Struct, kw_only=True):
    """A server hands a job in."""

    id: Annotated[str, Meta(max_length=1000)]
    api_key: str
    generation: Annotated[str, Meta(max_length=BASE64_MAX)] = ""
    """The picture in base64."""
    seed: Annotated[str, Meta(max_length=100)] | int


class Submitted(msgspec.Struct):
    """What the job was worth."""

    reward: float


class KudosDetails(msgspec.Struct):
    """What a server earned, by source."""

    generated: float
    uptime: float


class ListedServer(msgspec.Struct, kw_only=True):
    """A server in the list of those online."""

    name: str
    id: str
    max_pixels: int
    megapixelsteps_generated: float
    requests_fulfilled: int
    kudos_rewards: float
    kudos_details: KudosDetails
    performance: str
    uptime: int
    maintenance_mode: bool


class Server(msgspec.Struct, kw_only=True):
    """One server."""

    name: str
    id: str
    max_pixels: int
    megapixelsteps_generated: float
    requests_fulfilled: int
    latest_performance: str
    maintenance_mode: bool


class ServerChange(msgspec.Struct, kw_only=True):
    """What is to be different of a server."""

    api_key: str
    maintenance: bool | UnsetType = UNSET
    """Whether it serves its owner alone."""
    paused: bool | UnsetType = UNSET
    """For who looks after the horde."""


class ServerChanged(msgspec.Struct, kw_only=True):
    """What was changed of a server, as it is now."""

    maintenance: bool | UnsetType = UNSET
    paused: bool | UnsetType = UNSET
