"""Lease jobs to workers: by one statement for all, which takes only what is still as it was seen."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypedDict
from uuid import UUID

import msgspec

from horde.kinds import KINDS
from horde.kinds.seeds import job_seed, random_seed
from horde.server.context import Context
from horde.server.matching.lanes import Lane, Lanes
from horde.server.requests import sql
from horde.server.requests.orders import LIFE, LIFE_EXTRA_SLOW
from horde.server.requests.sources import Sources
from horde.server.workers.notices import Notice
from horde.server.workers.online import Member
from horde.units import Kudos


@dataclass(frozen=True, slots=True, kw_only=True)
class Popped:
    """Jobs of one request, leased."""

    job_ids: list[str]
    model: str
    payload: dict[str, object]
    lease_s: int
    request_id: str
    sources: Sources | None
    """The pictures that came along."""
    notices: list[Notice] = field(default_factory=list)
    """What the worker is told beside."""


class Head(msgspec.Struct, kw_only=True):
    """A waiting request as it was seen, and what is left of it while jobs are shared out."""

    id: UUID
    kind_of_first: str | None
    """Of what kind it was looked for among the requests of users served first; None: it was among those of a lane."""
    lane_id: int
    user_id: int
    rank: int
    seq: int
    waiting: int
    seed: int | None
    seed_variation: int
    price_mk: int
    lease_s: int
    disable_batching: bool
    params: dict[str, object] | None
    """Only where somebody takes several jobs at once."""
    prompt: str | None
    """In lower case, only where somebody refuses words."""
    left: int = 0

    def __post_init__(self) -> None:
        self.left = self.waiting

    @property
    def place(self) -> tuple[int, int]:
        """Smaller goes first."""
        return -self.rank, self.seq


@dataclass(frozen=True, slots=True)
class Share:
    """Jobs of one request for one worker."""

    head: Head
    jobs: int
    waiting: int
    """How much waited before these were taken: the seeds go by it."""


class _Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is told of a request that was had."""

    id: UUID
    prompt: str
    params: dict[str, object]
    wants_censoring: bool
    sources: dict[str, object] | None


async def lease(ctx: Context, shares: Sequence[tuple[Member, Share]]) -> list[Popped | None]:
    """What each worker gets; None where the request was not as it was seen any more, or is held by somebody."""
    lanes = ctx.remembered(Lanes)
    batches: dict[int, _Batch] = {}
    requests: dict[UUID, _Claimed] = {}
    for place, (member, share) in enumerate(shares):
        head = share.head
        # A lane that was forgotten since is learnt again by the next pop.
        lanes.learn_of([head.lane_id])
        if (lane := lanes.get(head.lane_id)) is not None:
            batch = batches[place] = _batch(ctx, member, share, lane)
            # One row for each request: it was shared out to several workers at once, maybe.
            row = requests.setdefault(
                head.id,
                {"id": head.id, "seen": head.waiting, "jobs": head.waiting - head.left, "expires_at": batch.expires_at},
            )
            row["expires_at"] = max(row["expires_at"], batch.expires_at)
    given: list[Popped | None] = [None] * len(shares)
    if requests:
        jobs = [row for batch in batches.values() for row in batch.rows]
        async with ctx.database.statement() as tx:
            taken = await tx.all(sql.claim, _Taken, requests=list(requests.values()), jobs=jobs)
        had = {request.id: request for request in taken}
        for place, batch in batches.items():
            member, share = shares[place]
            if request := had.get(share.head.id):
                given[place] = batch.popped(member.worker.kind, request)
    return given


class _Claimed(TypedDict):
    """A request as the statement takes it."""

    id: UUID
    seen: int
    jobs: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Jobs that are to be leased to one worker."""

    job_ids: list[UUID]
    model: str
    seed: int
    lease_s: int
    expires_at: datetime
    """How long the request is kept at least, now that it was handed out."""
    rows: list[dict[str, object]]

    def popped(self, kind_name: str, request: _Taken) -> Popped:
        """What the worker gets."""
        kind = KINDS[kind_name]
        params = msgspec.convert(request.params, kind.params)
        payload = kind.payload(params, request.prompt, len(self.job_ids), self.seed)
        if request.wants_censoring:
            payload["use_nsfw_censor"] = True
        job_ids = [str(job_id) for job_id in self.job_ids]
        return Popped(
            job_ids=job_ids,
            model=self.model,
            payload=payload,
            lease_s=self.lease_s,
            request_id=str(request.id),
            sources=msgspec.convert(request.sources, Sources) if request.sources else None,
        )


def _batch(ctx: Context, member: Member, share: Share, lane: Lane) -> _Batch:
    head, worker = share.head, member.worker
    # Models are drawn, not ranked, so that no model of a request starves (contract/lifecycle.md, section 4).
    wanted = lane.needs.models
    common = sorted(set(wanted).intersection(worker.models)) if wanted else list(worker.models)
    model = random.choice(common)  # noqa: S311 - spreads load, guards nothing
    seed = job_seed(head.seed if head.seed is not None else random_seed(), head.seed_variation, share.waiting)
    # What a job is worth is settled when it is handed out: whatever changes then, worker and requestor know it. Where
    # only the result tells, this is the most that it can be worth.
    worth = KINDS[worker.kind].worth(Kudos(head.price_mk), model, lane.needs)
    # Source: contract/lifecycle.md, sections 7 and 8. The request's own lease has the server's minimum in it.
    is_extra_slow = worker.terms.is_extra_slow
    lease_s = head.lease_s * (KINDS[worker.kind].lease_factor_extra_slow if is_extra_slow else 1)
    deadline = ctx.now + timedelta(seconds=lease_s)
    job_ids = [uuid.uuid4() for _ in range(share.jobs)]
    rows: list[dict[str, object]] = [
        {
            "id": job_id,
            "batch": job_ids[0],
            "request_id": head.id,
            "worker_id": worker.id,
            "model": model,
            "reward_mk": worth,
            "is_unpaid": not worker.is_serving_all,
            "seed": seed,
            "leased_at": ctx.now,
            "deadline": deadline,
        }
        for job_id in job_ids
    ]
    return _Batch(
        job_ids=job_ids,
        model=model,
        seed=seed,
        lease_s=lease_s,
        expires_at=deadline + (LIFE_EXTRA_SLOW if is_extra_slow else LIFE),
        rows=rows,
    )
