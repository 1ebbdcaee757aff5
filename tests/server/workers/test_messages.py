"""Messages reach the workers they are for, with every pop, until they expire or are deleted."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from horde.errors import AnonForbidden, BadInput, WorkerNotFound
from horde.errors.sharing import MessagesOnlyOwnWorkers, NotOwnMessages, TooManyMessages, WorkermessageNotFound
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.requests.pop import Idle, pop
from horde.server.workers.insight import Confidential, insights
from horde.server.workers.messages import (
    AT_ONCE_MAX,
    KEPT_FOR,
    delete_message,
    forget_old_messages,
    message,
    messages,
    told,
    write_message,
)
from horde.server.workers.roster import Worker
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, ask, asked, change, everything, popped, seldom_looking, user, worker


@pytest.fixture
async def ada(clock: Clock) -> User:
    """Who owns a worker."""
    return await user(clock.ctx, "Ada")


@pytest.fixture
async def atlas(clock: Clock, ada: User) -> Worker:
    """The worker."""
    return await worker(clock.ctx, ada)


@pytest.fixture
async def judge(clock: Clock) -> User:
    """A moderator."""
    return await user(clock.ctx, "Judge", is_moderator=True)


async def heard(ctx: Context, owner: User, name: str = "Atlas") -> list[tuple[str, str]]:
    """What a worker is told that gets no job."""
    answer = await pop(ctx, owner, ask(name))
    assert isinstance(answer, Idle)
    return [(notice.origin, notice.text) for notice in answer.notices]


async def words(ctx: Context, caller: User, **filters: Any) -> list[str]:
    return [one.message for one in await messages(ctx, caller, **filters)]


async def test_worker_is_told_what_is_for_it_and_for_all(clock: Clock, ada: User, atlas: Worker, judge: User) -> None:
    bob = await user(clock.ctx, "Bob")
    other = await worker(clock.ctx, bob, "Other")
    await write_message(clock.ctx, ada, " mind the <fan> ", worker_id=str(atlas.id), origin="ignored")
    await write_message(clock.move(seconds=1), judge, "for all", worker_id=None)
    await write_message(clock.move(seconds=1), judge, "for Other", worker_id=str(other.id), origin="The Horde")

    own = (str(ada.id), "mind the &lt;fan&gt;")
    assert await heard(clock.ctx, ada) == [own, (str(judge.id), "for all")]
    assert await heard(clock.ctx, bob, "Other") == [(str(judge.id), "for all"), ("The Horde", "for Other")]
    await asked(clock.ctx, bob)
    job = await popped(clock.ctx, ada)
    assert [(notice.origin, notice.text) for notice in job.notices] == [own, (str(judge.id), "for all")]


async def test_message_ends_with_its_time_or_when_it_is_deleted(clock: Clock, ada: User, atlas: Worker) -> None:
    short = await write_message(clock.ctx, ada, "short", worker_id=str(atlas.id), hours=1)
    usual = await write_message(clock.ctx, ada, "usual", worker_id=str(atlas.id))

    assert (short.expires_at, usual.expires_at) == (clock.now + timedelta(hours=1), clock.now + timedelta(hours=12))
    clock.move(hours=1)
    assert [text for _, text in await heard(clock.ctx, ada)] == ["usual"]
    await delete_message(clock.ctx, ada, str(usual.id))
    assert await heard(clock.ctx, ada) == []


async def test_remembered_messages_end_in_time_too_and_new_ones_are_seen_soon(
    clock: Clock, ada: User, atlas: Worker
) -> None:
    await write_message(clock.ctx, ada, "short", worker_id=str(atlas.id), hours=1)
    once = seldom_looking(clock.ctx, refresh_s=3600)
    assert len(await told(once, atlas.id)) == 1

    await write_message(clock.move(seconds=1), ada, "new", worker_id=str(atlas.id))

    assert [one.message for one in await told(once, atlas.id)] == ["short"]
    assert [one.message for one in await told(clock.ctx, atlas.id)] == ["short", "new"]
    later = seldom_looking(clock.move(hours=1), refresh_s=3600)
    assert [one.message for one in await told(later, atlas.id)] == ["new"]


async def test_who_may_not_write_is_refused(clock: Clock, ada: User, atlas: Worker) -> None:
    bob, nobody = await user(clock.ctx, "Bob"), await anonymous(clock.ctx)
    before = await everything(clock.ctx)

    for author, target, refusal in (
        (nobody, str(atlas.id), AnonForbidden), (bob, str(atlas.id), MessagesOnlyOwnWorkers),
        (ada, None, MessagesOnlyOwnWorkers), (ada, str(uuid4()), WorkerNotFound), (ada, "Atlas", WorkerNotFound),
    ):  # fmt: skip
        with pytest.raises(refusal):
            await write_message(clock.ctx, author, "x", worker_id=target)
    with pytest.raises(BadInput, match="empty"):
        await write_message(clock.ctx, ada, "  ", worker_id=str(atlas.id))
    with pytest.raises(BadInput, match="not for 721"):
        await write_message(clock.ctx, ada, "x", worker_id=str(atlas.id), hours=721)

    assert await everything(clock.ctx) == before


async def test_account_has_so_many_messages_shown_at_once(clock: Clock, ada: User, atlas: Worker, judge: User) -> None:
    for _ in range(AT_ONCE_MAX):
        await write_message(clock.ctx, ada, "x", worker_id=str(atlas.id), hours=1)

    with pytest.raises(TooManyMessages):
        await write_message(clock.ctx, ada, "y", worker_id=str(atlas.id))
    await write_message(clock.move(hours=1), ada, "y", worker_id=str(atlas.id))
    for _ in range(AT_ONCE_MAX + 1):
        await write_message(clock.ctx, judge, "z", worker_id=None)


async def test_each_reads_what_concerns_it_and_moderators_read_all(
    clock: Clock, ada: User, atlas: Worker, judge: User
) -> None:
    bob = await user(clock.ctx, "Bob")
    other = await worker(clock.ctx, bob, "Other")
    for author, text, target in (
        (ada, "own", atlas), (judge, "to Ada", atlas), (judge, "to all", None), (bob, "Bob's", other)
    ):  # fmt: skip
        await write_message(clock.move(seconds=1), author, text, worker_id=str(target.id) if target else None)

    assert await words(clock.ctx, ada) == ["to all", "to Ada", "own"]
    assert await words(clock.ctx, judge) == ["Bob's", "to all", "to Ada", "own"]
    assert await words(clock.ctx, ada, author=str(ada.id)) == ["own"]
    assert await words(clock.ctx, judge, author=str(bob.id), worker_id=str(other.id)) == ["Bob's"]
    assert await words(clock.ctx, ada, worker_id=str(other.id)) == []
    assert await words(clock.ctx, judge, author="x") == await words(clock.ctx, judge, worker_id="x") == []
    with pytest.raises(NotOwnMessages):
        await messages(clock.ctx, ada, author=str(bob.id))


async def test_messages_come_in_pages_by_whether_they_are_shown_still(clock: Clock, ada: User, atlas: Worker) -> None:
    for number in range(AT_ONCE_MAX):
        await write_message(clock.move(seconds=1), ada, str(number), worker_id=str(atlas.id), hours=1)
    clock.move(hours=2)
    await write_message(clock.ctx, ada, "new", worker_id=str(atlas.id))

    assert await words(clock.ctx, ada) == ["new"]
    assert (await words(clock.ctx, ada, validity="expired"))[0] == "49"
    assert (await words(clock.ctx, ada, validity="all"))[:2] == ["new", "49"]
    assert await words(clock.ctx, ada, validity="all", page=2) == ["0"]
    assert await words(clock.ctx, ada, page=0) == await words(clock.ctx, ada, page=10_001) == []


async def test_only_author_and_moderators_delete(clock: Clock, ada: User, atlas: Worker, judge: User) -> None:
    one = await write_message(clock.ctx, ada, "x", worker_id=str(atlas.id))
    two = await write_message(clock.ctx, judge, "x", worker_id=str(atlas.id))

    with pytest.raises(NotOwnMessages):
        await delete_message(clock.ctx, ada, str(two.id))
    await delete_message(clock.ctx, judge, str(one.id))
    for unknown in (str(one.id), "x"):
        with pytest.raises(WorkermessageNotFound):
            await message(clock.ctx, unknown)
        with pytest.raises(WorkermessageNotFound):
            await delete_message(clock.ctx, judge, unknown)


async def test_expired_message_is_kept_a_while_and_then_forgotten(clock: Clock, ada: User, atlas: Worker) -> None:
    one = await write_message(clock.ctx, ada, "x", worker_id=str(atlas.id), hours=1)

    assert await forget_old_messages(clock.move(hours=1, days=KEPT_FOR.days)) == 0
    assert await message(clock.ctx, str(one.id)) == one
    assert await forget_old_messages(clock.move(seconds=1)) == 1


async def test_insight_is_given_where_the_owner_wants_it_and_to_moderators(
    clock: Clock, ada: User, atlas: Worker
) -> None:
    one = await write_message(clock.ctx, ada, "x", worker_id=str(atlas.id))
    await change(clock.ctx, "UPDATE workers SET address = '203.0.114.7' WHERE id = $1", id=atlas.id)

    assert await insights(clock.ctx, [atlas], by_moderator=False) == {}
    found = (await insights(clock.ctx, [atlas], by_moderator=True))[atlas.id]
    assert (found.owner, found.messages) == (ada, [one])
    assert found.confidential == Confidential(id=atlas.id, address="203.0.114.7", points=0)
    await change(clock.ctx, "UPDATE users SET has_public_workers = true WHERE id = $1", id=ada.id)
    found = (await insights(clock.ctx, [atlas], by_moderator=False))[atlas.id]
    assert (found.owner.alias, found.messages, found.confidential) == (ada.alias, [one], None)
