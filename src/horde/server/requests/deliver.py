"""Take jobs' results: store each file, then end the jobs and pay the workers of all that arrived together.

Exactly one delivery of a job counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

import msgspec
import structlog

from horde.errors import (
    AbortedGen,
    DuplicateGen,
    HordeError,
    IdempotencyKeyConflict,
    ImageValidationFailed,
    InvalidJobID,
    WrongCredentials,
)
from horde.kinds import KINDS
from horde.server.accounts.records import count_work
from horde.server.accounts.users import User, users_by_id
from horde.server.context import Context
from horde.server.db import notify
from horde.server.db.notify import News
from horde.server.db.pool import Tx
from horde.server.idempotency.keys import Key, answer_to, keep
from horde.server.requests import sql
from horde.server.requests.giveback import give_back
from horde.server.requests.orders import LIFE
from horde.server.requests.payment import counted, done_by, pay, payment_for, worth_of
from horde.server.requests.results import Delivery, Finished, Job, Paid, Result
from horde.server.requests.tell import tell_of_results
from horde.server.storage.objects import job_key
from horde.server.storage.pictures import as_webp
from horde.server.workers.faults import kept_reason
from horde.server.workers.record import credit
from horde.units import Kudos

log = structlog.get_logger(__name__)


class _KeyTaken(Exception):
    """One of the deliveries has a used key: nothing is written, and each is tried alone."""


async def deliver(ctx: Context, owner: User, delivery: Delivery, key: Key | None = None) -> Paid:
    """End the job with its result and return what it brought.

    A job is delivered once, so the second call is refused; unless it has the first one's `key`: then it is answered as
    the first was. Raises InvalidJobID, WrongCredentials, DuplicateGen, AbortedGen, ImageValidationFailed,
    IdempotencyKeyConflict; nothing changes then.
    """
    if key and (answer := await _answered(ctx, key)) is not None:
        return answer
    job = await job_of(ctx, owner, delivery.job_id, delivery.kind)
    if job.state != "leased":
        return _paid_when_ended(job)
    # The object is written before the job is marked done: a crash in between leaves a file that the next try replaces,
    # never a finished job without its picture.
    kind = KINDS[job.kind]
    if kind.makes_files or (kind.uploads and kind.uploads(job.model, delivery.text)):
        await _store(ctx, delivery)
    worth = worth_of(job, delivery, owner)
    result = Result(job, delivery, worth, payment_for(job, worth, delivery.state, owner), key)
    return await ctx.together(_settle_together, result)


async def _answered(ctx: Context, key: Key) -> Paid | None:
    """What the delivery with this key brought, if there was one. Raises IdempotencyKeyConflict."""
    answer = await answer_to(ctx, key)
    return None if answer is None else msgspec.convert(answer, Paid)


async def report_fault(
    ctx: Context, owner: User, job_id: str, *, kind: str | None = None, is_once: bool = False, reason: str = ""
) -> None:
    """The worker cannot do the job; it waits again. A second report changes nothing, and is refused where `is_once`.

    `reason` is the worker's, for the requestor: empty where it gives none. A job of another kind than `kind` is not
    known; None: of whatever kind it is. Raises InvalidJobID, WrongCredentials, DuplicateGen; and AbortedGen where
    `is_once`.
    """
    job = await job_of(ctx, owner, job_id, kind)
    if job.state == "done" or (is_once and job.state != "leased"):
        _paid_when_ended(job)
    said = kept_reason(reason)
    async with ctx.database.transaction() as tx:
        await give_back(tx, ctx, job.request_id, [job.id], "faulted", reason=said)
    log.info("job.faulted", job=str(job.id), reason=said)


async def pay_for_cancelled(ctx: Context, job_ids: Sequence[UUID]) -> None:
    """End these jobs, of a kind without files, and pay for them in full: their requestor gave up what was being made.

    Those that ended before are left alone, so a second call does nothing.
    """
    if not job_ids:
        return
    async with ctx.database.snapshot() as tx:
        jobs = (await _jobs(tx, job_ids)).values()
        owners = await users_by_id(tx, {job.worker_owner_id for job in jobs})
    calls = []
    for job in jobs:
        owner = owners[job.worker_owner_id]
        given_up = Delivery(job_id=str(job.id), kind=job.kind, state="cancelled", seed=0, gen_metadata=[])
        worth = Kudos(job.reward_mk)
        calls.append(Result(job, given_up, worth, payment_for(job, worth, "cancelled", owner)))
    for outcome in await asyncio.gather(
        *(ctx.together(_settle_together, result) for result in calls), return_exceptions=True
    ):
        if isinstance(outcome, BaseException) and not isinstance(outcome, DuplicateGen | AbortedGen | InvalidJobID):
            raise outcome


async def job_of(ctx: Context, owner: User, job_id: str, kind: str | None) -> Job:
    """A job that an owner's worker was given, of a kind or of any. Raises InvalidJobID, WrongCredentials."""
    try:
        key = UUID(job_id)
    except ValueError:
        key = None
    job = await ctx.together(_jobs_together, key) if key else None
    if job is None or kind not in (None, job.kind):
        raise InvalidJobID(f"Processing Job with ID {job_id[:80]} does not exist.")
    if job.worker_owner_id != owner.id:
        raise WrongCredentials("Wrong credentials to submit this job: its worker belongs to another account.")
    return job


