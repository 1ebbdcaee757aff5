"""Accept a request: check it, price it, put it into its lane, all in one transaction."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import msgspec

from horde.errors import RequiresTrust, TooManyPrompts, WorkerNotFound
from horde.kinds import KINDS
from horde.kinds.base import Draft, Needs
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.db import notify
from horde.server.db.pool import Tx
from horde.server.db.queries import load
from horde.server.ledger.balance import balance
from horde.server.matching.lanes import lane_of
from horde.server.matching.order import priority
from horde.server.workers.roster import online_workers, somebody_can_serve, unknown_among
from horde.units import Kudos

sql = load(__package__)
P = TypeVar("P", bound=msgspec.Struct)

LIFE = timedelta(minutes=20)
"""How long a request is kept after its last activity (contract/lifecycle.md, section 8)."""
WORKERS_KEPT = 5
"""Listed workers beyond these are not looked at (contract/api-v2.md, section 2.1)."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request that waits."""

    id: str
    price: Kudos
    """Of one of its jobs."""
    is_possible: bool
    """Whether a worker that is online now could do it."""


async def submit(ctx: Context, user: User, draft: Draft[P]) -> Accepted:
    """Put a request into the queue.

    Raises what the kind's own check raises, RequiresTrust, WorkerNotFound, TooManyPrompts; nothing is written then.
    """
    needs, price = appraised(user, draft)
    async with ctx.database.transaction() as tx:
        await _refuse_unknown_workers(tx, needs)
        await _refuse_too_many(tx, user, draft)
        request_id = uuid.uuid4()
        await _add(tx, ctx, request_id, user, draft, needs, price)
        await notify.ring(tx, notify.WORK)
        workers = await online_workers(tx, now=ctx.now)
    return Accepted(str(request_id), price, somebody_can_serve(workers, needs, owner_id=user.id))


def appraised(user: User, draft: Draft[P]) -> tuple[Needs, Kudos]:
    """What a draft needs and what one of its jobs costs; all that a dry run does.

    Raises what the kind's own check raises, WorkerNotFound for a listed worker that is no id, and RequiresTrust.
    """
    kind = KINDS[draft.kind]
    kind.check(draft)
    draft = replace(draft, workers=_worker_ids(draft.workers))
    if draft.n > 1 and draft.disable_batching and not user.is_trusted:
        raise RequiresTrust
    return kind.needs(draft), kind.price(draft.params)


def _worker_ids(texts: tuple[str, ...]) -> tuple[str, ...]:
    # One spelling of an id: matching compares texts.
    ids = []
    for text in texts[:WORKERS_KEPT]:
        try:
            ids.append(str(UUID(text)))
        except ValueError:
            raise WorkerNotFound(f"Worker with ID {text[:80]!r} not found.") from None
    return tuple(ids)


async def _refuse_unknown_workers(tx: Tx, needs: Needs) -> None:
    if unknown := await unknown_among(tx, [UUID(text) for text in needs.workers]):
        raise WorkerNotFound(f"Worker with ID '{unknown[0]}' not found.")


async def _refuse_too_many(tx: Tx, user: User, draft: Draft[P]) -> None:
    # The world shares the anonymous account, so there only requests for the same models stand in each other's way.
    models = list(draft.models) if user.is_anonymous else []
    waiting = await tx.value(sql.waiting_of_user, int, user_id=user.id, kind=draft.kind, models=models) or 0
    if waiting + draft.n > user.concurrency:
        raise TooManyPrompts(
            f"Parallel requests ({waiting} waiting and {draft.n} new) are more than your limit of {user.concurrency}."
        )


async def _add(tx: Tx, ctx: Context, request_id: UUID, user: User, draft: Draft[P], needs: Needs, price: Kudos) -> None:
    kind = KINDS[draft.kind]
    await tx.run(
        sql.add_request,
        id=request_id,
        user_id=user.id,
        kind=draft.kind,
        lane_id=await lane_of(tx, needs),
        prompt=draft.prompt,
        params=msgspec.to_builtins(draft.params),
        n=draft.n,
        priority=priority(await balance(tx, user.id), ctx.now),
        seed=draft.seed,
        seed_variation=draft.seed_variation,
        things=kind.things(draft.params),
        price_mk=price,
        lease_s=max(kind.lease_s(draft.params), ctx.services.settings.lease_s_min),
        is_inline=draft.is_inline,
        wants_censoring=draft.censor_nsfw and not draft.nsfw,
        disable_batching=draft.disable_batching,
        client_agent=draft.client_agent,
        now=ctx.now,
        expires_at=ctx.now + LIFE,
    )
