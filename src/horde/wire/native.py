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
