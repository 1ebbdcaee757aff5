"""Hand jobs to a worker: check it in, find the lanes it can serve, claim the head of the best, lease it."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from horde.errors import WorkerMaintenance
from horde.kinds import KINDS
from horde.kinds.seeds import job_seed, random_seed
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.matching.lanes import waiting_lanes
from horde.server.matching.rules import failures
from horde.server.requests.giveback import give_back
from horde.server.requests.submit import LIFE, sql
from horde.server.workers.checkin import CheckIn, check_in
from horde.server.workers.roster import Worker

CLAIM_TRIES = 3
"""How often another head is tried when somebody else took the one in hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A worker's call for work, free of any dialect."""

    said: CheckIn
    amount: int
    """How many jobs of one request it takes at once."""
    first_users: tuple[int, ...]
    """Users whose requests it serves before all others."""
    blacklist: tuple[str, ...]
    held_jobs: frozenset[str] | None
    """All it still works on; None: it does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Popped:
    """Jobs of one request, leased."""

    job_ids: list[str]
    model: str
    payload: dict[str, object]
    lease_s: int


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing for this worker, and how many requests it failed, by skip key."""

    skipped: dict[str, int]


@dataclass(frozen=True, slots=True)
class LeasedJob:
    """A job that a worker has."""

    id: UUID
    request_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A request as the claim sees it, locked."""

    id: UUID
    user_id: int
    prompt: str
    params: dict[str, object]
    waiting: int
    seed: int | None
    seed_variation: int
    lease_s: int
    wants_censoring: bool
    disable_batching: bool
    models: list[str]


async def pop(ctx: Context, owner: User, ask: Ask) -> Popped | Idle:
    """Give the worker a batch of jobs of one request, if there is one for it now. Each call may hand out more work.

    Raises what `check_in` raises, and WorkerMaintenance.
    """
    may_be_anonymous = ctx.services.settings.anonymous_workers
    async with ctx.database.transaction() as tx:
        worker = await check_in(tx, owner, ask.said, may_be_anonymous=may_be_anonymous, now=ctx.now)
        dropped = await _dropped(tx, worker, ask)
        if not dropped:
            return await _claim(tx, worker, ask, now=ctx.now)
    await _return_dropped(ctx, worker, dropped)
    return await pop(ctx, owner, replace(ask, held_jobs=None))


async def _dropped(tx: Tx, worker: Worker, ask: Ask) -> dict[UUID, list[UUID]]:
    dropped: dict[UUID, list[UUID]] = {}
    if ask.held_jobs is not None:
        for job in await tx.all(sql.leased_jobs, LeasedJob, worker_id=worker.id):
            if str(job.id) not in ask.held_jobs:
                dropped.setdefault(job.request_id, []).append(job.id)
    return dropped


async def _return_dropped(ctx: Context, worker: Worker, dropped: dict[UUID, list[UUID]]) -> None:
    # One request a transaction: two workers that held what they give back while they claim, each what the other holds,
    # would wait in a ring.
    for request_id, job_ids in dropped.items():
        async with ctx.database.transaction() as tx:
            await tx.value(sql.lock_jobs_worker, UUID, id=worker.id)
            await give_back(tx, request_id, job_ids, "lost", now=ctx.now)


async def _claim(tx: Tx, worker: Worker, ask: Ask, *, now: datetime) -> Popped | Idle:
    offer = worker.offer
    skipped: Counter[str] = Counter()
    lanes = []
    for lane in await waiting_lanes(tx, worker.kind):
        if failed := failures(lane.needs, offer):
            skipped.update(dict.fromkeys(failed, lane.waiting))
        else:
            lanes.append(lane.id)
    for users in _passes(worker, ask):
        for _ in range(CLAIM_TRIES if lanes else 0):
            head_id = await tx.value(
                sql.find_head, UUID, lanes=lanes, users=users, blacklist=list(ask.blacklist), now=now
            )
            if head_id is None:
                break
            if head := await tx.maybe(sql.lock_head, Head, id=head_id, now=now):
                return await _lease(tx, worker, ask, head, now=now)
    if worker.is_in_maintenance:
        raise WorkerMaintenance(worker.maintenance_message or "")
    return Idle(dict(skipped))


def _passes(worker: Worker, ask: Ask) -> list[list[int] | None]:
    # The worker's owner and friends are served first; None stands for everybody.
    if worker.is_in_maintenance:
        return [[worker.user_id]]
    own = [worker.user_id] if worker.user_id else []
    first = [*own, *ask.first_users]
    return [first, None] if first else [None]


async def _lease(tx: Tx, worker: Worker, ask: Ask, head: Head, *, now: datetime) -> Popped:
    kind = KINDS[worker.kind]
    params = msgspec.convert(head.params, kind.params)
    at_once = 1 if head.disable_batching else kind.batch_max(params, worker.terms.sizes, ask.amount)
    count = min(at_once, head.waiting)
    # Models are drawn, not ranked, so that no model of a request starves (contract/lifecycle.md, section 4).
    common = sorted(set(head.models).intersection(worker.models)) if head.models else list(worker.models)
    model = random.choice(common)  # noqa: S311 - spreads load, guards nothing
    base = head.seed if head.seed is not None else random_seed()
    seed = job_seed(base, head.seed_variation, head.waiting)
    deadline = now + timedelta(seconds=head.lease_s)
    job_ids = [uuid.uuid4() for _ in range(count)]
    await tx.run(
        sql.add_jobs,
        ids=job_ids,
        batch=job_ids[0],
        request_id=head.id,
        worker_id=worker.id,
        model=model,
        seed=seed,
        now=now,
        deadline=deadline,
    )
    await tx.run(sql.take, id=head.id, jobs=count, expires_at=deadline + LIFE)
    payload = kind.payload(params, head.prompt, count, seed)
    if head.wants_censoring:
        payload["use_nsfw_censor"] = True
    return Popped(job_ids=[str(job_id) for job_id in job_ids], model=model, payload=payload, lease_s=head.lease_s)
