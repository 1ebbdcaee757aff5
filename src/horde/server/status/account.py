"""What the holder of a key may know of the account."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.ledger.balance import balance
from horde.server.requests.read import readable_requests
from horde.server.workers.roster import workers_of
from horde.units import Kudos


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account with what belongs to it."""

    kudos: Kudos
    worker_count: int
    worker_ids: list[UUID]
    """Empty for the anonymous account: the world's workers are nobody's business."""
    image_requests: list[UUID]
    """Those that can still be read; empty for the anonymous account."""


async def account(ctx: Context, user: User) -> Account:
    """The account of a user who has shown the key."""
    async with ctx.database.transaction() as tx:
        kudos = await balance(tx, user.id)
        workers = await workers_of(tx, user.id)
        requests = await readable_requests(tx, user.id, "image")
    return Account(
        kudos=kudos,
        worker_count=len(workers),
        worker_ids=[] if user.is_anonymous else workers,
        image_requests=[] if user.is_anonymous else requests,
    )
