"""The messages of our own routes, which the public AI Horde does not have."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

USERNAME_MAX = 30


class Register(msgspec.Struct):
    """Somebody wants a pseudonymous account."""

    username: Annotated[str, Meta(min_length=1, max_length=1000)]


class Registered(msgspec.Struct):
    """The new account. The key is shown this once: only its hash is kept."""

    id: int
    username: str
    """`alias#id`."""
    api_key: str


class WorkerModel(msgspec.Struct, kw_only=True):
    """What a worker did with one model, in things of its kind: pixelsteps for images, tokens for text."""

    model: str
    jobs: int
    things_per_second: float | None
    """Mean of its last 20 jobs with the model; null: it did none yet."""
    is_offered: bool
    """Whether the worker still offers it."""
