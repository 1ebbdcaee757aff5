"""Requests for several forms of one picture: each form is a request of its own, of one job; all are read as a group.

Why so: docs/decisions/alchemy.md. The picture is in the storage, or known to be one, before anything is in the queue.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import msgspec

from horde.errors import HordeError, IdempotencyKeyConflict, Overloaded
from horde.kinds import KINDS
from horde.kinds.alchemy import NAME, TILES_MAX, AlchemyParams
from horde.kinds.alchemy_price import tiles
from horde.kinds.base import Draft
from horde.kinds.image_refusals import SourceImageResolutionExceeded
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.idempotency.keys import Key
from horde.server.modes.modes import refuse_in_maintenance
from horde.server.requests.accept_groups import accept_groups_together, refuse_group_early
from horde.server.requests.cost import cost_of
from horde.server.requests.orders import Accepted, Group, Order
from horde.server.requests.sources import Sources, is_url, measured, read_source
from horde.server.requests.submit import submitted
from horde.server.storage.objects import source_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """What a requestor asks for, free of any dialect and not yet accepted."""

    drafts: Sequence[Draft[AlchemyParams]]
    """One for each form, as if its picture were small."""
    source: str
    """The picture as it was sent: base64, or a URL."""


async def submit_forms(ctx: Context, user: User, forms: Forms, key: Key | None = None) -> Accepted:
    """Put all forms into the queue, or none; a call with a `key` that was made before is answered as it was then.

    Raises MaintenanceMode, TooManyPrompts, IdempotencyKeyConflict, an ImageValidationFailed,
    Overloaded and StorageFailed.
    """
    if key and (known := await submitted(ctx, key)):
        return known
    await refuse_in_maintenance(ctx)
    group = _group(user, uuid.uuid4(), forms.drafts, None, key)
    await refuse_group_early(ctx, group)
    sources, count = await _source(ctx, group.id, forms.source)
    drafts = [replace(draft, params=msgspec.structs.replace(draft.params, tiles=count)) for draft in forms.drafts]
    group = _group(user, group.id, drafts, sources, key)
    try:
        return await ctx.together(accept_groups_together, group)
    except Overloaded:
        # It may have been accepted all the same. If not, its picture has no owner, and such are swept.
        raise
    except HordeError as refusal:
        await _forget(ctx, group)
        if key and isinstance(refusal, IdempotencyKeyConflict) and (known := await submitted(ctx, key)):
            return known  # another call with the same key was faster
        raise


def _group(
    user: User, group_id: UUID, drafts: Sequence[Draft[AlchemyParams]], sources: Sources | None, key: Key | None
) -> Group:
    orders = []
    for draft in drafts:
        kind = KINDS[draft.kind]
        kind.check(draft)
        needs = kind.needs(draft)
        cost = cost_of(draft, needs, None)
        orders.append(
            Order(
                id=uuid.uuid4(), user=user, draft=draft, needs=needs, cost=cost, key=key, sources=sources,
                group_id=group_id,
            )
        )  # fmt: skip
    is_stored = sources is not None and not sources.url
    return Group(id=group_id, user=user, kind=NAME, orders=orders, has_picture=is_stored, key=key)


async def _source(ctx: Context, group_id: UUID, source: str) -> tuple[Sources, int]:
    """What a worker is told of the picture, and how many tiles it has. One in base64 is stored.

    Raises an ImageValidationFailed, Overloaded and StorageFailed.
    """
    if is_url(source):
        width, height = await measured(ctx, source)
        return Sources(url=source), _tiles(width, height)
    picture = await read_source(ctx, source, "picture")
    count = _tiles(picture.width, picture.height)
    await ctx.services.objects.put(source_key(str(group_id)), picture.webp)
    return Sources(of_group=str(group_id)), count


def _tiles(width: int, height: int) -> int:
    count = tiles(width, height)
    if count > TILES_MAX:
        raise SourceImageResolutionExceeded(
            f"Image validation failed: {width}x{height} take {count} tiles of 512x512; up to {TILES_MAX} are taken."
        )
    return count


async def _forget(ctx: Context, group: Group) -> None:
    if group.has_picture:
        await ctx.services.objects.delete([source_key(str(group.id))])
