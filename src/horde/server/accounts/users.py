"""A user as the rest of the house sees one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from horde.errors import UserNotFound
from horde.kinds.base import Person
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.db.queries import load

sql = load(__package__)

ANONYMOUS_ID = 0
SUSPICIOUS_FROM = 5
"""Points against an account."""
ID_DIGITS_MAX = 18
"""Longer numbers are nobody's id, and PostgreSQL takes none."""
ALIAS = re.compile(r"^(?P<name>.+)#(?P<id>[0-9]{1,18})$", re.DOTALL)

Order = Literal["kudos", "age"]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One account with its roles."""

    id: int
    name: str
    is_pseudonymous: bool
    is_trusted: bool
    is_moderator: bool
    is_admin: bool
    """May change kudos, and who is a moderator (docs/decisions/admins-are-made-by-the-operator.md)."""
    is_flagged: bool
    """Cannot move kudos."""
    is_service: bool
    is_education: bool
    is_customizer: bool
    is_vpn: bool
    is_special: bool
    is_deleted: bool
    has_public_workers: bool
    """Whether everybody may see which workers are its."""
    concurrency: int
    """How many of its images may wait at once."""
    worker_invited: int
    usage_multiplier: float
    suspicion: int
    monthly_mk: int
    """What it is granted every month, in milli-kudos."""
    monthly_paid_at: datetime | None
    contact: str | None
    admin_comment: str | None
    """For moderators alone."""
    created_at: datetime

    @property
    def alias(self) -> str:
        """`name#id`, by which users are named on the wire."""
        return f"{self.name}#{self.id}"

    @property
    def person(self) -> Person:
        """What kinds of jobs have to know of it."""
        return Person(alias=self.alias, is_special=self.is_special)

    @property
    def is_anonymous(self) -> bool:
        """Whether this is the account that the whole world shares."""
        return self.id == ANONYMOUS_ID

    @property
    def is_suspicious(self) -> bool:
        """Whether too much spoke against it (contract/lifecycle.md, section 13)."""
        return self.suspicion >= SUSPICIOUS_FROM and not self.is_trusted and not self.is_anonymous


def id_of_alias(alias: str) -> int | None:
    """The id in `name#id`, or None when it does not look like one."""
    found = ALIAS.fullmatch(alias)
    return int(found["id"]) if found else None


async def users_by_id(tx: Tx, user_ids: Iterable[int]) -> dict[int, User]:
    """Those of these accounts that there are."""
    return {user.id: user for user in await tx.all(sql.users_by_id, User, ids=sorted(set(user_ids)))}


async def user_by_id(ctx: Context, text: str) -> User:
    """The account with an id as it stands in an address. Raises UserNotFound, also for what is no number, or wiped."""
    found = None
    if text.isascii() and text.isdecimal() and len(text) <= ID_DIGITS_MAX:
        async with ctx.database.statement() as tx:
            found = (await users_by_id(tx, [int(text)])).get(int(text))
    if found and found.is_deleted:
        async with ctx.database.statement() as tx:
            found = None if await tx.values(sql.wiped_among, int, ids=[found.id]) else found
    if found is None:
        raise UserNotFound(f"User with ID {text[:80]!r} not found.")
    return found


async def page_of_users(tx: Tx, *, order: Order, limit: int, skipped: int) -> list[User]:
    """The accounts with the most kudos, or the oldest, first."""
    query = sql.users_by_age if order == "age" else sql.users_by_kudos
    return await tx.all(query, User, limit=limit, skipped=skipped)


async def users_of_digests(tx: Tx, digests: Iterable[bytes]) -> dict[bytes, User]:
    """The accounts that hold the keys of these digests."""
    return dict(await tx.all(sql.users_of_digests, _by_digest, digests=list(digests)))


def _by_digest(*, digest: bytes, **columns: object) -> tuple[bytes, User]:
    return digest, User(**columns)  # type: ignore[arg-type]  # named as the columns
