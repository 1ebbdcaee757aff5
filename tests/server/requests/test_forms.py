"""Several forms of one picture: each is paid, lost and given up by itself, and all are read as one."""

import asyncio
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from horde.errors import AbortedGen, DuplicateGen, IdempotencyKeyConflict, RequestNotFound, TooManyPrompts
from horde.kinds.image_refusals import SourceImageUnreadable
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.idempotency.keys import Key
from horde.server.ledger.statement import Search, entries
from horde.server.requests.deliver import report_fault
from horde.server.requests.expire import forget_expired, return_late_jobs
from horde.server.requests.groups import cancel_group
from horde.server.requests.orphans import delete_orphans
from horde.server.workers.checkin import check_in
from horde.units import kudos
from tests.plugins.hordes import Clock
from tests.server import builders
from tests.server.agreement import books_agree
from tests.server.builders import anonymous, earned, everything, has, nodes, one, picture, purse, user
from tests.server.requests.alchemy import FORMS, SAID, asked, delivered, states, status, taken, took
from tests.server.webhooks.scene import outbox, webhook


@pytest.fixture
async def ada(clock: Clock) -> User:
    """Who asks."""
    return await user(clock.ctx, "Ada", has=1000)


@pytest.fixture
async def bob(clock: Clock) -> User:
    """Who serves."""
    return await user(clock.ctx, "Bob", has=0)


def files(ctx: Context) -> list[Path]:
    """What lies in the storage."""
    return sorted(ctx.services.settings.objects_dir.iterdir())


def once(requestor: User, body: bytes) -> Key:
    """The key of a call with this body."""
    return Key.of(requestor, "once", route="interrogate/async", body=body, address="")


# ------------------------------------------------------------------------------------------------- money
async def test_what_all_forms_cost_is_held_and_paid_form_by_form(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, "caption", "interrogation")
    assert (await purse(clock.ctx, ada)).held_mk == kudos(2 + 4)

    await delivered(clock.ctx, bob, await took(clock.ctx, bob, models=("interrogation",)))

    assert (await purse(clock.ctx, ada)).held_mk == kudos(2)
    assert (await has(clock.ctx, ada), await earned(clock.ctx, bob)) == (kudos(996), kudos(3))
    await delivered(clock.ctx, bob, await took(clock.ctx, bob))
    assert (await has(clock.ctx, ada), await earned(clock.ctx, bob)) == (kudos(994), kudos(4))
    assert await states(clock.ctx, request_id) == ["done", "done"]
    await books_agree(clock.ctx)


async def test_fast_workers_cost_one_more_for_each_form(clock: Clock, ada: User) -> None:
    await asked(clock.ctx, ada, "caption", "nsfw", slow_workers=False)

    assert (await purse(clock.ctx, ada)).held_mk == kudos(3 + 3)


async def test_who_has_nothing_may_ask_and_nothing_is_moved(clock: Clock, bob: User) -> None:
    poor = await anonymous(clock.ctx)
    await asked(clock.ctx, poor, "caption")
    await asked(clock.ctx, poor)

    await delivered(clock.ctx, bob, await took(clock.ctx, bob))

    await books_agree(clock.ctx)


async def test_cancelled_request_pays_for_what_is_made_and_returns_the_rest(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, *FORMS)
    job_id = await took(clock.ctx, bob, models=("interrogation",))

    found = await cancel_group(clock.ctx, request_id, kind="alchemy")

    assert {part.stands for part in found.parts} == {"cancelled"}
    assert (await purse(clock.ctx, ada)).held_mk == 0
    assert (await has(clock.ctx, ada), await earned(clock.ctx, bob)) == (kudos(996), kudos(3))
    with pytest.raises(DuplicateGen):
        await delivered(clock.ctx, bob, job_id)
    before = await everything(clock.ctx)
    await cancel_group(clock.ctx, request_id, kind="alchemy")
    assert await everything(clock.ctx) == before
    await books_agree(clock.ctx)


async def test_nothing_is_learnt_of_a_workers_speed_by_what_was_cancelled(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, "caption")
    await took(clock.ctx, bob)

    await cancel_group(clock.move(seconds=1), request_id, kind="alchemy")

    assert await one(clock.ctx, "SELECT cardinality(speeds) FROM workers") == 0
    assert await one(clock.ctx, "SELECT fulfilled FROM workers") == 1


