"""What workers have done, counted as it happens."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from horde.kinds import KINDS
from horde.server.db.pool import Tx
from horde.server.teams.count import Share, count
from horde.server.workers.roster import sql
from horde.server.workers.suspicion import Suspect, suspect_workers
from horde.units import Kudos

log = structlog.get_logger(__name__)

SLICE_S = 10
"""Work done is counted in slices of so many seconds; "in the past minute" is the sum of six."""
SECONDS_MIN = 0.001
"""A job cannot have taken less: speeds stay finite."""
ABORTED_WITHIN = timedelta(hours=1)
"""A worker that fails more often within this than its kind allows is put into maintenance (contract/lifecycle.md,
section 7; it counts jobs, here batches are counted: docs/decisions/faults-count-batches.md). The time begins with the
first failure."""
TIMES = "{times}"
"""Stands in the message for how often that is."""
# The old worker program looks for the words "maintenance mode" (contract/api-v2.md, section 3.1).
GUARDED = (
    f"This worker was put into maintenance mode: more than {TIMES} times within an hour it took work and did not"
    " deliver it. Hint: find out from its log what fails or is too slow, then take it out again with a PUT of"
    ' {"maintenance": false} to /api/v2/workers/ and its id, or ask the operator of this horde.'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A delivered job; `seconds` is the time from pop to submit."""

    worker_id: UUID
    kind: str
    model: str
    things: int
    seconds: float
    earned: Kudos
    is_whole: bool = True
    """Whether it was made to the end, so that its time says how fast the worker is."""
    team_id: UUID | None = None
    """The worker's team, if it has one."""
    stranger_id: int | None = None
    """The worker's owner, where that is nobody whom the house trusts and the worker comes from outside."""

    @property
    def speed(self) -> float:
        """Things per second."""
        return self.things / max(self.seconds, SECONDS_MIN)


async def credit(tx: Tx, jobs: Sequence[Done], *, now: datetime) -> None:
    """Count delivered jobs for their workers, the workers' models and teams, and the horde.

    Workers of strangers that were faster than can be are suspected. Locks workers, then teams, then the owners of those
    suspected, before balances.
    """
    of_worker: defaultdict[UUID, list[Done]] = defaultdict(list)
    of_model: defaultdict[tuple[UUID, str], list[Done]] = defaultdict(list)
    of_all: defaultdict[tuple[str, str], list[Done]] = defaultdict(list)
    for job in jobs:
        of_worker[job.worker_id].append(job)
        of_model[job.worker_id, job.model].append(job)
        of_all[job.kind, job.model].append(job)
    # Everywhere sorted, so that two who count for the same never wait for each other in a ring.
    slice_s = int(now.timestamp()) // SLICE_S * SLICE_S
    await tx.run(
        sql.credit,
        ids=list(of_worker),
        workers=[
            {
                "id": worker_id,
                "jobs": len(done),
                "things": sum(job.things for job in done),
                "earned_mk": sum(job.earned for job in done),
                "speeds": _speeds(done),
            }
            for worker_id, done in sorted(of_worker.items())
        ],
        models=[
            {"worker_id": worker_id, "model": model, "jobs": len(done), "speeds": _speeds(done)}
            for (worker_id, model), done in sorted(of_model.items())
        ],
        slices=[
            {
                "kind": kind,
                "model": model,
                "slice_s": slice_s,
                "jobs": len(done),
                "things": sum(job.things for job in done),
                "busy_s": sum(max(job.seconds, SECONDS_MIN) for job in done),
            }
            for (kind, model), done in sorted(of_all.items())
        ],
    )
    shares = [
        Share(team_id=job.team_id, jobs=1, things=job.things, earned=job.earned)
        for job in jobs
        if job.team_id and KINDS[job.kind].counts_for_teams
    ]
    await count(tx, shares)
    await suspect_workers(tx, _too_fast(jobs))


def _too_fast(jobs: Sequence[Done]) -> list[Suspect]:
    return [
        Suspect(worker_id=job.worker_id, owner_id=job.stranger_id, reason="too fast")
        for job in jobs
        if job.stranger_id is not None and job.speed > KINDS[job.kind].believable_speed
    ]


def _speeds(done: Sequence[Done]) -> list[float]:
    """Of the jobs that say one, the last first."""
    return [job.speed for job in reversed(done) if job.is_whole]


@dataclass(frozen=True, slots=True)
class _Guarded:
    """A worker that failed too often."""

    id: UUID
    name: str
    user_id: int


async def count_uncompleted(tx: Tx, of_jobs: Sequence[UUID], of_batches: Sequence[UUID], *, now: datetime) -> None:
    """Count jobs that workers took and did not deliver, one for each time that a worker is named.

    `of_batches` names the worker of each batch in which nothing had failed before: these are its failures, and who
    fails too often is put into maintenance, but not in raid mode, and its owner suspected. Locks workers, then their
    owners.
    """
    jobs, failures = Counter(of_jobs), Counter(of_batches)
    await tx.values(sql.lock_workers, UUID, ids=sorted(jobs))
    guarded = await tx.all(
        sql.count_uncompleted,
        _Guarded,
        workers=[{"id": worker_id, "jobs": jobs[worker_id], "failures": failures[worker_id]} for worker_id in jobs],
        now=now,
        within=ABORTED_WITHIN,
        aborted_max={kind.name: kind.aborted_max for kind in KINDS.values()},
        message=GUARDED,
        times=TIMES,
    )
    for worker in guarded:
        log.warning("worker.guarded", worker=worker.name)
    suspects = [Suspect(worker_id=worker.id, owner_id=worker.user_id, reason="aborted jobs") for worker in guarded]
    await suspect_workers(tx, suspects)
