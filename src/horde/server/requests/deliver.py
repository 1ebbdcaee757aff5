"""Take a job's result: store the picture, end the job, pay the worker. Exactly one delivery of a job counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from horde.errors import AbortedGen, DuplicateGen, ImageValidationFailed, InvalidJobID, WrongCredentials
from horde.server.accounts.users import ANONYMOUS_ID, User
from horde.server.context import Context
from horde.server.db import notify
from horde.server.db.pool import Tx
from horde.server.ledger.post import FLOOR_ANONYMOUS, FLOOR_REGISTERED, Payer, pay_job
from horde.server.requests.giveback import give_back
from horde.server.requests.submit import LIFE, sql
from horde.server.storage.objects import job_key
from horde.server.storage.pictures import as_webp
from horde.server.workers.record import credit
from horde.units import Kudos

ResultState = Literal["ok", "censored", "csam"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a worker hands in."""

    job_id: str
    picture: bytes | None
    """None: it was uploaded to the job's link before."""
    state: ResultState
    seed: int
    gen_metadata: list[object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job with what of its request and worker settles it."""

    id: UUID
    request_id: UUID
    worker_id: UUID
    worker_owner_id: int
    worker_is_in_maintenance: bool
    requestor_id: int
    state: str
    leased_at: datetime
    things: int
    price_mk: int


async def deliver(ctx: Context, owner: User, delivery: Delivery) -> Kudos:
    """End the job with its result and return what it was worth.

    Raises InvalidJobID, WrongCredentials, DuplicateGen, AbortedGen, ImageValidationFailed; nothing changes then.
    """
    job = await _open_job(ctx, owner, delivery.job_id)
    if job is None:
        return Kudos(0)
    # The object is written before the job is marked done: a crash in between leaves a file that the next try replaces,
    # never a finished job without its picture.
    await _store(ctx, delivery)
    async with ctx.database.transaction() as tx:
        await _lock(tx, job)
        ended = await tx.run(
            sql.finish_job,
            id=job.id,
            result_state=delivery.state,
            seed=delivery.seed,
            gen_metadata=delivery.gen_metadata,
            reward_mk=job.price_mk,
            now=ctx.now,
        )
        if not ended:
            job = await _job(tx, delivery.job_id)
            return _refuse_ended(job)
        return await _settle(tx, ctx, job, delivery.state)


async def report_fault(ctx: Context, owner: User, job_id: str) -> None:
    """The worker cannot do the job; it waits again. A second report changes nothing.

    Raises InvalidJobID, WrongCredentials, DuplicateGen.
    """
    async with ctx.database.transaction() as tx:
        job = await _job(tx, job_id)
        _check_owner(job, owner)
        if job.state == "done":
            _refuse_ended(job)
        await _lock(tx, job)
        await give_back(tx, job.request_id, [job.id], "faulted", now=ctx.now)


async def _open_job(ctx: Context, owner: User, job_id: str) -> Job | None:
    """The job when it can still be delivered; None when its worker is in maintenance and it cannot."""
    async with ctx.database.transaction() as tx:
        job = await _job(tx, job_id)
    _check_owner(job, owner)
    if job.state != "leased":
        _refuse_ended(job)
        return None
    return job


async def _job(tx: Tx, job_id: str) -> Job:
    try:
        key = UUID(job_id)
    except ValueError:
        key = None
    job = await tx.maybe(sql.job_to_settle, Job, id=key) if key else None
    if job is None:
        raise InvalidJobID(f"Processing Job with ID {job_id[:80]} does not exist.")
    return job


def _check_owner(job: Job, owner: User) -> None:
    if job.worker_owner_id != owner.id:
        raise WrongCredentials("Wrong credentials to submit this job: its worker belongs to another account.")


def _refuse_ended(job: Job) -> Kudos:
    # Workers in maintenance are spared the refusal (contract/api-v2.md, section 3.2). The texts are matched by clients.
    if job.worker_is_in_maintenance:
        return Kudos(0)
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


async def _lock(tx: Tx, job: Job) -> None:
    # Everywhere in this order: worker, request, job, accounts. Two transactions can then never wait in a ring.
    await tx.value(sql.lock_jobs_worker, UUID, id=job.worker_id)
    await tx.value(sql.lock_request, UUID, id=job.request_id)


async def _settle(tx: Tx, ctx: Context, job: Job, state: ResultState) -> Kudos:
    reward = Kudos(job.price_mk)
    # The requestor pays nothing for a censored picture; the worker did the work all the same.
    charge = reward if state == "ok" else Kudos(0)
    floor = FLOOR_ANONYMOUS if job.requestor_id == ANONYMOUS_ID else FLOOR_REGISTERED
    payer = Payer(user_id=job.requestor_id, floor=floor)
    await pay_job(tx, job.id, payer, job.worker_owner_id, reward, charge=charge, now=ctx.now)
    seconds = (ctx.now - job.leased_at).total_seconds()
    await credit(tx, job.worker_id, things=job.things, seconds=seconds, earned=reward)
    await tx.run(sql.charge_request, id=job.request_id, charged_mk=charge, expires_at=ctx.now + LIFE)
    await notify.ring(tx, notify.done(str(job.request_id)))
    return reward
