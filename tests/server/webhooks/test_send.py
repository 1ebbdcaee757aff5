"""A message is sent until it was heard or a day is over, whoever dies meanwhile."""

import asyncio
import base64
from collections.abc import Iterator
from datetime import timedelta

import pytest

from horde.server.accounts.register import register
from horde.server.accounts.users import User
from horde.server.requests.expire import forget_expired
from horde.server.settings import Settings
from horde.server.webhooks.send import (
    ANSWER_BYTES_MAX,
    ATTEMPTS_MAX,
    EACH_MAX,
    JITTER,
    PAUSES_S,
    TAKEN_FOR,
    Sender,
    open_client,
)
from tests.end_to_end.forked_server import FORKS
from tests.plugins.hordes import Clock
from tests.server.builders import PICTURE, asked, change, comes_true, delivered, leased, nodes, user
from tests.server.requests import alchemy
from tests.server.webhooks.dying import deliver_and_die
from tests.server.webhooks.receiver import Receiver, receiver
from tests.server.webhooks.scene import BASE_URL, for_loopback, outbox, send, told, webhook


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return for_loopback(settings)


@pytest.fixture
def target() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
async def ada(clock: Clock) -> User:
    """Who asks."""
    return await user(clock.ctx, "Ada")


@pytest.fixture
async def bob(clock: Clock) -> User:
    """Who serves."""
    return await user(clock.ctx, "Bob", has=0)


# ------------------------------------------------------------------------------------------------ heard
async def test_form_is_told_with_a_link_in_place_of_the_picture_that_was_uploaded(
    clock: Clock, ada: User, bob: User, target: Receiver
) -> None:
    await alchemy.asked(clock.ctx, ada, "GFPGAN", webhook=webhook(target.url))
    job_id = await alchemy.took(clock.ctx, bob, models=("GFPGAN",))
    await clock.ctx.services.objects.put(f"{job_id}.webp", PICTURE)
    await alchemy.delivered(clock.ctx, bob, job_id, {"GFPGAN": "R2", "scale": 2})

    assert await send(clock.ctx) == 1

    [heard] = target.heard
    assert (heard.body["form"], heard.body["state"], heard.body["kudos"]) == ("GFPGAN", "done", 3.0)
    assert heard.body["result"].keys() == {"GFPGAN", "scale"}
    assert heard.body["result"]["GFPGAN"].startswith(f"{BASE_URL}/api/files/{job_id}.webp?expires=")


async def test_message_is_sent_once_and_with_a_link_to_the_picture(
    clock: Clock, ada: User, bob: User, target: Receiver
) -> None:
    job_id = await told(clock.ctx, ada, bob, target.url)

    assert [await send(clock.ctx), await send(clock.move(days=2))] == [1, 0]

    [heard] = target.heard
    assert heard.body.keys() == {
        "img", "seed", "worker_id", "worker_name", "model", "id", "censored", "gen_metadata", "request", "kudos",
    }  # fmt: skip
    assert heard.body["img"].startswith(f"{BASE_URL}/api/files/{job_id}.webp?expires=")
    assert (heard.headers["content-type"], heard.headers["horde-event"]) == ("application/json", "job.done")
    [message] = await outbox(clock.ctx)
    assert (message["state"], message["attempts"], message["due_at"]) == ("delivered", 1, None)
    assert (message["answer_status"], message["answer_body"], message["failure"]) == (200, "thanks", None)
    assert heard.id == str(message["id"])


async def test_who_wants_pictures_inline_is_told_them_inline(
    clock: Clock, ada: User, bob: User, target: Receiver
) -> None:
    await told(clock.ctx, ada, bob, target.url, is_inline=True)
    await send(clock.ctx)

    assert base64.b64decode(target.heard[0].body["img"]) == PICTURE


async def test_picture_that_is_gone_is_told_as_gone(clock: Clock, ada: User, bob: User, target: Receiver) -> None:
    await told(clock.ctx, ada, bob, target.url)
    await forget_expired(clock.move(hours=1))
    await send(clock.ctx)

    assert target.heard[0].body["img"] == "N/A"


