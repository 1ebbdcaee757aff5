"""Links that we sign: who holds one may do one thing with one object until it expires.

The signature covers method, key and expiry, and nothing of the address, so that the same link works behind any proxy
and needs no header: workers send their upload without a Content-Type (contract/lifecycle.md, section 10).
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal
from urllib.parse import urlencode

from horde.errors import LinkRefused
from horde.server.db.pool import Database
from horde.server.db.queries import load

sql = load(__package__)

LINK_LIFE = timedelta(seconds=1800)
FILES_PATH = "/api/files"
SECRET_NAME = "links"  # noqa: S105 - the name of the row, not the secret
SECRET_BYTES = 32

Method = Literal["GET", "PUT"]


class Signer:
    """Makes and checks links with the secret that all nodes of a horde share."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def link(self, base_url: str, method: Method, key: str, *, now: datetime) -> str:
        """A link to `key` under `base_url` (no trailing slash), valid for 30 minutes."""
        expires = int((now + LINK_LIFE).timestamp())
        query = urlencode({"expires": expires, "signature": self._signature(method, key, expires)})
        return f"{base_url}{FILES_PATH}/{key}?{query}"

    def check(self, method: Method, key: str, expires: int, signature: str, *, now: datetime) -> None:
        """Raises LinkRefused for a forged link or one past its time."""
        expected = self._signature(method, key, expires)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise LinkRefused("The signature of this link is not valid for this file.")
        if now.timestamp() > expires:
            raise LinkRefused(f"This link expired {int(now.timestamp()) - expires} s ago.")

    def _signature(self, method: Method, key: str, expires: int) -> str:
        return hmac.new(self._secret, f"{method}\n{key}\n{expires}".encode(), sha256).hexdigest()


async def shared_signer(database: Database) -> Signer:
    """The signer of this horde; the first node makes its secret, the others find it in the database."""
    async with database.transaction() as tx:
        await tx.run(sql.add_secret, name=SECRET_NAME, value=secrets.token_bytes(SECRET_BYTES))
        secret = await tx.value(sql.secret, bytes, name=SECRET_NAME)
    assert secret is not None
    return Signer(secret)
