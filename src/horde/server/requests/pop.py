"""Hand jobs to a worker: check it in, find the lanes it can serve, claim the best that waits there.

Where nothing waits that the worker can do, all this happens in memory.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

from horde.errors import WorkerMaintenance
from horde.server.accounts.users import ANONYMOUS_ID, User
from horde.server.context import Context
from horde.server.matching.lanes import Lanes
from horde.server.requests import sql
from horde.server.requests.claim import Searched, claim_each_together, claim_together
from horde.server.requests.giveback import give_back
from horde.server.requests.lease import Popped
from horde.server.requests.skips import skipped
from horde.server.requests.survey import survey
from horde.server.requests.tries import Claim, lanes_for_all, lanes_for_first
from horde.server.requests.wait import Waiting, until
from horde.server.workers.checkin import CheckIn, check_in
from horde.server.workers.messages import told
from horde.server.workers.notices import Notice, notices, of_messages
from horde.server.workers.online import Member
from horde.server.workers.roster import people_of_team

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A worker's call for work, free of any dialect."""

    said: CheckIn
    amount: int
    """How many jobs of one request it takes at once."""
    requests: int = 1
    """Of how many requests, where it is asked by `pop_several`."""
    first_users: tuple[int, ...]
    """Users whose requests it serves before all others."""
    blacklist: tuple[str, ...]
    held_jobs: frozenset[str] | None
    """All it still works on; None: it does not say."""


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing for this worker."""

    skipped: dict[str, int]
    """How many requests it failed, by skip key."""
    notices: list[Notice]
    """What it is told beside."""


@dataclass(frozen=True, slots=True)
class _LeasedJob:
    worker_id: UUID
    id: UUID
    request_id: UUID


async def pop(ctx: Context, owner: User, ask: Ask) -> Popped | Idle:
    """Give the worker a batch of jobs of one request, if there is one for it now. Each call may hand out more work.

    Raises what `check_in` raises, and WorkerMaintenance.
    """
    found = await pop_several(ctx, owner, ask)
    return found[0] if isinstance(found, list) else found


async def pop_several(ctx: Context, owner: User, ask: Ask) -> list[Popped] | Idle:
    """As `pop`, of as many requests as the worker asks for, as far as there are any for it; never an empty list."""
    member = await check_in(ctx, owner, ask.said)
    if ask.held_jobs is not None:
        await _return_dropped(ctx, member, ask.held_jobs)
    lanes, claim = ctx.remembered(Lanes), _claim(member, ask, await _own_people(ctx, member))
    await lanes.load(ctx.database)
    queue = await survey(ctx)
    messages = of_messages(await told(ctx, member.worker.id))
    blacklisted = 0
    if lanes_for_all(ctx, claim, at_most=1) or lanes_for_first(ctx, claim, at_most=1):
        found = await _claimed(ctx, claim, ask.requests)
        if isinstance(found, list):
            return [replace(one, notices=messages) for one in found] if messages else found
        blacklisted = found.blacklisted
    if member.worker.is_in_maintenance:
        raise WorkerMaintenance(member.worker.maintenance_message or "")
    shown = [*notices(member.worker, now=ctx.now), *messages]
    return Idle(skipped(ctx, member, queue, blacklisted=blacklisted), shown)


async def pop_waiting(
    ctx: Context,
    owner: User,
    ask: Ask,
    *,
    verb: Callable[[Context, User, Ask], Awaitable[T | Idle]],
    wait_s: float,
    is_gone: asyncio.Event,
) -> T | Idle:
    """As `verb`, one of the above, but wait up to `wait_s` seconds for work.

    Ends early when the caller `is_gone` or the server stops.
    """
    member = await check_in(ctx, owner, ask.said)
    with ctx.remembered(Waiting).worker(ctx, member) as bell:
        return await until(
            ctx,
            bell,
            lambda at: verb(at, owner, ask if at is ctx else replace(ask, held_jobs=None)),
            lambda answer: not isinstance(answer, Idle),
            wait_s=wait_s,
            is_gone=is_gone,
        )


async def _claimed(ctx: Context, claim: Claim, requests: int) -> list[Popped] | Searched:
    if requests > 1:
        return await ctx.together(claim_each_together, [claim] * requests)
    found: Popped | Searched = await ctx.together(claim_together, claim)
    return [found] if isinstance(found, Popped) else found


async def _own_people(ctx: Context, member: Member) -> tuple[int, ...]:
    """The worker's owner, and the team where it serves only that; nobody owns the workers of the anonymous account."""
    worker = member.worker
    own = (worker.user_id,) if worker.user_id else ()
    if not worker.is_serving_team or worker.team_id is None:
        return own
    async with ctx.database.statement() as tx:
        team = await people_of_team(tx, worker.team_id)
    return (*own, *[user_id for user_id in team if user_id not in (worker.user_id, ANONYMOUS_ID)])


def _claim(member: Member, ask: Ask, own: tuple[int, ...]) -> Claim:
    worker = member.worker
    return Claim(
        member=member,
        amount=ask.amount,
        first_users=own if not worker.is_serving_all else (*own, *ask.first_users),
        only_first=not worker.is_serving_all,
        blacklist=ask.blacklist,
    )


async def _return_dropped(ctx: Context, member: Member, held_jobs: frozenset[str]) -> None:
    """Give back what the worker was given and does not know of."""
    dropped: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for job in await ctx.together(_leased_together, member.worker.id):
        if str(job.id) not in held_jobs:
            dropped[job.request_id].append(job.id)
    for request_id, job_ids in dropped.items():
        # One request a transaction: two workers that give back jobs of each other's requests never wait in a ring.
        async with ctx.database.transaction() as tx:
            await give_back(tx, ctx, request_id, job_ids, "lost")


async def _leased_together(ctx: Context, worker_ids: Sequence[UUID]) -> list[list[_LeasedJob]]:
    found: defaultdict[UUID, list[_LeasedJob]] = defaultdict(list)
    async with ctx.database.statement() as tx:
        for job in await tx.all(sql.leased_jobs, _LeasedJob, workers=list(set(worker_ids))):
            found[job.worker_id].append(job)
    return [found[worker_id] for worker_id in worker_ids]
