"""How far a request is, and when it will be done, as honestly as can be known."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import msgspec
import pytest

from horde.errors import RequestNotFound
from horde.kinds.image import ImageParams
from horde.server.accounts.users import User
from horde.server.requests.deliver import report_fault
from horde.server.requests.read import UP_TO_THE_NAMED, Progress, Status, progress, readable_requests, status
from horde.server.requests.survey import survey
from horde.server.status.models import models
from tests.plugins.hordes import Clock
from tests.server.builders import (
    CHARGED,
    SMALL,
    TAX,
    asked,
    change,
    delivered,
    leased,
    popped,
    user,
    worker,
)

THINGS = 512 * 512 * 50
"""Pixelsteps of one small image: 13.1 s for a worker of one megapixelstep a second."""


@pytest.fixture
async def ada(clock: Clock) -> User:
    """Who asks."""
    return await user(clock.ctx, "Ada", has=100)


@pytest.fixture
async def bob(clock: Clock) -> User:
    """Who serves."""
    return await user(clock.ctx, "Bob", has=0)


def counts(found: Progress) -> tuple[int, int, int, int]:
    return found.waiting, found.processing, found.finished, found.restarted


async def test_images_are_counted_from_waiting_to_finished(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, n=3)
    seen = [await progress(clock.ctx, request_id, kind="image")]
    first, second = (await popped(clock.ctx, bob, amount=2)).job_ids
    seen.append(await progress(clock.ctx, request_id, kind="image"))
    await delivered(clock.ctx, bob, first)
    await report_fault(clock.ctx, bob, second)
    seen.append(await progress(clock.ctx, request_id, kind="image"))
    for job_id in (await popped(clock.ctx, bob, amount=2)).job_ids:
        await delivered(clock.ctx, bob, job_id)
    seen.append(await progress(clock.ctx, request_id, kind="image"))

    assert [counts(found) for found in seen] == [(3, 0, 0, 0), (1, 2, 0, 0), (2, 0, 1, 1), (0, 0, 3, 1)]
    assert [found.is_done for found in seen] == [False, False, False, True]
    assert [found.charged for found in seen] == [TAX, TAX, TAX + CHARGED, TAX + 3 * CHARGED]


async def test_results_are_shown_as_soon_as_they_come_in_that_order(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, n=3, seed=5)
    job_ids = (await popped(clock.ctx, bob, "Atlas", amount=3)).job_ids
    for job_id in (job_ids[2], job_ids[0]):
        await delivered(clock.move(seconds=1), bob, job_id, seed=7, gen_metadata=["remark"])

    found = await status(clock.ctx, request_id, kind="image")

    assert [str(result.id) for result in found.results] == [job_ids[2], job_ids[0]]
    [first, _] = found.results
    assert (first.worker_name, first.model, first.seed, first.result_state) == ("Atlas", "stable_diffusion", 7, "ok")
    assert first.gen_metadata == ["remark"]
    assert found.progress.processing == 1


async def test_who_asks_for_results_at_the_same_time_as_others_look_gets_his_own(
    clock: Clock, ada: User, bob: User
) -> None:
    requests = [await asked(clock.ctx, ada, seed=seed) for seed in (1, 2)]
    for _ in requests:
        await delivered(clock.ctx, bob, (await popped(clock.ctx, bob)).job_ids[0])

    first, second, look, missing = await asyncio.gather(
        status(clock.ctx, requests[0], kind="image"),
        status(clock.ctx, requests[1], kind="image"),
        progress(clock.ctx, requests[0], kind="image"),
        status(clock.ctx, str(uuid4()), kind="image"),
        return_exceptions=True,
    )

    assert isinstance(missing, RequestNotFound)
    assert isinstance(look, Progress)
    assert counts(look) == (0, 0, 1, 0)
    assert isinstance(first, Status)
    assert isinstance(second, Status)
    assert [first.progress.id, second.progress.id] == requests
    assert len(first.results) == len(second.results) == 1
    assert first.results != second.results


async def test_request_that_does_not_exist_or_is_of_another_kind_is_not_found(clock: Clock, ada: User) -> None:
    request_id = await asked(clock.ctx, ada)

    for wrong_id, kind in ((str(uuid4()), "image"), ("no id", "image"), (request_id, "text")):
        with pytest.raises(RequestNotFound):
            await progress(clock.ctx, wrong_id, kind=kind)
        with pytest.raises(RequestNotFound):
            await status(clock.ctx, wrong_id, kind=kind)


# ----------------------------------------------------------------------------------- queue and waiting time
async def test_position_is_the_number_of_requests_up_to_ones_own(clock: Clock, bob: User) -> None:
    await worker(clock.ctx, bob)
    ids = [await asked(clock.ctx, await user(clock.ctx, has=kudos), n=4) for kudos in (10, 30, 20)]

    places = [(await progress(clock.ctx, request_id, kind="image")).queue_position for request_id in ids]

    assert places == [3, 1, 2]


async def test_position_and_time_are_0_when_nothing_waits(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada)
    await delivered(clock.ctx, bob, await leased(clock.ctx, bob))
    await asked(clock.ctx, ada)

    found = await progress(clock.ctx, request_id, kind="image")

    assert (found.queue_position, found.wait_s) == (0, 0)


async def test_time_is_the_work_before_ones_own_and_then_ones_own_with_no_more_threads_than_images(
    clock: Clock, ada: User
) -> None:
    rich = await user(clock.ctx, "Rich", has=10**6)
    await asked(clock.ctx, rich, n=10)
    request_id = await asked(clock.ctx, ada, n=2)
    await worker(clock.ctx, rich, "Atlas", threads=3)
    await worker(clock.ctx, rich, "Zeus", threads=1)
    await change(clock.ctx, "UPDATE workers SET speeds = '{3000000}' WHERE name = 'Atlas'")

    found = await progress(clock.ctx, request_id, kind="image")

    speed = (3 * 3_000_000 + 1 * 1_000_000) / 4  # of a thread
    assert found.wait_s == round(10 * THINGS / (speed * 4) + 2 * THINGS / (speed * 2))


async def test_time_reckons_with_no_more_threads_than_images_wait(clock: Clock, ada: User) -> None:
    request_id = await asked(clock.ctx, ada, n=2)
    await worker(clock.ctx, ada, threads=50)

    assert (await progress(clock.ctx, request_id, kind="image")).wait_s == 13


async def test_time_adds_what_is_left_of_the_job_that_will_end_last(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, n=2)
    await leased(clock.ctx, bob)
    await leased(clock.move(seconds=10), bob)

    waits = [(await progress(clock.move(seconds=1), request_id, kind="image")).wait_s for _ in range(14)]

    assert waits == [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]


async def test_nobody_online_means_no_time_can_be_told(clock: Clock, ada: User) -> None:
    request_id = await asked(clock.ctx, ada)

    found = await progress(clock.ctx, request_id, kind="image")

    assert (found.wait_s, found.queue_position, found.is_possible) == (0, 1, False)


async def test_request_is_possible_when_somebody_online_can_serve_it_or_already_does(
    clock: Clock, ada: User, bob: User
) -> None:
    request_id = await asked(clock.ctx, ada, n=2)

    async def is_possible() -> bool:
        return (await progress(clock.ctx, request_id, kind="image")).is_possible

    assert not await is_possible()
    await worker(clock.ctx, bob, "Zeus", models=("other",), nsfw=False)
    assert not await is_possible()
    await leased(clock.ctx, bob, "Atlas")
    assert await is_possible()
    clock.move(minutes=6)
    assert await is_possible()  # nobody is online, but one works on it


# ------------------------------------------------------------------------------------------- the queue as a whole
async def test_queue_is_counted_in_images(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, n=3)
    await asked(clock.ctx, ada, n=2)
    await popped(clock.ctx, bob)

    queue = await survey(clock.ctx)
    assert (queue.jobs("image"), queue.jobs("text")) == (4, 0)


async def test_request_counts_under_every_model_that_it_names(clock: Clock, ada: User) -> None:
    for n, names in ((3, ("one", "two")), (2, ("two",)), (1, ())):
        await asked(clock.ctx, ada, n=n, models=names, params=ImageParams(steps=SMALL.steps))

    found = {model.name: (model.jobs, model.queued) for model in await models(clock.ctx, "image")}

    assert found == {"one": (3, 3 * THINGS), "two": (5, 5 * THINGS)}


async def test_requests_of_a_user_are_listed_until_they_are_forgotten(clock: Clock, ada: User, bob: User) -> None:
    ids = [await asked(clock.ctx, ada), await asked(clock.ctx, ada)]
    await asked(clock.ctx, bob)
    await delivered(clock.ctx, bob, await leased(clock.ctx, bob, first_users=(ada.id,)))

    async with clock.ctx.database.transaction() as tx:
        assert [str(found) for found in await readable_requests(tx, ada.id, "image")] == ids
        assert await readable_requests(tx, ada.id, "text") == []


async def test_who_names_a_worker_that_serves_those_it_puts_first_is_told_so(
    clock: Clock, ada: User, bob: User
) -> None:
    atlas, zeus = await worker(clock.ctx, bob, "Atlas"), await worker(clock.ctx, ada, "Zeus", sizes={"pixels": 1})
    settings = msgspec.structs.replace(clock.ctx.services.settings, require_matched_targeting=True)
    ctx = replace(clock.ctx, services=replace(clock.ctx.services, settings=settings))
    ids = [
        await asked(ctx, asking, **changes)
        for asking, changes in (
            (ada, {"workers": (str(atlas.id),)}),
            (ada, {"workers": (str(zeus.id),), "worker_blacklist": True}),
            (ada, {}),
            (bob, {"workers": (str(atlas.id),)}),
        )
    ]

    found = [(await progress(ctx, request_id, kind="image")).explanation for request_id in ids]

    assert found == [UP_TO_THE_NAMED, None, None, None]
