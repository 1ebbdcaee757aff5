"""The messages of API v1 about requests, accounts and the horde; of servers: v1_servers.py.

Source: contract/api-v1.md.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType


class Generate(msgspec.Struct, kw_only=True):
    """A request for images; `params` is as free as v1 leaves it."""

    prompt: str
    api_key: str
    params: dict[str, object] = {}
    servers: list[str] = []


class Generation(msgspec.Struct, kw_only=True):
    """One picture: base64 of a webp. The server is named twice, for v1 clients of either spelling."""

    img: str
    seed: str
    server_id: str
    server_name: str
    worker_id: str
    worker_name: str


class Asked(msgspec.Struct):
    """Under which id the request waits."""

    id: str


class Check(msgspec.Struct, kw_only=True):
    """How far a request is."""

    finished: int
    processing: int
    waiting: int
    done: bool
    queue_position: int
    """1 is next; 0: nothing of it waits."""
    wait_time: int
    """Seconds until the last picture, as far as can be told."""


class PromptGeneration(msgspec.Struct, kw_only=True):
    """One picture of a request: base64 of a webp."""

    img: str
    seed: str
    server_id: str
    server_name: str
    queue_position: None = None


class Prompt(msgspec.Struct, kw_only=True):
    """How far a request is, with its pictures; all null: there is no such request."""

    finished: int | None = None
    processing: int | None = None
    waiting: int | None = None
    done: bool | None = None
    queue_position: int | None = None
    wait_time: int | None = None
    generations: list[PromptGeneration] | None = None


class Transfer(msgspec.Struct, kw_only=True):
    """Kudos for somebody; numbers may also come as text."""

    username: str
    api_key: str
    amount: int | float | str | bool = 100


class Transfered(msgspec.Struct):
    """How much was given; the word is spelt as v1 spells it."""

    transfered: float


class Usage(msgspec.Struct):
    """What an account asked for."""

    megapixelsteps: float
    requests: int


class Contributions(msgspec.Struct):
    """What an account's workers made."""

    megapixelsteps: float
    fulfillments: int


class UserKudosDetails(msgspec.Struct, kw_only=True):
    """Where an account's kudos come from and went."""

    accumulated: float
    gifted: float
    admin: float
    received: float


class ListedUser(msgspec.Struct, kw_only=True):
    """An account in the list."""

    id: int
    kudos: float
    kudos_details: UserKudosDetails
    usage: Usage
    contributions: Contributions
    concurrency: int


class UserAnswer(msgspec.Struct, kw_only=True):
    """An account."""

    username: str
    kudos: float
    usage: Usage
    contributions: Contributions
    concurrency: int


class UserChange(msgspec.Struct, kw_only=True):
    """What an admin changes of an account; 0 counts as not given."""

    api_key: str
    kudos: Annotated[int, Meta(ge=-(10**12), le=10**12)] = 0
    concurrency: Annotated[int, Meta(ge=0, le=500)] = 0
    usage_multiplier: Annotated[float, Meta(ge=0, le=10)] = 0


class UserChanged(msgspec.Struct, kw_only=True):
    """What was changed, as it is now."""

    new_kudos: float | UnsetType = UNSET
    concurrency: int | UnsetType = UNSET
    usage_multiplier: float | UnsetType = UNSET


class Performance(msgspec.Struct, kw_only=True):
    """The horde in numbers."""

    queued_requests: int
    queued_megapixelsteps: float
    megapixelsteps_per_min: float
    server_count: int
    maintenance_mode: bool


class SetMaintenance(msgspec.Struct, kw_only=True):
    """Whether no request shall be taken."""

    api_key: str
    active: bool


class Maintenance(msgspec.Struct):
    """Whether no request is taken."""

    maintenance_mode: bool
