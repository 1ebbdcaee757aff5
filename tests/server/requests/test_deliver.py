"""Exactly one delivery of a job counts: it is stored, paid and shown; every other is refused and changes nothing."""

import asyncio
import io
from collections import Counter
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from PIL import Image

from horde.errors import AbortedGen, DuplicateGen, HordeError, ImageValidationFailed, InvalidJobID, WrongCredentials
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.db import notify
from horde.server.requests import sql
from horde.server.requests.cancel import cancel
from horde.server.requests.deliver import deliver, report_fault
from horde.server.requests.expire import return_late_jobs
from horde.server.requests.giveback import give_back
from horde.server.requests.read import status
from horde.server.requests.results import ResultState
from horde.server.storage.objects import job_key
from horde.units import Kudos
from tests.plugins.hordes import Clock
from tests.server.builders import (
    CHARGED,
    EARNED,
    PICTURE,
    TAX,
    anonymous,
    asked,
    change,
    delivered,
    delivery,
    earned,
    everything,
    has,
    leased,
    look,
    nodes,
    one,
    picture,
    popped,
    somebody_waits_for_a_lock,
    sum_of_balances,
    user,
)


@pytest.fixture
async def ada(clock: Clock) -> User:
    """Who asks."""
    return await user(clock.ctx, "Ada", has=100)


@pytest.fixture
async def bob(clock: Clock) -> User:
    """Who serves."""
    return await user(clock.ctx, "Bob", has=0)


async def stored(ctx: Context, job_id: str) -> bytes:
    return await ctx.services.objects.get(job_key(job_id))


# ------------------------------------------------------------------------------------ what a delivery does
async def test_delivery_ends_the_job_and_pays_for_it(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)
    ctx = clock.move(seconds=10)

    assert await delivered(ctx, bob, job_id, seed=77, gen_metadata=[{"type": "information"}]) == 11_000

    [job] = await look(ctx, "SELECT * FROM jobs")
    assert (job["state"], job["result_state"], job["ended_at"], job["reward_mk"]) == ("done", "ok", ctx.now, 11_000)
    assert (job["seed"], job["gen_metadata"]) == (77, [{"type": "information"}])
    assert (await has(ctx, ada), await earned(ctx, bob)) == (100_000 - TAX - CHARGED, EARNED)
    [atlas] = await look(ctx, "SELECT * FROM workers")
    assert (atlas["fulfilled"], atlas["earned_mk"], atlas["things"]) == (1, EARNED, 512 * 512 * 50)
    assert atlas["speeds"] == [512 * 512 * 5.0]


async def test_request_lives_on_for_twenty_minutes_after_a_delivery(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)

    await delivered(clock.move(minutes=10), bob, job_id)

    assert await one(clock.ctx, "SELECT expires_at FROM requests") == clock.now + timedelta(minutes=20)


async def test_delivered_picture_is_kept_as_it_came_when_it_is_webp(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)

    await delivered(clock.ctx, bob, job_id, picture=PICTURE)

    assert await stored(clock.ctx, job_id) == PICTURE


async def test_delivered_png_is_kept_as_webp(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)

    await delivered(clock.ctx, bob, job_id, picture=picture("PNG", (24, 16)))

    with Image.open(io.BytesIO(await stored(clock.ctx, job_id))) as kept:
        assert (kept.format, kept.size) == ("WEBP", (24, 16))


async def test_picture_that_was_uploaded_before_counts_as_delivered(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)
    await clock.ctx.services.objects.put(job_key(job_id), PICTURE)

    assert await delivered(clock.ctx, bob, job_id, picture=None) == 11_000


async def test_delivery_without_a_picture_changes_nothing_and_can_be_repeated(
    clock: Clock, ada: User, bob: User
) -> None:
    await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)
    before = await everything(clock.ctx)

    for sent in (None, b"", b"no picture", PICTURE[:40]):
        with pytest.raises(ImageValidationFailed, match="Image validation failed"):
            await delivered(clock.ctx, bob, job_id, picture=sent)

    assert await everything(clock.ctx) == before
    assert await delivered(clock.ctx, bob, job_id) == 11_000


