"""Put groups of requests that arrived together into their lanes: each of them whole, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from horde.errors import HordeError, IdempotencyKeyConflict, Overloaded
from horde.kinds import KINDS
from horde.server.context import Context
from horde.server.matching.lanes import Lanes
from horde.server.requests import sql
from horde.server.requests.add import add
from horde.server.requests.orders import Accepted, Group
from horde.server.requests.standing import Asking, Standing, placed, standings, too_many
from horde.units import Kudos


@dataclass(frozen=True, slots=True)
class _Running:
    user_id: int
    jobs: int


async def accept_groups_together(ctx: Context, groups: Sequence[Group]) -> list[Accepted | HordeError]:
    """Accept or refuse each group, in their order.

    One whose key another of them has is refused with IdempotencyKeyConflict: its caller finds what the other was
    answered.
    """
    lanes = ctx.remembered(Lanes)
    await lanes.load(ctx.database)
    refusals: dict[int, HordeError] = {}
    entries, taken, keys = [], [], set()
    for place, (group, standing) in enumerate(zip(groups, await standings_of(ctx, groups), strict=True)):
        if refusal := _too_many(group, standing):
            refusals[place] = refusal
        elif group.key and group.key.name in keys:
            refusals[place] = IdempotencyKeyConflict()
        else:
            entries += [placed(ctx, order, standing) for order in group.orders]
            taken.append(group)
            keys.update([group.key.name] if group.key else [])
    outcomes = await add(ctx, lanes, entries, taken)
    answers: list[Accepted | HordeError] = []
    for place, group in enumerate(groups):
        if refusal := refusals.get(place):
            answers.append(refusal)
        elif group.orders:
            # What one of them is refused with, all are: either their key was used, or nothing could be written.
            answers.append(outcomes.get(group.orders[0].id) or Overloaded())
        else:
            answers.append(Accepted(str(group.id), Kudos(0), is_possible=True))
    return answers


async def refuse_group_early(ctx: Context, group: Group) -> None:
    """Raise TooManyPrompts where the group would be refused as things are, before work is done for it in vain."""
    [standing] = await standings_of(ctx, [group])
    if refusal := _too_many(group, standing):
        raise refusal


async def standings_of(ctx: Context, groups: Sequence[Group]) -> list[Standing]:
    """How the requestor of each group stands; here what is being made counts as what waits does."""
    lanes = ctx.remembered(Lanes)
    askings = [Asking(group.user, group.kind, frozenset(), _limit(group)) for group in groups]
    found = await standings(ctx, lanes, askings)
    counted: set[int] = set()
    for kind in sorted({group.kind for group in groups}):
        users = sorted({group.user.id for group in groups if group.kind == kind})
        async with ctx.database.statement() as tx:
            running = await tx.all(sql.running_parts_of, _Running, users=users, kind=kind)
        jobs = {row.user_id: row.jobs for row in running}
        for group, standing in zip(groups, found, strict=True):
            if group.kind == kind and id(standing) not in counted:
                counted.add(id(standing))
                standing.jobs += jobs.get(group.user.id, 0)
    return found


def _limit(group: Group) -> int:
    return group.user.concurrency * KINDS[group.kind].limit_factor


def _too_many(group: Group, standing: Standing) -> HordeError | None:
    new = sum(order.draft.n for order in group.orders)
    limit = _limit(group)
    return None if standing.jobs + new <= limit else too_many(standing.jobs, new, limit)
