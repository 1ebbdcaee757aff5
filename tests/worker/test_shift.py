"""What a worker does beyond one job after another: ahead of time, for several hordes, its owner, after a crash."""

import asyncio
import base64
import io
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import stamina
from PIL import Image

from horde.client import AsyncHorde, AsyncRequestHandle
from horde.wire.v2 import GenerateAsync
from horde.worker import control
from horde.worker.backends.base import BackendFailed, ImageAbilities, OutOfMemory, Progress
from horde.worker.main import Team, work
from horde.worker.owner import Owner
from tests.api.actors import MODEL, Json, picture
from tests.plugins.hordes import RunningHorde
from tests.worker.relay import relayed
from tests.worker.shifts import PATIENCE_S, Failing, Gated, on_shift, worker_settings


@pytest.fixture
async def requestor(horde: RunningHorde) -> AsyncIterator[AsyncHorde]:
    async with AsyncHorde(horde.url) as opened:
        yield opened


async def asked(requestor: AsyncHorde, *, prompt: str = "a stable", size: int = 64) -> AsyncRequestHandle:
    return await requestor.generate(prompt, width=size, height=size, steps=1)


async def until(holds: Callable[[], object]) -> None:
    """Wait until something is so."""
    async for attempt in stamina.retry_context(on=AssertionError, attempts=None, timeout=PATIENCE_S, wait_max=0.05):
        with attempt:
            assert holds()


async def being_made(requests: list[AsyncRequestHandle], many: int) -> None:
    """Wait until so many of them are handed out."""
    async for attempt in stamina.retry_context(on=AssertionError, attempts=None, timeout=PATIENCE_S, wait_max=0.05):
        with attempt:
            assert sum([(await request.check()).processing for request in requests]) == many


async def test_next_job_is_taken_shortly_before_the_machine_is_free(horde: RunningHorde, requestor: AsyncHorde) -> None:
    backend = Gated()
    requests = [await asked(requestor) for _ in range(3)]
    async with on_shift(worker_settings(horde.url, queue_size=1), backend):
        await backend.next_order()
        await being_made(requests, 1)
        backend.reports[0](Progress(share=0.999))
        await being_made(requests, 2)
        assert backend.orders.empty()  # taken, and not begun
        backend.gate.set()
        for request in requests:
            await request.wait(timeout_s=PATIENCE_S)


async def test_job_that_is_far_from_made_keeps_no_other_from_other_workers(
    horde: RunningHorde, requestor: AsyncHorde
) -> None:
    backend, other = Gated(), Gated(is_open=True)
    first = await asked(requestor)
    async with on_shift(worker_settings(horde.url, queue_size=1), backend):
        await backend.next_order()
        backend.reports[0](Progress(share=0.0))
        second = await asked(requestor)
        async with on_shift(worker_settings(horde.url, name="other"), other):
            await second.wait(timeout_s=PATIENCE_S)
        backend.gate.set()
        await first.wait(timeout_s=PATIENCE_S)


async def test_back_end_gets_the_source_picture_itself(horde: RunningHorde, requestor: AsyncHorde) -> None:
    backend = Gated(is_open=True)
    backend.abilities = ImageAbilities(models=(MODEL,), pixels_max=512 * 512, img2img=True)
    source = base64.b64encode(picture()).decode()
    request = await requestor.submit(GenerateAsync(prompt="a stable", models=[MODEL], source_image=source))
    async with on_shift(worker_settings(horde.url), backend):
        order = await backend.next_order()
        await request.wait(timeout_s=PATIENCE_S)

    assert order.sources is not None
    assert order.sources.picture is not None
    with Image.open(io.BytesIO(order.sources.picture)) as image:
        assert image.size == (64, 64)