# ------------------------------------------------------------------------------------------ not yet heard
async def test_failures_are_tried_again_under_the_same_id_until_it_is_heard(
    clock: Clock, ada: User, bob: User, target: Receiver
) -> None:
    target.then(500, b"oops")
    target.then(503)
    await told(clock.ctx, ada, bob, target.url)

    await send(clock.ctx)
    [message] = await outbox(clock.ctx)
    assert (message["state"], message["answer_status"], message["answer_body"]) == ("waiting", 500, "oops")
    pause_s = (message["due_at"] - clock.now).total_seconds()
    assert PAUSES_S[0] <= pause_s <= PAUSES_S[0] * (1 + JITTER)
    assert await send(clock.move(seconds=PAUSES_S[0] - 0.1)) == 0

    await send(clock.move(seconds=PAUSES_S[0]))
    await send(clock.move(minutes=1))

    assert len({heard.id for heard in target.heard}) == 1
    [message] = await outbox(clock.ctx)
    assert (message["state"], message["attempts"], message["failure"]) == ("delivered", 3, None)


async def test_message_that_nobody_hears_is_dead_after_eight_attempts_within_28_hours(
    clock: Clock, ada: User, bob: User
) -> None:
    with receiver() as gone:
        pass
    await told(clock.ctx, ada, bob, gone.url)
    begun = clock.now

    [message] = await outbox(clock.ctx)
    for attempt in range(1, ATTEMPTS_MAX + 1):
        assert await send(clock.ctx) == 1
        [message] = await outbox(clock.ctx)
        assert message["attempts"] == attempt
        if message["due_at"]:
            clock.now = message["due_at"]

    assert (ATTEMPTS_MAX, message["state"], message["answer_status"]) == (8, "dead", None)
    assert message["failure"].startswith("ConnectError")
    assert timedelta(hours=23) < clock.now - begun < timedelta(hours=28)
    assert await send(clock.move(days=9)) == 0


@pytest.mark.parametrize("status", [301, 302, 307])
async def test_redirects_are_not_followed(clock: Clock, ada: User, bob: User, target: Receiver, status: int) -> None:
    with receiver() as elsewhere:
        target.then(status, Location=elsewhere.url)
        await told(clock.ctx, ada, bob, target.url)
        await send(clock.ctx)

        assert elsewhere.heard == []
    [message] = await outbox(clock.ctx)
    assert (message["state"], message["failure"]) == (
        "waiting",
        f"The answer was {status}; redirects are not followed.",
    )


async def test_who_says_gone_is_called_no_more(clock: Clock, ada: User, bob: User, target: Receiver) -> None:
    target.then(410)
    await told(clock.ctx, ada, bob, target.url)
    await send(clock.ctx)

    assert [message["state"] for message in await outbox(clock.ctx)] == ["dead"]


async def test_of_a_long_answer_one_kilobyte_is_kept(clock: Clock, ada: User, bob: User, target: Receiver) -> None:
    target.then(500, b"\0" + b"x" * 100_000)
    await told(clock.ctx, ada, bob, target.url)
    await send(clock.ctx)

    [message] = await outbox(clock.ctx)
    assert message["answer_body"] == "\N{REPLACEMENT CHARACTER}" + "x" * (ANSWER_BYTES_MAX - 1)


async def test_address_that_is_not_public_is_refused_once_and_for_all(
    clock: Clock, ada: User, bob: User, target: Receiver
) -> None:
    await told(clock.ctx, ada, bob, target.url.replace("127.0.0.1", "localhost"))
    async with open_client(Settings()) as client:
        await Sender(clock.ctx.services, client).run_once(clock.now)

    assert target.heard == []
    [message] = await outbox(clock.ctx)
    assert message["state"] == "dead"
    assert message["failure"] == "localhost has the address 127.0.0.1, which is not a public one."


# ------------------------------------------------------------------------------------- several processes
async def test_of_several_nodes_one_sends(clock: Clock, ada: User, bob: User, target: Receiver) -> None:
    for _ in range(12):
        await told(clock.ctx, ada, bob, target.url)

    async with nodes(clock.ctx, 3) as contexts:
        sent = 0
        # A round takes 8 of an account, and leaves to others what they are just taking.
        for _ in range(2):
            sent += sum(await asyncio.gather(*[send(ctx) for ctx in contexts for _ in range(3)]))

    assert sent == len(target.heard) == len({heard.id for heard in target.heard}) == 12


