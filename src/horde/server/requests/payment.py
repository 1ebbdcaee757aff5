"""What a delivered job is worth, who pays it to whom, and what it adds to their records."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from horde.kinds import KINDS
from horde.kinds.base import ChargeTerms, Made
from horde.server.accounts.records import Work
from horde.server.accounts.sharedkeys import spend_shared
from horde.server.accounts.users import ANONYMOUS_ID, User
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.ledger.book import Book
from horde.server.ledger.jobs import JobPayment, settle
from horde.server.requests.results import Delivery, EndState, Finished, Job, Result
from horde.server.workers.record import Done
from horde.units import Kudos, hundredths_of


def worth_of(job: Job, delivery: Delivery, owner: User) -> Kudos:
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


def payment_for(job: Job, worth: Kudos, state: EndState, owner: User) -> JobPayment:
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


async def pay(tx: Tx, ctx: Context, finished: Sequence[Finished], results: Mapping[UUID, Result]) -> None:
    """Move the kudos of these jobs: holds to charges, charges to workers' owners. Locks shared keys, then accounts."""
    by_request: defaultdict[UUID, list[Finished]] = defaultdict(list)
    for job in finished:
        by_request[job.request_id].append(job)
    payments = {job.id: results[job.id].payment for job in finished}
    await spend_shared(tx, _spent_of_shared(finished, results))
    book = await Book.open(tx, {user for payment in payments.values() for user in (payment.payer_id, payment.owner_id)})
    for jobs in by_request.values():
        before, after = jobs[0].held_before_mk, jobs[0].held_after_mk
        settle(book, [payments[job.id] for job in jobs], held_before=before, held_after=after)
    await book.post(ctx.now)


def _spent_of_shared(finished: Sequence[Finished], results: Mapping[UUID, Result]) -> dict[UUID, int]:
    """What is paid with shared keys; nearly always with none."""
    spent: Counter[UUID] = Counter()
    for ended in finished:
        if (key_id := results[ended.id].job.shared_key_id) is not None:
            spent[key_id] += results[ended.id].payment.charge
    return spent


def done_by(result: Result, now: datetime) -> Done:
    """What the job adds to its worker's record."""
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


def counted(result: Result) -> Work:
    """What the job adds to the records of both accounts."""
    job = result.job
    return Work(requestor_id=job.requestor_id, owner_id=job.worker_owner_id, kind=job.kind, things=job.things)
