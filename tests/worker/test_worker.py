"""A worker against a real server: what it takes it ends, hands back, or hands in later; nothing is lost."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import stamina

from horde.client import AsyncHorde, AsyncRequestHandle
from horde.errors import AnonForbiddenWorker, InvalidAPIKey
from horde.server.settings import Settings as ServerSettings
from horde.worker.backends.base import BackendFailed
from horde.worker.main import Team, work
from horde.worker.owner import Owner
from tests.plugins.hordes import RunningHorde, running, without_anonymous_workers
from tests.worker.relay import relayed
from tests.worker.shifts import PATIENCE_S, Failing, Gated, Scribbling, on_shift, worker_settings


@pytest.fixture
async def requestor(horde: RunningHorde) -> AsyncIterator[AsyncHorde]:
    async with AsyncHorde(horde.url) as opened:
        yield opened


async def asked(requestor: AsyncHorde, *, n: int = 1, seed: int | None = None) -> AsyncRequestHandle:
    return await requestor.generate("a stable", width=64, height=64, steps=1, n=n, seed=seed)


async def restarted(request: AsyncRequestHandle, times: int) -> None:
    """Wait until that many of its jobs went back to the queue."""
    async for attempt in stamina.retry_context(on=AssertionError, attempts=None, timeout=PATIENCE_S, wait_max=0.05):
        with attempt:
            assert (await request.check()).restarted == times


async def test_requestor_hears_why_a_request_was_given_up(horde: RunningHorde, requestor: AsyncHorde) -> None:
    request = await asked(requestor)
    for failures in (1, 2, 3):
        async with on_shift(worker_settings(horde.url), Failing(1, BackendFailed("there is no paint"))):
            await restarted(request, failures)

    found = await request.check()
    assert found.faulted
    assert found.explanation == (
        "It failed too often, so nobody tries it again. The last worker, tested worker, said: there is no paint"
    )


async def test_job_is_made_and_delivered(horde: RunningHorde, requestor: AsyncHorde) -> None:
    request = await asked(requestor, seed=41)
    async with on_shift(worker_settings(horde.url), Gated(is_open=True)):
        (image,) = await (await request.wait(timeout_s=PATIENCE_S)).images()

    assert image.worker_name == "tested worker"
    assert image.seed == "41"


async def test_batch_is_made_in_one_go_with_a_seed_for_each_picture(horde: RunningHorde, requestor: AsyncHorde) -> None:
    backend = Gated(images_max=4, is_open=True)
    request = await asked(requestor, n=3, seed=100)
    async with on_shift(worker_settings(horde.url), backend):
        images = await (await request.wait(timeout_s=PATIENCE_S)).images()

    assert {image.seed for image in images} == {"103", "104", "105"}
    assert (await backend.next_order()).seeds == (103, 104, 105)
    assert backend.orders.empty()


async def test_waiting_pop_brings_work_as_soon_as_there_is_some(horde: RunningHorde, requestor: AsyncHorde) -> None:
    backend = Gated(is_open=True)
    async with on_shift(worker_settings(horde.url), backend):
        for _ in range(3):
            await (await asked(requestor)).wait(timeout_s=PATIENCE_S)

    # Three requests, one after the other, without three pauses of an idle worker: the pops were held.
    assert backend.orders.qsize() == 3


async def test_second_job_is_taken_while_the_first_is_made_but_no_third(
    horde: RunningHorde, requestor: AsyncHorde
) -> None:
    backend = Gated()
    requests = [await asked(requestor) for _ in range(3)]
    async with on_shift(worker_settings(horde.url, threads=2), backend):
        await backend.next_order()
        await backend.next_order()
        checks = [await request.check() for request in requests]
        assert sum(check.processing for check in checks) == 2
        assert sum(check.waiting for check in checks) == 1
        assert backend.orders.empty()
        backend.gate.set()
        for request in requests:
            await request.wait(timeout_s=PATIENCE_S)


async def test_failure_of_the_back_end_costs_one_job_and_not_the_worker(
    horde: RunningHorde, requestor: AsyncHorde
) -> None:
    request = await asked(requestor)
    async with on_shift(worker_settings(horde.url), Failing(failures=1)):
        progress = await (await request.wait(timeout_s=PATIENCE_S)).check()

    assert progress.restarted == 1
    assert progress.finished == 1


async def test_stop_lets_a_job_end_and_hands_it_in(horde: RunningHorde, requestor: AsyncHorde) -> None:
    backend = Gated()
    request = await asked(requestor)
    async with on_shift(worker_settings(horde.url), backend) as wishes:
        await backend.next_order()
        wishes.add()
        await asyncio.sleep(0)
        backend.gate.set()
        await request.wait(timeout_s=PATIENCE_S)

    assert backend.closed == 1


@pytest.mark.parametrize(("grace_s", "wishes_to_stop"), [(0.0, 1), (600.0, 2)])
async def test_stop_hands_back_what_takes_too_long_or_at_once_in_a_hurry(
    horde: RunningHorde, requestor: AsyncHorde, grace_s: float, wishes_to_stop: int
) -> None:
    backend = Gated()
    request = await asked(requestor)
    async with on_shift(worker_settings(horde.url, grace_s=grace_s), backend) as wishes:
        await backend.next_order()
        for _ in range(wishes_to_stop):
            wishes.add()
        await restarted(request, 1)

    assert (await request.check()).waiting == 1


async def test_next_worker_of_the_same_name_frees_the_jobs_of_one_that_was_killed(
    horde: RunningHorde, requestor: AsyncHorde
) -> None:
    request = await asked(requestor)
    with horde.client() as client:
        taken = client.post("/api/v2/generate/pop", json={"name": "tested worker", "models": ["stable_diffusion"]})
        assert taken.json()["id"]
    async with on_shift(worker_settings(horde.url), Gated(is_open=True)):
        progress = await (await request.wait(timeout_s=PATIENCE_S)).check()

    assert progress.restarted == 1


async def test_late_picture_is_dropped_and_the_worker_goes_on(horde: RunningHorde, requestor: AsyncHorde) -> None:
    backend = Gated()
    request = await asked(requestor)
    async with on_shift(worker_settings(horde.url), backend):
        await backend.next_order()
        with horde.client() as client:  # a second worker of this name, which holds nothing
            body = {"name": "tested worker", "models": ["any"], "max_pixels": 1, "held_jobs": []}
            client.post("/api/v2/generate/pop", json=body).raise_for_status()
        await restarted(request, 1)
        backend.gate.set()
        progress = await (await request.wait(timeout_s=PATIENCE_S)).check()

    assert (progress.finished, progress.restarted) == (1, 1)


async def test_picture_that_the_horde_refuses_goes_back_to_the_queue(
    horde: RunningHorde, requestor: AsyncHorde
) -> None:
    request = await asked(requestor)
    async with on_shift(worker_settings(horde.url), Scribbling()):
        await restarted(request, 1)


async def test_finished_picture_is_handed_in_after_the_server_was_away(
    horde: RunningHorde, requestor: AsyncHorde
) -> None:
    backend = Gated()
    request = await asked(requestor)
    async with relayed(horde.url) as relay, on_shift(worker_settings(relay.url), backend):
        await backend.next_order()
        relay.target = None
        relay.cut()
        backend.gate.set()
        await asyncio.wait_for(relay.turned_away.wait(), PATIENCE_S)
        assert (await request.check()).finished == 0
        relay.target = horde.url
        progress = await (await request.wait(timeout_s=PATIENCE_S)).check()

    assert progress.restarted == 0
    assert backend.orders.empty()


async def test_worker_goes_on_with_a_server_that_was_restarted(horde: RunningHorde, requestor: AsyncHorde) -> None:
    async with relayed(horde.url) as relay, on_shift(worker_settings(relay.url), Gated(is_open=True)):
        await (await asked(requestor)).wait(timeout_s=PATIENCE_S)
        with running(horde.settings) as second:
            relay.target = second.url
            relay.cut()
            await (await asked(requestor)).wait(timeout_s=PATIENCE_S)


async def test_worker_that_starts_before_its_server_waits_for_it(horde: RunningHorde, requestor: AsyncHorde) -> None:
    request = await asked(requestor)
    async with relayed(None) as relay, on_shift(worker_settings(relay.url), Gated(is_open=True)):
        await asyncio.wait_for(relay.turned_away.wait(), PATIENCE_S)
        relay.target = horde.url
        await request.wait(timeout_s=PATIENCE_S)


async def test_wrong_key_ends_the_worker_with_the_reason(horde: RunningHorde) -> None:
    backend = Gated()
    with pytest.raises(InvalidAPIKey):
        await asyncio.wait_for(
            work(Team(Owner(worker_settings(horde.url, api_key="nonsense")), {"tested": backend})), PATIENCE_S
        )

    assert backend.closed == 1


async def test_horde_that_takes_no_anonymous_workers_says_so(settings: ServerSettings) -> None:
    with running(without_anonymous_workers(settings)) as horde, pytest.raises(AnonForbiddenWorker):
        await asyncio.wait_for(work(Team(Owner(worker_settings(horde.url)), {"tested": Gated()})), PATIENCE_S)
