"""Pictures that come along are in the storage before their request is in the queue, and nobody else's after it."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from horde.errors import HordeError, KudosUpfront, Overloaded, StorageFailed, TooManyPrompts
from horde.kinds.image import ImageParams
from horde.kinds.image_refusals import MoreThanMinExtraSourceImage, SourceImageUnreadable, TooManyExtraSourceImages
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.db.pool import Database, Tx
from horde.server.idempotency.keys import Key
from horde.server.requests.expire import forget_expired
from horde.server.requests.orders import Accepted
from horde.server.requests.sources import SentSources
from horde.server.requests.submit import submit
from horde.server.storage.objects import extra_source_key, mask_key, source_key
from tests.plugins.hordes import Clock
from tests.server.builders import draft, everything, look, picture, popped, user

PICTURE = base64.b64encode(picture("PNG")).decode()
ONE = SentSources(picture=PICTURE)
FEATURES = ["img2img", "extra_source_images"]


def paid_upfront(ctx: Context) -> Context:
    """The same node of a horde in which who asks for much must have the kudos."""
    settings = msgspec.structs.replace(ctx.services.settings, upfront_kudos="on")
    return replace(ctx, services=replace(ctx.services, settings=settings))


async def submitted(
    ctx: Context, requestor: User, sent: SentSources = ONE, key: Key | None = None, **changes: Any
) -> Accepted:
    """A request with pictures that was accepted."""
    asked = draft(
        source_processing=changes.pop("source_processing", "img2img"),
        has_source_mask=sent.mask is not None,
        extra_sources=len(sent.extras),
        **changes,
    )
    return await submit(ctx, requestor, asked, key, sent)


def names(ctx: Context) -> set[str]:
    """What lies in the storage."""
    return {path.name for path in ctx.services.settings.objects_dir.iterdir()}


@pytest.fixture
async def ada(clock: Clock) -> User:
    return await user(clock.ctx, is_trusted=True)


async def test_all_pictures_of_a_request_are_stored_under_its_id(clock: Clock, ada: User) -> None:
    sent = SentSources(picture=PICTURE, mask=PICTURE, extras=((PICTURE, 0.5), (PICTURE, 1.0)))

    accepted = await submitted(clock.ctx, ada, sent, source_processing="remix", models=("Stable Cascade 1.0",))

    keys = [f(accepted.id) for f in (source_key, mask_key)] + [extra_source_key(accepted.id, at) for at in (0, 1)]
    assert names(clock.ctx) == set(keys)
    job = await popped(clock.ctx, ada, features=FEATURES, models=("Stable Cascade 1.0",))
    assert job.sources
    assert (job.request_id, job.sources.keys(job.request_id)) == (accepted.id, keys)
    assert (job.sources.processing, job.sources.strengths) == ("remix", (0.5, 1.0))


async def test_request_without_pictures_has_none(clock: Clock, ada: User) -> None:
    await submit(clock.ctx, ada, draft())

    assert (await popped(clock.ctx, ada)).sources is None
    assert await look(clock.ctx, "SELECT sources FROM requests") == [{"sources": None}]


async def test_pictures_leave_with_their_request_and_with_no_other(clock: Clock, ada: User) -> None:
    early = await submitted(clock.ctx, ada, SentSources(picture=PICTURE, mask=PICTURE))
    clock.move(minutes=15)
    late = await submitted(clock.ctx, ada)

    assert await forget_expired(clock.move(minutes=10)) == 1

    assert names(clock.ctx) == {source_key(late.id)}
    assert early.id != late.id


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"n": 31}, TooManyPrompts),
        ({"n": 30, "params": ImageParams(steps=500)}, KudosUpfront),
        ({"extra_sources": 2}, MoreThanMinExtraSourceImage),
        ({"extra_sources": 6}, TooManyExtraSourceImages),
    ],
)
async def test_pictures_of_what_is_refused_anyway_are_not_looked_at(
    clock: Clock, changes: dict[str, Any], error: type[HordeError]
) -> None:
    ctx = paid_upfront(clock.ctx)
    bob = await user(ctx, "Bob")
    before = await everything(ctx)

    with pytest.raises(error):
        await submit(ctx, bob, draft(source_processing="img2img", **changes), sent=SentSources(picture="no picture"))

    assert await everything(ctx) == before
    assert names(ctx) == set()


async def test_request_that_is_made_smaller_keeps_its_picture(clock: Clock) -> None:
    ctx = paid_upfront(clock.ctx)
    bob = await user(ctx, "Bob", has=1)

    accepted = await submitted(ctx, bob, params=ImageParams(steps=500), allow_downgrade=True)

    assert names(ctx) == {source_key(accepted.id)}
    [row] = await look(ctx, "SELECT id, params ->> 'steps' AS steps FROM requests")
    assert (str(row["id"]), row["steps"]) == (accepted.id, "30")


@pytest.mark.parametrize("broken", ["picture", "mask", "extras"])
async def test_when_one_picture_is_refused_none_of_them_stays(clock: Clock, ada: User, broken: str) -> None:
    bad = {"picture": "bad", "mask": "bad", "extras": ((PICTURE, 1.0), ("bad", 1.0))}
    parts: dict[str, Any] = {"picture": PICTURE, "mask": PICTURE, "extras": ((PICTURE, 1.0),)}
    before = await everything(clock.ctx)

    with pytest.raises(SourceImageUnreadable):
        await submitted(
            clock.ctx,
            ada,
            SentSources(**parts | {broken: bad[broken]}),
            source_processing="remix",
            models=("Stable Cascade 1.0",),
        )

    assert names(clock.ctx) == set()
    assert await everything(clock.ctx) == before


async def test_picture_that_cannot_be_stored_is_no_accepted_request(clock: Clock, ada: User) -> None:
    clock.ctx.services.settings.objects_dir.rmdir()

    with pytest.raises(StorageFailed):
        await submitted(clock.ctx, ada)

    assert await look(clock.ctx, "SELECT FROM requests") == []


async def test_refusal_at_the_last_moment_leaves_no_picture(clock: Clock, ada: User) -> None:
    """Two calls that would both fit alone: the second is refused when it is added."""
    results = await asyncio.gather(*(submitted(clock.ctx, ada, n=16) for _ in range(2)), return_exceptions=True)

    [accepted] = [found for found in results if isinstance(found, Accepted)]
    assert [type(found) for found in results if found is not accepted] == [TooManyPrompts]
    assert names(clock.ctx) == {source_key(accepted.id)}


async def test_calls_with_the_same_key_at_once_are_one_request_with_one_picture(clock: Clock, ada: User) -> None:
    def key() -> Key:
        return Key.of(ada, "one", route="POST /x", body=b"x", address="")

    first, second = await asyncio.gather(*(submitted(clock.ctx, ada, key=key()) for _ in range(2)))

    assert first == second
    assert names(clock.ctx) == {source_key(first.id)}
    assert await submitted(clock.ctx, ada, SentSources(picture="not looked at again"), key()) == first


async def test_pictures_stay_when_nobody_knows_whether_the_request_was_accepted(
    clock: Clock, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection goes in the very moment of the commit, which the database had done."""
    whole = Database.transaction

    @asynccontextmanager
    async def breaks_off(database: Database) -> AsyncIterator[Tx]:
        async with whole(database) as tx:
            yield tx
        raise Overloaded

    with monkeypatch.context() as broken:
        broken.setattr(Database, "transaction", breaks_off)
        with pytest.raises(Overloaded):
            await submitted(clock.ctx, ada)

    [row] = await look(clock.ctx, "SELECT id FROM requests")
    assert names(clock.ctx) == {source_key(str(row["id"]))}
