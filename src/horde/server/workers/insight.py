"""What is said of a worker where its owner wants it, and to moderators. Source: contract/api-v2.md, section 7.1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from cachetools import LRUCache

from horde.server.accounts.users import User, users_by_id
from horde.server.context import Context
from horde.server.workers.messages import Message, messages_of_workers
from horde.server.workers.roster import Worker, sql

REMEMBERED_MAX = 20_000
PERIODS = 10
"""How many times as old as other pictures of the horde owners may be here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidential:
    """What only moderators may see of a worker."""

    id: UUID
    address: str
    """Where it came from last: of IPv6 the /64; empty: from a network of one's own, or not known."""
    points: int
    """How much speaks against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """What not everybody may see of a worker."""

    owner: User
    messages: list[Message]
    confidential: Confidential | None
    """For moderators."""


class Owners:
    """Owners of workers that were looked at lately, each with when it was read."""

    def __init__(self) -> None:
        self.known: LRUCache[int, tuple[User, datetime]] = LRUCache(REMEMBERED_MAX)


async def insights(ctx: Context, workers: Sequence[Worker], *, by_moderator: bool) -> dict[UUID, Insight]:
    """What may be seen of these workers beside what everybody sees; those of which nothing may are left out.

    Who owns them is remembered for a while, so that a list which everybody reads asks the database little.
    """
    owners = await _owners(ctx, {one.user_id for one in workers})
    shown = [one for one in workers if by_moderator or owners[one.user_id].has_public_workers]
    if not shown:
        return {}
    ids = [one.id for one in shown]
    messages = await messages_of_workers(ctx, ids)
    secrets = await _confidential(ctx, ids) if by_moderator else {}
    return {
        one.id: Insight(owner=owners[one.user_id], messages=messages.get(one.id, []), confidential=secrets.get(one.id))
        for one in shown
    }


async def _owners(ctx: Context, user_ids: Iterable[int]) -> dict[int, User]:
    known = ctx.remembered(Owners).known
    period = timedelta(seconds=PERIODS * ctx.services.settings.refresh_s)
    found = {}
    for user_id in user_ids:
        user, read_at = known.get(user_id, (None, ctx.now))
        if user is not None and ctx.now - read_at < period:
            found[user_id] = user
    if missing := set(user_ids) - found.keys():
        async with ctx.database.statement() as tx:
            read = await users_by_id(tx, missing)
        known.update({user_id: (user, ctx.now) for user_id, user in read.items()})
        found |= read
    return found


async def _confidential(ctx: Context, worker_ids: Sequence[UUID]) -> dict[UUID, Confidential]:
    async with ctx.database.statement() as tx:
        return {row.id: row for row in await tx.all(sql.confidential, Confidential, ids=list(worker_ids))}
