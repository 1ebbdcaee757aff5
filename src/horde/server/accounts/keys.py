"""API keys: made once, shown once, kept as a hash.

A key is 128 random bits, so one round of SHA-256 is enough: there is no dictionary to try. The prefix keeps the digests
from being of use elsewhere. The anonymous key is public and part of the schema's first rows.
"""

from __future__ import annotations

import hashlib
import secrets

from horde.errors import InvalidAPIKey
from horde.server.accounts.users import User, user_of_digest
from horde.server.context import Context

ANONYMOUS_KEY = "0000000000"
KEY_BYTES = 16
"""22 characters of URL-safe text, the length that clients expect (contract/clients.md, section 1)."""
KEY_LENGTH_MAX = 200
DIGEST_PREFIX = b"stable-horde key:"


def new_key() -> str:
    """A key that nobody has."""
    return secrets.token_urlsafe(KEY_BYTES)


def digest(key: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(DIGEST_PREFIX + key.encode()).digest()


async def authenticate(ctx: Context, key: str) -> User:
    """The account of a key.

    Raises InvalidAPIKey for one that nobody holds.
    """
    if 0 < len(key) <= KEY_LENGTH_MAX:
        async with ctx.database.transaction() as tx:
            if user := await user_of_digest(tx, digest(key)):
                return user
    raise InvalidAPIKey
