"""Check and price a request, then put it into the queue."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

import msgspec

from horde.errors import RequiresTrust, WorkerNotFound
from horde.kinds import KINDS
from horde.kinds.base import Draft, Needs
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.idempotency.keys import Key, answer_to
from horde.server.requests.accept import Accepted, Order, accept_once_together, accept_together
from horde.server.workers.roster import unknown_among
from horde.units import Kudos

P = TypeVar("P", bound=msgspec.Struct)

WORKERS_KEPT = 5
"""Listed workers beyond these are not looked at (contract/api-v2.md, section 2.1)."""


async def submit(ctx: Context, user: User, draft: Draft[P], key: Key | None = None) -> Accepted:
    """Put a request into the queue; a call with a `key` that was made before is answered as it was then.

    Raises what the kind's own check raises, RequiresTrust, WorkerNotFound, TooManyPrompts, IdempotencyKeyConflict;
    nothing is written then.
    """
    needs, price = appraised(user, draft)
    await _refuse_unknown_workers(ctx, needs)
    order = Order(id=uuid.uuid4(), user=user, draft=draft, needs=needs, price=price, key=key)
    return await ctx.together(accept_once_together if key else accept_together, order)


async def submitted(ctx: Context, key: Key) -> Accepted | None:
    """What a call with this key was answered, if it was made before. Raises IdempotencyKeyConflict."""
    answer = await answer_to(ctx, key)
    return None if answer is None else msgspec.convert(answer, Accepted)


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


async def _refuse_unknown_workers(ctx: Context, needs: Needs) -> None:
    if not needs.workers:
        return
    async with ctx.database.statement() as tx:
        unknown = await unknown_among(tx, [UUID(text) for text in needs.workers])
    if unknown:
        raise WorkerNotFound(f"Worker with ID '{unknown[0]}' not found.")