async def test_form_is_delivered_or_cancelled_but_not_both(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, "caption")
    job_id = await took(clock.ctx, bob)

    async with nodes(clock.ctx, 2) as (here, there):
        paid, _ = await asyncio.gather(
            delivered(here, bob, job_id), cancel_group(there, request_id, kind="alchemy"), return_exceptions=True
        )

    state = "cancelled" if isinstance(paid, DuplicateGen) else "done"
    assert await states(clock.ctx, request_id) == [state]
    assert await earned(clock.ctx, bob) == kudos(1)
    await books_agree(clock.ctx)


async def test_time_online_is_paid_at_once(clock: Clock, bob: User) -> None:
    for _ in range(4):
        await check_in(clock.move(seconds=250), bob, builders.said(**SAID))

    found = await purse(clock.ctx, bob)
    assert (found.own - found.floor_mk, found.escrow_mk) == (kudos(40), 0)


async def test_statement_tells_all_that_a_request_moved_under_its_id(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, "caption", "nsfw", "interrogation")
    await delivered(clock.ctx, bob, await took(clock.ctx, bob, models=("caption",)))
    for _ in range(4):
        await report_fault(clock.ctx, bob, await took(clock.ctx, bob, models=("nsfw",)))
    await cancel_group(clock.ctx, request_id, kind="alchemy")

    async with clock.ctx.database.statement() as tx:
        told = await entries(tx, ada.id, Search(request_id=UUID(request_id)), limit=10)

    assert [entry.kind for entry in reversed(told)] == ["ask", "ask", "ask", "job", "return", "return"]


# ------------------------------------------------------------------------------------------------- limits
async def test_ten_times_as_many_forms_as_pictures_may_be_there(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, *["caption"] * 299)
    await taken(clock.ctx, bob, amount=20)

    with pytest.raises(TooManyPrompts, match=r"299 waiting and 2 new\) are more than your limit of 300"):
        await asked(clock.ctx, ada, "caption", "nsfw")
    await asked(clock.ctx, ada, "caption")


async def test_request_that_is_too_much_leaves_nothing_behind(clock: Clock, ada: User) -> None:
    before = await everything(clock.ctx)

    with pytest.raises(TooManyPrompts):
        await asked(clock.ctx, ada, *["caption"] * 301)

    assert (await everything(clock.ctx), files(clock.ctx)) == (before, [])


async def test_limit_holds_for_requests_that_come_at_once(clock: Clock, ada: User) -> None:
    calls = [asked(clock.ctx, ada, *["caption"] * 100) for _ in range(5)]
    answers = await asyncio.gather(*calls, return_exceptions=True)

    assert sum(isinstance(answer, str) for answer in answers) == 3
    assert len(files(clock.ctx)) == 3
    await books_agree(clock.ctx)


async def test_picture_that_is_none_leaves_nothing_behind(clock: Clock, ada: User) -> None:
    before = await everything(clock.ctx)

    with pytest.raises(SourceImageUnreadable):
        await asked(clock.ctx, ada, "caption", source="AAAA")

    assert (await everything(clock.ctx), files(clock.ctx)) == (before, [])


async def test_call_with_a_used_key_is_answered_as_it_was_then(clock: Clock, ada: User) -> None:
    key = once(ada, b"1")
    first = await asked(clock.ctx, ada, "caption", "nsfw", key=key)

    again = await asyncio.gather(*[asked(clock.ctx, ada, "caption", "nsfw", key=key) for _ in range(3)])

    assert set(again) == {first}
    assert await one(clock.ctx, "SELECT count(*)::integer FROM requests") == 2
    assert len(files(clock.ctx)) == 1
    with pytest.raises(IdempotencyKeyConflict):
        await asked(clock.ctx, ada, "caption", key=once(ada, b"2"))


async def test_calls_with_one_key_that_come_at_once_ask_once(clock: Clock, ada: User) -> None:
    key = once(ada, b"1")
    async with nodes(clock.ctx, 2) as contexts:
        calls = [asked(node, ada, "caption", "nsfw", key=key) for node in contexts for _ in range(3)]
        answers = await asyncio.gather(*calls)

    assert len(set(answers)) == 1
    assert await one(clock.ctx, "SELECT count(*)::integer FROM requests") == 2
    assert len(files(clock.ctx)) == 1