async def test_picture_that_a_crash_kept_from_delivery_is_handed_in_by_the_next_start(
    horde: RunningHorde, requestor: AsyncHorde, tmp_path: Path
) -> None:
    backend = Gated()
    request = await asked(requestor)
    async with relayed(horde.url) as relay:
        settings = worker_settings(relay.url, data=tmp_path)
        crashing = asyncio.create_task(work(Team(Owner(settings), {"tested": backend})))
        await backend.next_order()
        relay.target = None
        relay.cut()
        backend.gate.set()
        await until(lambda: list((settings.data / "kept").glob("*.result")))
        crashing.cancel()
        await asyncio.gather(crashing, return_exceptions=True)
        relay.target = horde.url
        async with on_shift(settings, Gated()) as wishes:
            progress = await (await request.wait(timeout_s=PATIENCE_S)).check()
            await until(lambda: not list((settings.data / "kept").iterdir()))
            wishes.add()

    assert (progress.finished, progress.restarted) == (1, 0)


async def test_too_big_a_picture_makes_the_offer_smaller_and_is_made_elsewhere(
    horde: RunningHorde, requestor: AsyncHorde
) -> None:
    request = await asked(requestor, size=512)
    small = Failing(failures=1, error=OutOfMemory("the card has 4 GB"))
    async with on_shift(worker_settings(horde.url, name="small"), small):
        await small.next_order()
        async for attempt in stamina.retry_context(on=AssertionError, attempts=None, timeout=PATIENCE_S, wait_max=0.05):
            with attempt:
                (seen,) = await requestor.workers()
                assert seen.max_pixels == 512 * 512 * 3 // 4
        async with on_shift(worker_settings(horde.url, name="big"), Gated(is_open=True)):
            (image,) = await (await request.wait(timeout_s=PATIENCE_S)).images()

    assert image.worker_name == "big"


async def test_owner_is_told_why_a_job_failed(horde: RunningHorde, requestor: AsyncHorde) -> None:
    settings = worker_settings(horde.url)
    request = await asked(requestor)
    async with on_shift(settings, Failing(failures=1, error=BackendFailed("no such LoRA"))):
        await request.wait(timeout_s=PATIENCE_S)
        (where,) = control.running(settings.data)
        state = await asyncio.to_thread(control.tell, where, "status")
        # The requestor may have the picture before the worker has the answer to its delivery.
        async for attempt in stamina.retry_context(on=AssertionError, attempts=None, timeout=PATIENCE_S, wait_max=0.05):
            with attempt:
                state = await asyncio.to_thread(control.tell, where, "status")
                assert state.done_today == 1

    assert (state.last_fault, state.faults_today, state.done_today) == ("no such LoRA", 1, 1)
    assert state.kudos_today > 0


async def test_hordes_are_asked_in_their_order(horde: RunningHorde, shared_horde: RunningHorde) -> None:
    backend = Gated(is_open=True)
    other = {"url": shared_horde.url}
    settings = worker_settings(horde.url, name="of two hordes", other_hordes=[other])
    async with AsyncHorde(horde.url) as first, AsyncHorde(shared_horde.url) as second:
        mine, theirs = await asked(first, prompt="first"), await asked(second, prompt="second")
        async with on_shift(settings, backend):
            for request in (mine, theirs):
                await request.wait(timeout_s=PATIENCE_S)
            later = await asked(first, prompt="later")
            await later.wait(timeout_s=PATIENCE_S)

    assert [(await backend.next_order()).prompt for _ in range(3)] == ["first", "second", "later"]


async def test_owners_own_request_takes_the_machine_at_once(horde: RunningHorde, requestor: AsyncHorde) -> None:
    key = (await requestor.register("Ann")).api_key
    backend = Gated()
    theirs = await asked(requestor, prompt="theirs")
    settings = worker_settings(horde.url, api_key=key, local_first=True)
    async with AsyncHorde(horde.url, key) as owner, on_shift(settings, backend):
        assert (await backend.next_order()).prompt == "theirs"
        own = await asked(owner, prompt="own")
        assert (await backend.next_order()).prompt == "own"
        backend.gate.set()
        await own.wait(timeout_s=PATIENCE_S)
        progress = await (await theirs.wait(timeout_s=PATIENCE_S)).check()

    assert progress.restarted == 1


