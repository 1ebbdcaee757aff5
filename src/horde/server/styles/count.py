"""How often styles are used, and by others than their authors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from horde.errors import Overloaded
from horde.server.accounts.records import count_styled
from horde.server.context import Context
from horde.server.styles.pick import StyleUse
from horde.server.styles.read import sql

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Counted:
    use: StyleUse
    is_recorded: bool


async def count_use(ctx: Context, use: StyleUse, *, is_recorded: bool) -> None:
    """Count one use of a style, and in its author's records where somebody else's request used it.

    After the request is accepted, in a transaction of its own: so nobody who waits for a popular style holds accounts.
    What a server that is killed in between does not count is a number to look at; kudos are paid with the request.
    """
    try:
        await ctx.together(_count_together, _Counted(use, is_recorded))
    except Overloaded:
        # The request stands, and whoever asked again because of this would have two.
        log.warning("style.not_counted", style=str(use.style_id))


async def _count_together(ctx: Context, counted: Sequence[_Counted]) -> list[None]:
    styles = Counter(one.use.style_id for one in counted)
    collections = Counter(one.use.collection_id for one in counted if one.use.collection_id)
    recorded = Counter((one.use.owner_id, one.use.kind) for one in counted if one.is_recorded)
    async with ctx.database.transaction() as tx:
        await tx.run(sql.count_uses, ids=list(styles), uses=_rows(styles))
        if collections:
            await tx.run(sql.count_collection_uses, ids=list(collections), uses=_rows(collections))
        if recorded:
            await count_styled(tx, recorded)
    return [None] * len(counted)


def _rows(uses: Mapping[UUID, int]) -> list[dict[str, object]]:
    return [{"id": used, "uses": number} for used, number in uses.items()]