# ------------------------------------------------------------------------------------------------- matching
async def test_worker_gets_the_best_of_all_that_it_offers(clock: Clock, bob: User) -> None:
    poor, rich = await user(clock.ctx, "Poor", has=10), await user(clock.ctx, "Rich", has=5000)
    await asked(clock.ctx, poor, "caption", "caption")
    wanted = await asked(clock.ctx, rich, "nsfw", "interrogation")

    found = await taken(clock.ctx, bob, amount=2)

    assert sorted(form.model for form in found) == ["interrogation", "nsfw"]
    assert await states(clock.ctx, wanted) == ["processing", "processing"]


async def test_forms_of_those_it_names_come_first(clock: Clock, ada: User, bob: User) -> None:
    poor = await user(clock.ctx, "Poor", has=10)
    await asked(clock.ctx, ada, "caption")
    wanted = await asked(clock.ctx, poor, "caption")

    await took(clock.ctx, bob, first_users=(poor.id,))

    assert await states(clock.ctx, wanted) == ["processing"]


async def test_slow_worker_gets_no_form_of_who_wants_fast_ones(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, "caption")
    job_id = await took(clock.ctx, bob)
    await delivered(clock.move(seconds=11), bob, job_id)
    await asked(clock.ctx, ada, "caption", slow_workers=False)

    assert await taken(clock.ctx, bob) == []
    await asked(clock.ctx, ada, "caption")
    assert len(await taken(clock.ctx, bob, amount=5)) == 1


async def test_two_nodes_hand_out_each_form_once(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, *["caption"] * 9)
    async with nodes(clock.ctx, 2) as contexts:
        found = await asyncio.gather(*[
            taken(node, bob, amount=4, name=f"Worker {number}") for number, node in enumerate(contexts * 2)
        ])  # fmt: skip

    ids = [job_id for forms in found for form in forms for job_id in form.job_ids]
    assert len(ids) == len(set(ids)) == 9
    await books_agree(clock.ctx)


# ------------------------------------------------------------------------------------------------- time and faults
async def test_lost_form_waits_again_and_is_late_then(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, "caption", "nsfw")
    job_id = await took(clock.ctx, bob, models=("caption",))

    await return_late_jobs(clock.move(seconds=179))
    assert await states(clock.ctx, request_id) == ["processing", "waiting"]
    await return_late_jobs(clock.move(seconds=2))

    assert await states(clock.ctx, request_id) == ["waiting", "waiting"]
    with pytest.raises(AbortedGen):
        await delivered(clock.ctx, bob, job_id)
    await books_agree(clock.ctx)


async def test_fourth_failure_ends_a_form_alone_and_returns_what_was_held_for_it(
    clock: Clock, ada: User, bob: User
) -> None:
    request_id = await asked(clock.ctx, ada, "caption", "nsfw")

    for _ in range(3):
        await report_fault(clock.ctx, bob, await took(clock.ctx, bob, models=("caption",)))
    assert await states(clock.ctx, request_id) == ["waiting", "waiting"]
    await report_fault(clock.ctx, bob, await took(clock.ctx, bob, models=("caption",)))

    assert await states(clock.ctx, request_id) == ["faulted", "waiting"]
    assert (await purse(clock.ctx, ada)).held_mk == kudos(2)
    await books_agree(clock.ctx)


async def test_alchemist_may_fail_a_hundred_times_before_it_is_stopped(clock: Clock, ada: User, bob: User) -> None:
    atlas = await builders.worker(clock.ctx, bob, **SAID)
    await asked(clock.ctx, ada, *["caption"] * 101)

    for _ in range(5):
        for form in await taken(clock.ctx, bob, amount=20):
            await report_fault(clock.ctx, bob, form.job_ids[0])
    is_resting = "SELECT is_in_maintenance FROM workers WHERE id = $1"
    assert await one(clock.ctx, is_resting, id=atlas.id) is False

    await report_fault(clock.ctx, bob, await took(clock.ctx, bob))
    assert await one(clock.ctx, is_resting, id=atlas.id) is True
    assert "more than 100 times" in await one(clock.ctx, "SELECT maintenance_message FROM workers")


async def test_forms_are_kept_as_long_as_the_last_of_them(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, "caption", "nsfw")
    await forget_expired(clock.move(minutes=19))
    await delivered(clock.ctx, bob, await took(clock.ctx, bob, models=("nsfw",)))

    await forget_expired(clock.ctx)
    await forget_expired(clock.move(minutes=15))

    assert await states(clock.ctx, request_id) == ["waiting", "done"]
    assert len(await taken(clock.ctx, bob)) == 1