@pytest.mark.parametrize("state", ["censored", "csam"])
async def test_requestor_pays_one_kudo_for_a_censored_picture_and_the_worker_is_paid(
    clock: Clock, ada: User, bob: User, state: ResultState
) -> None:
    request_id = await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)

    assert await delivered(clock.ctx, bob, job_id, state=state) == 11_000

    assert (await has(clock.ctx, ada), await earned(clock.ctx, bob)) == (100_000 - TAX - 1_000, EARNED)
    found = await status(clock.ctx, request_id, kind="image")
    assert (found.progress.charged, found.results[0].result_state) == (TAX + 1_000, state)
    assert await sum_of_balances(clock.ctx) == 0


async def test_anonymous_requests_are_paid_down_to_their_floor(clock: Clock, bob: User) -> None:
    nobody = await anonymous(clock.ctx)
    await asked(clock.ctx, nobody, n=7)

    for _ in range(7):
        await delivered(clock.ctx, bob, await leased(clock.ctx, bob))

    assert (await has(clock.ctx, nobody), await earned(clock.ctx, bob)) == (-50_000, 7 * EARNED)
    assert await sum_of_balances(clock.ctx) == 0


async def test_delivery_after_the_deadline_counts_until_the_job_is_given_back(
    clock: Clock, ada: User, bob: User
) -> None:
    await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)

    assert await delivered(clock.move(minutes=10), bob, job_id) == 11_000
    assert await return_late_jobs(clock.ctx) == 0


async def test_delivery_to_a_cancelled_request_is_paid(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)
    await cancel(clock.ctx, request_id, kind="image")

    assert await delivered(clock.ctx, bob, job_id) == 11_000
    assert await has(clock.ctx, ada) == 100_000 - TAX - CHARGED


async def test_delivery_wakes_who_waits_for_the_request(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)

    with clock.ctx.services.hints.bell(notify.done(request_id)) as bell:
        await delivered(clock.ctx, bob, job_id)
        async with asyncio.timeout(notify.POLL_S / 2):
            await bell.wait(60)


# --------------------------------------------------------------------------------- what does not count
async def test_second_delivery_is_a_duplicate_and_changes_nothing(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)
    await delivered(clock.ctx, bob, job_id)
    before = await everything(clock.ctx)

    with pytest.raises(DuplicateGen, match="already submitted"):
        await delivered(clock.ctx, bob, job_id, picture=picture(size=(16, 16)), seed=9)
    with pytest.raises(DuplicateGen, match="already submitted"):
        await report_fault(clock.ctx, bob, job_id)

    assert await everything(clock.ctx) == before
    assert await stored(clock.ctx, job_id) == PICTURE


async def test_delivery_after_a_give_back_is_aborted_and_changes_nothing(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, n=2)
    reported, late = await leased(clock.ctx, bob), await leased(clock.ctx, bob)
    await report_fault(clock.ctx, bob, reported)
    await return_late_jobs(clock.move(minutes=3))
    before = await everything(clock.ctx)

    for job_id in (reported, late):
        with pytest.raises(AbortedGen, match="Please check your worker speed"):
            await delivered(clock.ctx, bob, job_id)
        assert not await clock.ctx.services.objects.exists(job_key(job_id))

    assert await everything(clock.ctx) == before


async def test_delivery_of_somebody_elses_job_is_refused_and_changes_nothing(
    clock: Clock, ada: User, bob: User
) -> None:
    await asked(clock.ctx, ada, n=2)
    done, running = await leased(clock.ctx, bob), await leased(clock.ctx, bob)
    await delivered(clock.ctx, bob, done)
    before = await everything(clock.ctx)

    for job_id in (done, running):
        with pytest.raises(WrongCredentials, match="belongs to another account"):
            await delivered(clock.ctx, ada, job_id)
        with pytest.raises(WrongCredentials, match="belongs to another account"):
            await report_fault(clock.ctx, ada, job_id)

    assert await everything(clock.ctx) == before
    assert not await clock.ctx.services.objects.exists(job_key(running))


async def test_delivery_of_an_unknown_job_is_refused_and_changes_nothing(clock: Clock, bob: User) -> None:
    before = await everything(clock.ctx)

    for job_id in (str(uuid4()), "no id at all", ""):
        with pytest.raises(InvalidJobID, match=r"Processing Job with ID .* does not exist"):
            await delivered(clock.ctx, bob, job_id)
        with pytest.raises(InvalidJobID, match=r"Processing Job with ID .* does not exist"):
            await report_fault(clock.ctx, bob, job_id)

    assert await everything(clock.ctx) == before