async def test_process_killed_between_commit_and_send_loses_nothing(clock: Clock, ada: User, target: Receiver) -> None:
    owner = await register(clock.ctx, "Owner")
    await asked(clock.ctx, ada, webhook=webhook(target.url))
    job_id = await leased(clock.ctx, owner.user)

    process = FORKS.Process(target=deliver_and_die, args=[clock.ctx.services.settings, owner.key, job_id])
    process.start()
    await asyncio.to_thread(process.join)

    assert process.exitcode == -9
    assert target.heard == []
    assert await send(clock.move(minutes=1)) == 1
    assert target.heard[0].body["id"] == job_id


async def test_what_a_dead_process_had_taken_is_sent_by_another(
    clock: Clock, ada: User, bob: User, target: Receiver
) -> None:
    await told(clock.ctx, ada, bob, target.url)
    target.may_answer.clear()
    async with open_client(clock.ctx.services.settings) as client:
        dying = Sender(clock.ctx.services, client)
        await dying.begin(clock.now)
        await asyncio.to_thread(target.arrived.wait, 10)
        for task in list(dying._sending):
            task.cancel()
    target.may_answer.set()

    assert await send(clock.move(seconds=TAKEN_FOR.total_seconds() - 1)) == 0
    assert await send(clock.move(seconds=1)) == 1

    assert len({heard.id for heard in target.heard}) == 1
    assert [message["state"] for message in await outbox(clock.ctx)] == ["delivered"]


async def test_receiver_that_hangs_holds_up_its_owner_alone(
    clock: Clock, ada: User, bob: User, target: Receiver
) -> None:
    eve = await user(clock.ctx, "Eve")
    with receiver() as hanging:
        hanging.may_answer.clear()
        for _ in range(EACH_MAX + 1):
            await told(clock.ctx, eve, bob, hanging.url)
        await told(clock.ctx, ada, bob, target.url)
        async with open_client(clock.ctx.services.settings) as client:
            sender = Sender(clock.ctx.services, client)

            assert await sender.begin(clock.now) == EACH_MAX + 1
            await comes_true(lambda: len(sender._sending) == EACH_MAX)
            assert await sender.begin(clock.now) == 0
            assert len(target.heard) == 1

            hanging.may_answer.set()
            await sender.run_once(clock.now)
            assert await sender.run_once(clock.now) == 1
    assert len(hanging.heard) == EACH_MAX + 1


async def test_late_failure_of_an_attempt_does_not_undo_a_later_one(
    clock: Clock, ada: User, bob: User, target: Receiver
) -> None:
    target.then(500)
    await told(clock.ctx, ada, bob, target.url)
    target.may_answer.clear()
    async with open_client(clock.ctx.services.settings) as client:
        slow = Sender(clock.ctx.services, client)
        await slow.begin(clock.now)
        await asyncio.to_thread(target.arrived.wait, 10)
        await change(clock.ctx, "UPDATE webhook_deliveries SET attempts = attempts + 1")
        target.may_answer.set()
        await asyncio.gather(*slow._sending)

    assert [message["state"] for message in await outbox(clock.ctx)] == ["sending"]


async def test_message_put_into_the_outbox_is_sent_without_being_looked_for(
    clock: Clock, ada: User, bob: User, target: Receiver
) -> None:
    async with open_client(clock.ctx.services.settings) as client:
        sender = Sender(clock.ctx.services, client)
        running = asyncio.create_task(sender.run_for_ever())
        await told(clock.ctx, ada, bob, target.url)
        await comes_true(lambda: bool(target.heard))
        clock.ctx.services.hints.close()
        await running
        await sender.stop()
    assert [message["state"] for message in await outbox(clock.ctx)] == ["delivered"]


async def test_second_delivery_of_a_job_tells_nothing(clock: Clock, ada: User, bob: User, target: Receiver) -> None:
    job_id = await told(clock.ctx, ada, bob, target.url)
    with pytest.raises(Exception, match="already submitted"):
        await delivered(clock.ctx, bob, job_id)

    assert await send(clock.ctx) == 1
