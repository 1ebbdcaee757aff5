"""API keys: made once, shown once, kept as a hash.

A key is 128 random bits, so one round of SHA-256 is enough: there is no dictionary to try. The prefix keeps the digests
from being of use elsewhere. The anonymous key is public and part of the schema's first rows.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from cachetools import LRUCache

from horde.errors import InvalidAPIKey
from horde.server.accounts.users import User, users_of_digests
from horde.server.context import Context
from horde.server.memory import Memory

ANONYMOUS_KEY = "0000000000"
KEY_BYTES = 16
"""22 characters of URL-safe text, the length that clients expect (contract/clients.md, section 1)."""
KEY_LENGTH_MAX = 200
DIGEST_PREFIX = b"stable-horde key:"
REMEMBERED_MAX = 20_000
"""Accounts that a process remembers at once."""


def new_key() -> str:
    """A key that nobody has. None begins with a dash: command lines take such a word for an option."""
    while (key := secrets.token_urlsafe(KEY_BYTES)).startswith("-"):
        pass
    return key


def digest(key: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(DIGEST_PREFIX + key.encode()).digest()


class Known:
    """The accounts whose keys were shown to this process lately, each with when it was read."""

    def __init__(self) -> None:
        self.users: LRUCache[bytes, tuple[User, datetime]] = LRUCache(REMEMBERED_MAX)


def remembered_user(memory: Memory, key: str) -> User | None:
    """The account of a key that was shown to this process lately; None says nothing."""
    user, _ = memory.of(Known).users.get(digest(key), (None, None))
    return user


async def authenticate(ctx: Context, key: str) -> User:
    """The account of a key, as it was a second ago at the most.

    Raises InvalidAPIKey for one that nobody holds.
    """
    if not 0 < len(key) <= KEY_LENGTH_MAX:
        raise InvalidAPIKey
    known, shown = ctx.remembered(Known).users, digest(key)
    user, read_at = known.get(shown, (None, ctx.now))
    if user is not None and ctx.now - read_at < timedelta(seconds=ctx.services.settings.refresh_s):
        return user
    user = await ctx.together(_users_together, shown)
    if user is None:
        known.pop(shown, None)
        raise InvalidAPIKey
    known[shown] = user, ctx.now
    return user


async def nobody(ctx: Context) -> User:
    """The account that the whole world shares."""
    return await authenticate(ctx, ANONYMOUS_KEY)


async def _users_together(ctx: Context, digests: Sequence[bytes]) -> list[User | None]:
    async with ctx.database.statement() as tx:
        found = await users_of_digests(tx, set(digests))
    return [found.get(digest) for digest in digests]