async def test_worker_in_maintenance_is_spared_the_refusal_and_gets_nothing(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, n=2)
    done, aborted = await leased(clock.ctx, bob), await leased(clock.ctx, bob)
    await delivered(clock.ctx, bob, done)
    await report_fault(clock.ctx, bob, aborted)
    await change(clock.ctx, "UPDATE workers SET is_in_maintenance = true")
    before = await everything(clock.ctx)

    assert await delivered(clock.ctx, bob, done) == 0
    assert await delivered(clock.ctx, bob, aborted) == 0

    assert await everything(clock.ctx) == before


async def test_worker_in_maintenance_may_deliver_what_it_has(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)
    await change(clock.ctx, "UPDATE workers SET is_in_maintenance = true")

    assert await delivered(clock.ctx, bob, job_id) == 11_000


# --------------------------------------------------------------------------------------------- all at once
async def test_exactly_one_of_many_deliveries_at_once_is_paid(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)

    async with nodes(clock.ctx, 3) as contexts:
        answers = await asyncio.gather(
            *[deliver(ctx, bob, delivery(job_id)) for ctx in contexts for _ in range(5)], return_exceptions=True
        )

    assert Counter(type(answer).__name__ for answer in answers) == {"Paid": 1, "DuplicateGen": 14}
    payments = await look(clock.ctx, "SELECT id, job_id FROM ledger_events WHERE kind = 'job'")
    assert payments == [{"id": UUID(job_id), "job_id": UUID(job_id)}]
    assert (await has(clock.ctx, ada), await earned(clock.ctx, bob)) == (100_000 - TAX - CHARGED, EARNED)
    assert await one(clock.ctx, "SELECT fulfilled FROM workers") == 1
    assert await one(clock.ctx, "SELECT charged_mk FROM requests") == TAX + CHARGED


async def test_delivery_and_give_back_at_once_leave_one_of_the_two(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, n=12)
    job_ids = [await leased(clock.ctx, bob) for _ in range(12)]
    clock.move(minutes=3)

    async def outcome(ctx: Context, job_id: str) -> Kudos | HordeError:
        try:
            return await delivered(ctx, bob, job_id)
        except AbortedGen as aborted:
            return aborted

    async with nodes(clock.ctx, 2, connections=12) as [ctx, other]:
        returning = asyncio.create_task(return_late_jobs(other))
        cancelling = asyncio.create_task(cancel(other, request_id, kind="image"))
        answers = await asyncio.gather(*[outcome(ctx, job_id) for job_id in job_ids])
        returned, _ = await returning, await cancelling

    paid = answers.count(Kudos(11_000))
    assert paid + returned == 12
    states = Counter(job["state"] for job in await look(clock.ctx, "SELECT state FROM jobs"))
    assert (states["done"], states["lost"]) == (paid, returned)
    assert await earned(clock.ctx, bob) == EARNED * paid
    assert await sum_of_balances(clock.ctx) == 0


async def test_delivery_whose_job_is_given_back_meanwhile_is_aborted(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)

    async with clock.ctx.database.transaction() as tx:
        await tx.values(sql.lock_requests, UUID, ids=[UUID(request_id)])
        delivering = asyncio.create_task(delivered(clock.ctx, bob, job_id))
        await somebody_waits_for_a_lock(clock.ctx)  # it has seen its job leased, and stored the picture
        await give_back(tx, clock.ctx, UUID(request_id), [UUID(job_id)], "lost")

    with pytest.raises(AbortedGen):
        await delivering
    assert (await has(clock.ctx, ada), await earned(clock.ctx, bob)) == (100_000 - TAX, 0)
    assert await one(clock.ctx, "SELECT waiting FROM requests") == 1


async def test_many_deliveries_to_one_request_are_all_paid(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, n=8)
    job_ids = (await popped(clock.ctx, bob, amount=8)).job_ids

    async with nodes(clock.ctx, 2) as contexts:
        answers = await asyncio.gather(*[delivered(contexts[i % 2], bob, job_id) for i, job_id in enumerate(job_ids)])

    assert answers == [11_000] * 8
    assert await one(clock.ctx, "SELECT charged_mk FROM requests") == TAX + 8 * CHARGED
    assert (await has(clock.ctx, ada), await earned(clock.ctx, bob)) == (14_000, 8 * EARNED)
