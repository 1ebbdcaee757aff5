"""Sign what is sent, so that its receiver knows it is ours. Source: Standard Webhooks 1.0.0, symmetric signatures.

A secret cannot be kept as a hash: who signs needs it.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from horde.errors import AnonForbidden
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.webhooks import sql

PREFIX = "whsec_"
SECRET_BYTES = 32
BOTH_VALID = timedelta(hours=24)
"""How long messages are signed with the old secret too, so that receivers can be changed in peace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What an account's messages are signed with."""

    user_id: int
    secret: bytes
    made_at: datetime
    previous: bytes | None
    previous_until: datetime | None

    @property
    def text(self) -> str:
        """As receivers are given it."""
        return PREFIX + base64.b64encode(self.secret).decode()


def signature(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature, with its version."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, sha256)).decode()


def headers(secret: Secret, message_id: str, body: bytes, *, now: datetime) -> dict[str, str]:
    """What a receiver checks a message by; any one of several signatures is enough."""
    timestamp = int(now.timestamp())
    valid = [secret.secret] if secret.previous is None else [secret.secret, secret.previous]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(each, message_id, timestamp, body) for each in valid),
    }


async def secrets_of(tx: Tx, users: Collection[int], *, now: datetime) -> dict[int, Secret]:
    """The secret of each of these accounts; made for those that have none yet."""
    asked = sorted(set(users))
    found = {row.user_id: row for row in await tx.all(sql.secrets, Secret, users=asked, now=now)}
    if missing := [user_id for user_id in asked if user_id not in found]:
        rows = [{"user_id": user_id, "secret": secrets.token_hex(SECRET_BYTES)} for user_id in missing]
        await tx.run(sql.add_secrets, secrets=rows, now=now)
        # What another node made at the same moment is what counts.
        found |= {row.user_id: row for row in await tx.all(sql.secrets, Secret, users=missing, now=now)}
    return found


async def secret(ctx: Context, user: User) -> Secret:
    """The account's own secret. Raises AnonForbidden for the account that is everybody's."""
    _refuse_anonymous(user)
    async with ctx.database.transaction() as tx:
        return (await secrets_of(tx, [user.id], now=ctx.now))[user.id]


async def rotate(ctx: Context, user: User, *, keep_previous: bool) -> Secret:
    """A new secret for the account; the old one is valid for a day yet, or no more. Raises AnonForbidden."""
    _refuse_anonymous(user)
    async with ctx.database.transaction() as tx:
        await secrets_of(tx, [user.id], now=ctx.now)
        until = ctx.now + BOTH_VALID if keep_previous else None
        new = secrets.token_bytes(SECRET_BYTES)
        await tx.run(sql.rotate, user_id=user.id, secret=new, until=until, now=ctx.now)
        return (await secrets_of(tx, [user.id], now=ctx.now))[user.id]


def _refuse_anonymous(user: User) -> None:
    if user.is_anonymous:
        raise AnonForbidden("The anonymous account is everybody's: who knew its secret could sign for everybody.")