async def test_paused_worker_takes_nothing_and_goes_on_when_it_may(
    horde: RunningHorde, requestor: AsyncHorde, tmp_path: Path
) -> None:
    backend = Gated(is_open=True)
    settings = worker_settings(horde.url, data=tmp_path)
    first = await asked(requestor)
    async with on_shift(settings, backend):
        await first.wait(timeout_s=PATIENCE_S)
        (where,) = control.running(tmp_path)
        paused = await asyncio.to_thread(control.tell, where, "pause")
        assert paused.paused_for == "the owner paused it"
        resumed = await asyncio.to_thread(control.tell, where, "resume")
        assert resumed.paused_for == ""
        await (await asked(requestor)).wait(timeout_s=PATIENCE_S)


async def test_pop_that_waits_is_called_back_by_a_pause(
    horde: RunningHorde, requestor: AsyncHorde, tmp_path: Path
) -> None:
    paused, other = Gated(is_open=True), Gated(is_open=True)
    async with on_shift(worker_settings(horde.url, data=tmp_path, name="paused"), paused):
        async for attempt in stamina.retry_context(on=AssertionError, attempts=None, timeout=PATIENCE_S, wait_max=0.05):
            with attempt:
                assert await requestor.workers()
        (where,) = control.running(tmp_path)
        await asyncio.to_thread(control.tell, where, "pause")
        request = await asked(requestor)
        async with on_shift(worker_settings(horde.url, data=tmp_path, name="other"), other):
            (image,) = await (await request.wait(timeout_s=PATIENCE_S)).images()

    assert image.worker_name == "other"


async def test_owner_stops_it_from_another_terminal(horde: RunningHorde, tmp_path: Path) -> None:
    backend = Gated()
    working = asyncio.create_task(work(Team(Owner(worker_settings(horde.url, data=tmp_path)), {"tested": backend})))
    await until(lambda: control.running(tmp_path))
    (where,) = control.running(tmp_path)
    await asyncio.to_thread(control.tell, where, "stop")
    await asyncio.wait_for(working, PATIENCE_S)

    assert backend.closed == 1


async def test_requestor_sees_how_far_the_job_is(horde: RunningHorde, requestor: AsyncHorde) -> None:
    backend = Gated()
    request = await asked(requestor)
    seen: Json = {}
    async with on_shift(worker_settings(horde.url), backend):
        await backend.next_order()
        backend.reports[0](Progress(share=0.5, preview=picture(), text="half"))
        with horde.client() as client:
            path = f"/api/requests/{request.id}/progress"
            async for attempt in stamina.retry_context(
                on=AssertionError, attempts=None, timeout=PATIENCE_S, wait_max=0.05
            ):
                with attempt:
                    (seen,) = (await asyncio.to_thread(client.get, path)).json()
                    assert (seen["share"], seen["text"]) == (0.5, "half")
        backend.gate.set()
        await request.wait(timeout_s=PATIENCE_S)

    assert base64.b64decode(seen["preview"]) == picture()


async def test_job_that_nobody_wants_any_more_is_dropped_and_the_next_begun(
    horde: RunningHorde, requestor: AsyncHorde
) -> None:
    backend = Gated()
    first, second = await asked(requestor, prompt="first"), await asked(requestor, prompt="second")
    settings = worker_settings(horde.url)
    async with on_shift(settings, backend):
        assert (await backend.next_order()).prompt == "first"
        with horde.client() as client:  # another worker of this name, which holds nothing: the first one lost its job
            body = {"name": "tested worker", "models": ["any"], "max_pixels": 1, "held_jobs": []}
            (await asyncio.to_thread(client.post, "/api/v2/generate/pop", json=body)).raise_for_status()
        await first.cancel()
        backend.reports[0](Progress(share=0.5))
        assert (await backend.next_order()).prompt == "second"
        backend.gate.set()
        await second.wait(timeout_s=PATIENCE_S)
        (where,) = control.running(settings.data)
        state = await asyncio.to_thread(control.tell, where, "status")

    assert state.faults_today == 0
