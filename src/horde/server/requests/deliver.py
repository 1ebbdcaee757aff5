"""Take jobs' results: store each file, then end the jobs and pay the workers of all that arrived together.

Exactly one delivery of a job counts.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

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
from horde.kinds.base import ChargeTerms, Made
from horde.server.accounts.records import Work, count_work
from horde.server.accounts.sharedkeys import spend_shared
from horde.server.accounts.users import ANONYMOUS_ID, User, users_by_id
from horde.server.context import Context
from horde.server.db import notify
from horde.server.db.notify import News
from horde.server.db.pool import Tx
from horde.server.idempotency.keys import Key, answer_to, keep
from horde.server.ledger.book import Book
from horde.server.ledger.jobs import JobPayment, settle
from horde.server.requests import sql
from horde.server.requests.accept import LIFE
from horde.server.requests.giveback import give_back
from horde.server.requests.tell import DoneJob, tell_of_jobs
from horde.server.storage.objects import job_key
from horde.server.storage.pictures import as_webp
from horde.server.workers.record import Done, credit
from horde.units import Kudos, hundredths_of

ResultState = Literal["ok", "censored", "csam"]
EndState = ResultState | Literal["cancelled"]
"""Of which the last is said of what its requestor gave up while it was made, and paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a worker hands in."""

    job_id: str
    kind: str
    """Of which kind the job is taken to be: one of another kind is not known to who delivers this."""
    picture: bytes | None = None
    """Of kinds that make files; None: it was uploaded to the job's link before."""
    text: str = ""
    """Of the other kinds; files that belong to it were uploaded to the job's link before."""
    state: EndState
    seed: int
    gen_metadata: list[object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job with what of its request and worker settles it."""

    id: UUID
    request_id: UUID
    worker_id: UUID
    worker_owner_id: int
    worker_agent: str
    worker_is_in_maintenance: bool
    worker_team_id: UUID | None
    worker_is_from_outside: bool
    """Whether it comes from a public address."""
    requestor_id: int
    kind: str
    state: str
    model: str
    leased_at: datetime
    reward_mk: int
    is_unpaid: bool
    things: int
    charge_factor: float
    charge_extra_mk: int
    worker_name: str
    is_inline: bool
    webhook: dict[str, object] | None
    """As the struct `Webhook`; nearly always None."""
    group_id: UUID | None
    """What the request is part of, if it is."""
    shared_key_id: UUID | None
    params: dict[str, object] | None
    """As the next one only of kinds whose worth follows from what was made."""
    prompt_characters: int | None

    @property
    def asked_id(self) -> UUID:
        """Under which the requestor knows the request."""
        return self.group_id or self.request_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What the delivery of a job brought, in milli-kudos."""

    reward_mk: int
    """What the job was worth, whoever did it."""
    credited_mk: int = 0
    """What the worker's owner was credited with, escrow included."""
    escrowed_mk: int = 0
    """The part of it that the owner cannot spend before being trusted."""


@dataclass(frozen=True, slots=True)
class _Result:
    """A delivery whose file is stored, if it is one."""

    job: Job
    delivery: Delivery
    worth: Kudos
    payment: JobPayment
    key: Key | None = None

    @property
    def paid(self) -> Paid:
        payment = self.payment
        return Paid(reward_mk=self.worth, credited_mk=payment.credit, escrowed_mk=payment.escrow)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finished:
    """A job that was finished now, with what is held for its request."""

    id: UUID
    request_id: UUID
    held_before_mk: int
    held_after_mk: int
    is_over: bool
    """Whether its request is done: nothing of it waits or runs any more."""


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
    job = await _job_of(ctx, owner, delivery.job_id, delivery.kind)
    if job.state != "leased":
        return _paid_when_ended(job)
    # The object is written before the job is marked done: a crash in between leaves a file that the next try replaces,
    # never a finished job without its picture.
    kind = KINDS[job.kind]
    if kind.makes_files or (kind.uploads and kind.uploads(job.model, delivery.text)):
        await _store(ctx, delivery)
    worth = _worth(job, delivery, owner)
    result = _Result(job, delivery, worth, _payment(job, worth, delivery.state, owner), key)
    return await ctx.together(_settle_together, result)


async def _answered(ctx: Context, key: Key) -> Paid | None:
    """What the delivery with this key brought, if there was one. Raises IdempotencyKeyConflict."""
    answer = await answer_to(ctx, key)
    return None if answer is None else msgspec.convert(answer, Paid)


async def report_fault(
    ctx: Context, owner: User, job_id: str, *, kind: str | None = None, is_once: bool = False
) -> None:
    """The worker cannot do the job; it waits again. A second report changes nothing, and is refused where `is_once`.

    A job of another kind than `kind` is not known; None: of whatever kind it is. Raises InvalidJobID,
    WrongCredentials, DuplicateGen; and AbortedGen where `is_once`.
    """
    job = await _job_of(ctx, owner, job_id, kind)
    if job.state == "done" or (is_once and job.state != "leased"):
        _paid_when_ended(job)
    async with ctx.database.transaction() as tx:
        await give_back(tx, ctx, job.request_id, [job.id], "faulted")


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
        calls.append(_Result(job, given_up, worth, _payment(job, worth, "cancelled", owner)))
    for outcome in await asyncio.gather(
        *(ctx.together(_settle_together, result) for result in calls), return_exceptions=True
    ):
        if isinstance(outcome, BaseException) and not isinstance(outcome, DuplicateGen | AbortedGen | InvalidJobID):
            raise outcome


async def _job_of(ctx: Context, owner: User, job_id: str, kind: str | None) -> Job:
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


async def _settle_together(ctx: Context, results: Sequence[_Result]) -> list[Paid | HordeError]:
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
            await credit(tx, [_done(result, ctx.now) for result in settled], now=ctx.now)
            await count_work(tx, [_work(result) for result in settled])
            await _pay(tx, ctx, finished, firsts)
            await tell_of_jobs(tx, ctx, await _to_be_told(tx, finished, firsts))
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


async def _finish(tx: Tx, ctx: Context, results: Sequence[_Result]) -> list[_Finished]:
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
    return await tx.all(sql.finish_jobs, _Finished, jobs=rows, now=ctx.now, expires_at=ctx.now + LIFE)


async def _pay(tx: Tx, ctx: Context, finished: Sequence[_Finished], results: Mapping[UUID, _Result]) -> None:
    by_request: defaultdict[UUID, list[_Finished]] = defaultdict(list)
    for job in finished:
        by_request[job.request_id].append(job)
    payments = {job.id: results[job.id].payment for job in finished}
    await spend_shared(tx, _spent_of_shared(finished, results))
    book = await Book.open(tx, {user for payment in payments.values() for user in (payment.payer_id, payment.owner_id)})
    for jobs in by_request.values():
        before, after = jobs[0].held_before_mk, jobs[0].held_after_mk
        settle(book, [payments[job.id] for job in jobs], held_before=before, held_after=after)
    await book.post(ctx.now)


async def _to_be_told(tx: Tx, finished: Sequence[_Finished], results: Mapping[UUID, _Result]) -> list[DoneJob]:
    heard = [ended for ended in finished if results[ended.id].job.webhook is not None]
    groups = {group_id for ended in heard if ended.is_over and (group_id := results[ended.id].job.group_id)}
    over = await _over(tx, groups) if groups else set()
    told = []
    for ended in heard:
        result = results[ended.id]
        job, delivery = result.job, result.delivery
        if job.webhook is None or delivery.state == "cancelled":
            continue
        told.append(
            DoneJob(
                id=job.id,
                request_id=job.asked_id,
                requestor_id=job.requestor_id,
                kind=job.kind,
                worker_id=job.worker_id,
                worker_name=job.worker_name,
                model=job.model,
                reward_mk=result.worth,
                is_inline=job.is_inline,
                is_last=ended.is_over and (job.group_id is None or job.group_id in over),
                seed=delivery.seed,
                state=delivery.state,
                gen_metadata=delivery.gen_metadata,
                text=delivery.text,
                webhook=job.webhook,
            )
        )
    return told


async def _over(tx: Tx, groups: Collection[UUID]) -> set[UUID]:
    """Those of these groups of which all was done."""
    ids = sorted(groups)
    await tx.values(sql.lock_groups, UUID, ids=ids)
    return set(await tx.values(sql.groups_over, UUID, ids=ids))


def _worth(job: Job, delivery: Delivery, owner: User) -> Kudos:
    """What the job was said to be worth when it was handed out, or what follows from what was made."""
    kind = KINDS[job.kind]
    if kind.worth_of_made is None:
        return Kudos(job.reward_mk)
    made = Made(
        params=msgspec.convert(job.params, kind.params),
        prompt_characters=job.prompt_characters or 0,
        text=delivery.text,
        model=job.model,
        agent=job.worker_agent,
        is_owner_trusted=owner.is_trusted,
    )
    return kind.worth_of_made(made)


def _spent_of_shared(finished: Sequence[_Finished], results: Mapping[UUID, _Result]) -> dict[UUID, int]:
    """What is paid with shared keys; nearly always with none."""
    spent: Counter[UUID] = Counter()
    for ended in finished:
        if (key_id := results[ended.id].job.shared_key_id) is not None:
            spent[key_id] += results[ended.id].payment.charge
    return spent


def _payment(job: Job, worth: Kudos, state: EndState, owner: User) -> JobPayment:
    """Nobody is paid for serving oneself, or one's own people alone, and nobody is charged for it."""
    # The anonymous account is many people, who do not serve themselves when they serve each other.
    is_own = job.requestor_id == job.worker_owner_id != ANONYMOUS_ID
    is_free = job.is_unpaid or is_own
    terms = ChargeTerms(factor=job.charge_factor, extra=Kudos(job.charge_extra_mk))
    # The requestor pays next to nothing for a censored result; the worker did the work all the same.
    charge = terms.of(worth if state in ("ok", "cancelled") else Kudos(0))
    share = KINDS[job.kind].pay_share(job.worker_agent)
    return JobPayment(
        job_id=job.id,
        request_id=job.asked_id,
        worker_id=job.worker_id,
        payer_id=job.requestor_id,
        owner_id=job.worker_owner_id,
        owner_is_trusted=owner.is_trusted,
        charge=Kudos(0) if is_free else charge,
        credit=Kudos(0) if is_free else hundredths_of(worth * share),
    )


def _done(result: _Result, now: datetime) -> Done:
    job = result.job
    return Done(
        worker_id=job.worker_id,
        kind=job.kind,
        model=job.model,
        things=job.things,
        seconds=(now - job.leased_at).total_seconds(),
        earned=result.payment.credit,
        is_whole=result.delivery.state != "cancelled",
        team_id=job.worker_team_id,
        stranger_id=None if result.payment.owner_is_trusted or not job.worker_is_from_outside else job.worker_owner_id,
    )


def _work(result: _Result) -> Work:
    job = result.job
    return Work(requestor_id=job.requestor_id, owner_id=job.worker_owner_id, kind=job.kind, things=job.things)


def _too_late(ended: dict[UUID, Job], result: _Result) -> Paid | HordeError:
    job = ended.get(result.job.id)
    if job is None:
        return InvalidJobID(f"Processing Job with ID {result.job.id} does not exist.")
    try:
        return _paid_when_ended(job)
    except HordeError as refusal:
        return refusal