async def test_request_is_forgotten_as_a_whole_and_its_picture_with_it(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, "caption", "GFPGAN")
    other = await asked(clock.ctx, ada)
    [form] = await taken(clock.ctx, bob, models=("GFPGAN",))
    await clock.ctx.services.objects.put(f"{form.job_ids[0]}.webp", picture())
    await delivered(clock.ctx, bob, form.job_ids[0], {"GFPGAN": "R2"})
    assert len(files(clock.ctx)) == 3

    await forget_expired(clock.move(minutes=40))

    assert files(clock.ctx) == []
    for gone in (request_id, other):
        with pytest.raises(RequestNotFound):
            await status(clock.ctx, gone)
    assert (await purse(clock.ctx, ada)).held_mk == 0
    await books_agree(clock.ctx)


async def test_picture_of_a_request_that_is_there_is_no_orphan(clock: Clock, ada: User) -> None:
    await asked(clock.ctx, ada, "caption")

    assert await delete_orphans(clock.move(days=2)) == 0
    assert len(files(clock.ctx)) == 1


# ------------------------------------------------------------------------------------------------- webhooks
async def test_requestor_is_told_of_each_form_and_once_of_all(clock: Clock, ada: User, bob: User) -> None:
    hook = webhook("https://ada.example/hook", "job.done", "request.done")
    request_id = await asked(clock.ctx, ada, "caption", "GFPGAN", webhook=hook)
    for form in await taken(clock.ctx, bob, amount=2, models=("caption", "GFPGAN")):
        await clock.ctx.services.objects.put(f"{form.job_ids[0]}.webp", picture())
        await delivered(clock.ctx, bob, form.job_ids[0], {form.model: "R2"})

    told = await outbox(clock.ctx)

    assert sorted(message["event"] for message in told) == ["job.done", "job.done", "request.done"]
    assert {str(message["request_id"]) for message in told} == {request_id}
    bodies = {body["form"]: body for message in told if "form" in (body := body_of(message))}
    caption = bodies["caption"]
    assert caption == {
        "form": "caption", "state": "done", "result": {"caption": "R2"}, "worker_id": caption["worker_id"],
        "worker_name": "Atlas", "id": caption["id"], "request": request_id, "kudos": 1.0,
    }  # fmt: skip


async def test_forms_that_are_delivered_at_once_are_told_of_as_all_once(clock: Clock, ada: User, bob: User) -> None:
    hook = webhook("https://ada.example/hook", "request.done")
    await asked(clock.ctx, ada, *["caption"] * 6, webhook=hook)
    jobs = [form.job_ids[0] for form in await taken(clock.ctx, bob, amount=6)]

    async with nodes(clock.ctx, 3) as contexts:
        await asyncio.gather(*[delivered(contexts[at % 3], bob, job_id) for at, job_id in enumerate(jobs)])

    assert [message["event"] for message in await outbox(clock.ctx)] == ["request.done"]


async def test_request_of_which_a_form_was_given_up_is_never_told_of_as_done(
    clock: Clock, ada: User, bob: User
) -> None:
    hook = webhook("https://ada.example/hook", "request.done", "request.faulted")
    await asked(clock.ctx, ada, "caption", "caption", "nsfw", webhook=hook)
    for _ in range(8):
        await report_fault(clock.ctx, bob, await took(clock.ctx, bob, models=("caption",)))
    await delivered(clock.ctx, bob, await took(clock.ctx, bob, models=("nsfw",)))

    assert [message["event"] for message in await outbox(clock.ctx)] == ["request.faulted"]


async def test_cancelled_form_is_not_told_of(clock: Clock, ada: User, bob: User) -> None:
    hook = webhook("https://ada.example/hook", "job.done", "request.done")
    request_id = await asked(clock.ctx, ada, "caption", webhook=hook)
    await took(clock.ctx, bob)

    await cancel_group(clock.ctx, request_id, kind="alchemy")

    assert await outbox(clock.ctx) == []


async def test_forms_that_nobody_made_are_told_of_once(clock: Clock, ada: User) -> None:
    hook = webhook("https://ada.example/hook", "request.expired")
    request_id = await asked(clock.ctx, ada, "caption", "nsfw", webhook=hook)

    await forget_expired(clock.move(minutes=40))

    [message] = await outbox(clock.ctx)
    assert (message["event"], str(message["request_id"])) == ("request.expired", request_id)


def body_of(message: dict[str, object]) -> dict[str, object]:
    """What is sent, whatever form the database gives it in."""
    body = message["body"]
    return msgspec.json.decode(body) if isinstance(body, str) else dict(body)  # type: ignore[call-overload,no-any-return]
