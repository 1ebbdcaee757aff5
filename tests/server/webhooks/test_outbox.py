"""What is told is written in the transaction that makes it true, for those alone who asked for it."""

from uuid import UUID, uuid5

import pytest

from horde.kinds.base import Webhook
from horde.server.accounts.users import User
from horde.server.requests.cancel import cancel
from horde.server.requests.deliver import report_fault
from horde.server.requests.expire import forget_expired
from horde.server.webhooks.outbox import KEPT_FOR, forget_old_messages
from tests.plugins.hordes import Clock
from tests.server.builders import asked, change, delivered, leased, one, user
from tests.server.webhooks.scene import outbox, told, webhook

URL = "https://receiver.example/hook"


@pytest.fixture
async def ada(clock: Clock) -> User:
    """Who asks."""
    return await user(clock.ctx, "Ada")


@pytest.fixture
async def bob(clock: Clock) -> User:
    """Who serves."""
    return await user(clock.ctx, "Bob", has=0)


async def test_done_job_is_told_in_the_words_of_the_reference(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, webhook=webhook(URL))
    job_id = await leased(clock.ctx, bob)
    remark = {"type": "censorship", "value": "nsfw"}
    await delivered(clock.ctx, bob, job_id, seed=77, state="censored", gen_metadata=[remark])

    [message] = await outbox(clock.ctx)
    assert message["body"] == {
        "seed": 77,
        "worker_id": str(await one(clock.ctx, "SELECT id FROM workers")),
        "worker_name": "Atlas",
        "model": "stable_diffusion",
        "id": job_id,
        "censored": True,
        "gen_metadata": [remark],
        "request": request_id,
        "kudos": 11.0,
    }
    assert (message["event"], message["url"], message["user_id"], message["state"]) == (
        "job.done", URL, ada.id, "waiting",
    )  # fmt: skip
    assert message["due_at"] == clock.now
    assert message["id"] == uuid5(UUID(job_id), "job.done")


async def test_nothing_is_written_for_who_has_no_webhook(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    await delivered(clock.ctx, bob, await leased(clock.ctx, bob))

    assert await outbox(clock.ctx) == []


async def test_delivery_that_is_rolled_back_tells_nothing(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, webhook=webhook(URL))
    job_id = await leased(clock.ctx, bob)
    refuse = """
    CREATE FUNCTION refuse_commit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'not today';
    END
    $$
    """
    await change(clock.ctx, refuse)
    await change(
        clock.ctx,
        "CREATE CONSTRAINT TRIGGER no_commit AFTER UPDATE ON jobs DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION refuse_commit()",
    )

    with pytest.raises(Exception, match="not today"):
        await delivered(clock.ctx, bob, job_id)

    assert await outbox(clock.ctx) == []
    assert await one(clock.ctx, "SELECT state FROM jobs") == "leased"

    await change(clock.ctx, "DROP TRIGGER no_commit ON jobs")
    await delivered(clock.ctx, bob, job_id)
    assert [message["event"] for message in await outbox(clock.ctx)] == ["job.done"]


async def test_each_job_is_told_and_the_request_once_when_all_are_done(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, n=2, webhook=webhook(URL, "job.done", "request.done"))
    first, second = await leased(clock.ctx, bob), await leased(clock.ctx, bob)
    await delivered(clock.ctx, bob, first)
    assert [message["event"] for message in await outbox(clock.ctx)] == ["job.done"]

    await delivered(clock.ctx, bob, second)

    messages = await outbox(clock.ctx)
    assert [message["event"] for message in messages] == ["job.done", "job.done", "request.done"]
    assert messages[2]["body"]["type"] == "request.done"
    assert messages[2]["body"]["data"] == {"request": request_id}


async def test_cancelled_request_is_not_told_as_done(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, n=2, webhook=webhook(URL, "request.done"))
    job_id = await leased(clock.ctx, bob)
    await cancel(clock.ctx, request_id, kind="image")
    await delivered(clock.ctx, bob, job_id)

    assert await outbox(clock.ctx) == []


@pytest.mark.parametrize("events", [("job.done",), ("request.faulted",)])
async def test_request_that_failed_too_often_is_told_to_who_wants_to_know(
    clock: Clock, ada: User, bob: User, events: tuple[str, ...]
) -> None:
    request_id = await asked(clock.ctx, ada, webhook=webhook(URL, *events))
    for name in ("Atlas", "Bello", "Cato"):
        await report_fault(clock.ctx, bob, await leased(clock.ctx, bob, name))

    messages = await outbox(clock.ctx)
    assert [message["event"] for message in messages] == [event for event in events if event == "request.faulted"]
    assert [message["body"]["data"] for message in messages] == [{"request": request_id}] * len(messages)


async def test_request_that_nobody_made_in_time_is_told(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, webhook=webhook(URL, "request.expired"))
    await forget_expired(clock.move(minutes=21))
    assert [message["event"] for message in await outbox(clock.ctx)] == ["request.expired"]


async def test_request_that_was_made_is_not_told_as_expired(clock: Clock, ada: User, bob: User) -> None:
    await told(clock.ctx, ada, bob, URL, "request.expired")
    assert await forget_expired(clock.move(hours=1)) == 1

    assert await outbox(clock.ctx) == []


async def test_messages_are_forgotten_a_week_later_but_not_while_they_are_to_be_sent(
    clock: Clock, ada: User, bob: User
) -> None:
    for _ in range(2):
        await told(clock.ctx, ada, bob, URL)
    heard, _ = await outbox(clock.ctx)
    await change(
        clock.ctx, "UPDATE webhook_deliveries SET state = 'delivered', due_at = NULL WHERE id = $1", id=heard["id"]
    )

    assert await forget_old_messages(clock.move(seconds=KEPT_FOR.total_seconds())) == 0
    assert await forget_old_messages(clock.move(seconds=1)) == 1
    assert [message["state"] for message in await outbox(clock.ctx)] == ["waiting"]


def test_default_of_events_is_what_the_reference_sends() -> None:
    assert Webhook(url=URL, base_url="").events == ("job.done",)
