"""A user as the rest of the house sees one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from horde.server.db.pool import Tx
from horde.server.db.queries import load

sql = load(__package__)

ANONYMOUS_ID = 0
ALIAS = re.compile(r"^(?P<name>.+)#(?P<id>[0-9]{1,18})$", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One account with its roles."""

    id: int
    name: str
    is_pseudonymous: bool
    is_trusted: bool
    is_moderator: bool
    concurrency: int
    """How many of its images may wait at once."""
    created_at: datetime

    @property
    def alias(self) -> str:
        """`name#id`, by which users are named on the wire."""
        return f"{self.name}#{self.id}"

    @property
    def is_anonymous(self) -> bool:
        """Whether this is the account that the whole world shares."""
        return self.id == ANONYMOUS_ID


def id_of_alias(alias: str) -> int | None:
    """The id in `name#id`, or None when it does not look like one."""
    found = ALIAS.fullmatch(alias)
    return int(found["id"]) if found else None


async def users_of_digests(tx: Tx, digests: Iterable[bytes]) -> dict[bytes, User]:
    """The accounts that hold the keys of these digests."""
    return dict(await tx.all(sql.users_of_digests, _by_digest, digests=list(digests)))


def _by_digest(*, digest: bytes, **columns: object) -> tuple[bytes, User]:
    return digest, User(**columns)  # type: ignore[arg-type]  # named as the columns