async def _jobs_together(ctx: Context, job_ids: Sequence[UUID]) -> list[Job | None]:
    async with ctx.database.statement() as tx:
        found = await _jobs(tx, job_ids)
    return [found.get(job_id) for job_id in job_ids]


async def _jobs(tx: Tx, job_ids: Sequence[UUID]) -> dict[UUID, Job]:
    by_result = [kind.name for kind in KINDS.values() if kind.worth_of_made]
    found = await tx.all(sql.jobs_to_settle, Job, ids=list(set(job_ids)), by_result=by_result)
    return {job.id: job for job in found}


def _paid_when_ended(job: Job) -> Paid:
    """Nothing, for a worker in maintenance: it is spared the refusal (contract/api-v2.md, section 3.2).

    Raises DuplicateGen or AbortedGen, whose texts are matched by clients.
    """
    if job.worker_is_in_maintenance:
        return Paid(reward_mk=0)
    if job.state == "done":
        raise DuplicateGen(f"Processing Job with ID {job.id} was already submitted.")
    raise AbortedGen(
        f"Processing Job with ID {job.id} took too long or was given back. Please check your worker speed."
    )


async def _store(ctx: Context, delivery: Delivery) -> None:
    key = job_key(delivery.job_id)
    if delivery.picture is not None:
        await ctx.services.objects.put(key, await as_webp(delivery.picture))
    elif not await ctx.services.objects.exists(key):
        raise ImageValidationFailed(
            f"Image validation failed: nothing was uploaded for job {delivery.job_id}.",
            hint="PUT the picture to the job's r2_upload link first, or send it in base64.",
        )


async def _settle_together(ctx: Context, results: Sequence[Result]) -> list[Paid | HordeError]:
    # The first delivery of a job counts, also among those that came together.
    firsts = {result.job.id: result for result in reversed(results)}
    # Everywhere in this order: requests, jobs, workers, records, shared keys, accounts. Two transactions never wait in
    # a ring then.
    async with ctx.database.transaction() as tx:
        finished = await _finish(tx, ctx, list(firsts.values()))
        settled = [firsts[job.id] for job in finished]
        keyed = {result.key: asdict(result.paid) for result in settled if result.key}
        if keyed and len(await keep(tx, keyed, now=ctx.now)) < len(keyed):
            raise IdempotencyKeyConflict if len(results) == 1 else _KeyTaken
        if settled:
            await credit(tx, [done_by(result, ctx.now) for result in settled], now=ctx.now)
            await count_work(tx, [counted(result) for result in settled])
            await pay(tx, ctx, finished, firsts)
            await tell_of_results(tx, ctx, finished, firsts)
        paid = {job.id for job in finished}
        late = [result.job.id for result in results if firsts[result.job.id] is not result]
        late += [job_id for job_id in firsts if job_id not in paid]
        ended = await _jobs(tx, late) if late else {}
    topics = [notify.done(str(result.job.asked_id)) for result in settled]
    ctx.services.hints.publish(News(topics=topics))
    return [
        result.paid if result.job.id in paid and firsts[result.job.id] is result else _too_late(ended, result)
        for result in results
    ]


async def _finish(tx: Tx, ctx: Context, results: Sequence[Result]) -> list[Finished]:
    rows = [
        {
            "id": result.job.id,
            "request_id": result.job.request_id,
            "result_state": result.delivery.state,
            "result_text": None if KINDS[result.job.kind].makes_files else result.delivery.text,
            "seed": result.delivery.seed,
            "gen_metadata": result.delivery.gen_metadata,
            "reward_mk": result.worth,
            "charged_mk": result.payment.charge,
        }
        for result in results
    ]
    ids = [result.job.id for result in results]
    return await tx.all(sql.finish_jobs, Finished, ids=ids, jobs=rows, now=ctx.now, expires_at=ctx.now + LIFE)


def _too_late(ended: dict[UUID, Job], result: Result) -> Paid | HordeError:
    job = ended.get(result.job.id)
    if job is None:
        return InvalidJobID(f"Processing Job with ID {result.job.id} does not exist.")
    try:
        return _paid_when_ended(job)
    except HordeError as refusal:
        return refusal
