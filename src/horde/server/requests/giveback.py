"""Jobs that end without a result: back into the queue, and the request ended after too many faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from horde.kinds import KINDS
from horde.server.context import Context
from horde.server.db import notify
from horde.server.db.notify import News, Work
from horde.server.db.pool import Tx
from horde.server.ledger import jobs as ledger
from horde.server.ledger.book import Book
from horde.server.requests import sql
from horde.server.requests.tell import tell_of_request
from horde.server.workers.record import count_uncompleted
from horde.units import Kudos


@dataclass(frozen=True, slots=True)
class _Ended:
    worker_id: UUID
    batch: UUID
    is_first_failure: bool
    """Whether nothing of its batch had failed before."""


@dataclass(frozen=True, slots=True)
class _Requeued:
    asked_id: UUID
    """Under which its requestor knows it: the group that it is part of, if it is."""
    user_id: int
    lane_id: int
    rank: int
    waiting: int
    returned_mk: int
    webhook_of_faulted: dict[str, object] | None
    """Where its requestor wants to be told something, and it has now, or had before, too many faults."""


async def give_back(
    tx: Tx,
    ctx: Context,
    request_id: UUID,
    job_ids: list[UUID],
    state: Literal["faulted", "lost"],
    *,
    reason: str | None = None,
) -> int:
    """End those of a request's jobs that are still leased; they wait again, or their requestor has the kudos back.

    `reason` is what the worker said of a fault, harmless in a page. Locks the request, then jobs, then workers, then
    the account. Returns how many there were; jobs that ended before are left alone, so a second call does nothing.
    """
    await tx.values(sql.lock_requests, UUID, ids=[request_id])
    ended = await tx.all(
        sql.end_jobs, _Ended, ids=job_ids, request_id=request_id, state=state, reason=reason, now=ctx.now
    )
    if not ended:
        return 0
    requeued = await tx.maybe(sql.requeue, _Requeued, id=request_id, jobs=len(ended), faults_max=_faults_max())
    asked_id = requeued.asked_id if requeued else request_id
    failed = {job.batch: job.worker_id for job in ended if job.is_first_failure}
    await count_uncompleted(tx, [job.worker_id for job in ended], list(failed.values()), now=ctx.now)
    if requeued and requeued.returned_mk:
        await return_kudos(tx, ctx, [Return(asked_id, requeued.user_id, Kudos(requeued.returned_mk))], note=state)
    if requeued and requeued.webhook_of_faulted:
        await tell_of_request(tx, ctx, "request.faulted", asked_id, requeued.user_id, requeued.webhook_of_faulted)
    work = [Work(requeued.lane_id, requeued.rank, requeued.waiting)] if requeued and requeued.waiting else []
    news = News(topics=[notify.done(str(asked_id))], work=work)
    tx.when_committed(lambda: ctx.services.hints.publish(news))
    return len(ended)


def _faults_max() -> dict[str, int]:
    # The contract counts jobs (lifecycle.md, section 7), but a worker that is killed with four in hand has failed once.
    return {kind.name: kind.faults_max for kind in KINDS.values()}


@dataclass(frozen=True, slots=True)
class Return:
    """What was held for a request and is not needed any more."""

    request_id: UUID
    """Under which its requestor knows it."""
    user_id: int
    amount: Kudos


async def return_kudos(tx: Tx, ctx: Context, returns: Sequence[Return], *, note: str) -> None:
    """Return what the requests' rows have no longer; `note` says why. Locks the accounts."""
    if not returns:
        return
    book = await Book.open(tx, {back.user_id for back in returns})
    for back in returns:
        ledger.give_back(book, back.request_id, back.user_id, back.amount, note=note)
    await book.post(ctx.now)
