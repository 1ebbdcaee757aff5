"""A back end in a child process: its work comes back, and whatever befalls it costs one order."""

import asyncio
import os
import signal

import psutil
import pytest

from horde.worker.backends.base import BackendFailed, OutOfMemory, Progress
from horde.worker.child.host import Patience
from tests.worker.child.orders import PATIENCE, Working, order, pid_of, started

KILLS = 50


def silent(_progress: object) -> None:
    """For orders whose progress nobody looks at."""


async def test_results_come_back_in_the_order_of_seeds_with_progress_before() -> None:
    async with started() as children:
        progress: list[Progress] = []
        pictures = await children.generate(order("draw", seeds=(3, 1, 2)), progress.append)

        assert [picture.seed for picture in pictures] == [3, 1, 2]
        assert {int(picture.picture) for picture in pictures} == set(children.pids) != {os.getpid()}
        assert [(told.share, told.preview) for told in progress] == [(0.1, None), (0.5, b"half")]
        assert children.abilities.models == ("obedience",)


async def test_order_of_many_megabytes_passes() -> None:
    async with started() as children:
        await children.generate(order("draw", payload={"source": b"\x00" * 20_000_000}), silent)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("crash", f"died with signal {signal.SIGSEGV:d}"),
        ("leave", "ended with status 3"),
        ("spoil_the_pipe", "said what is no message: a message of 4294967295 bytes was announced"),
    ],
)
async def test_child_that_ends_costs_its_order_and_another_takes_the_next(prompt: str, words: str) -> None:
    async with started() as children:
        before = await pid_of(children)
        with pytest.raises(BackendFailed, match=words):
            await children.generate(order(prompt), silent)

        assert await pid_of(children) != before


async def test_child_killed_in_the_middle_of_fifty_orders_is_replaced_each_time() -> None:
    async with started() as children:
        seen = {await pid_of(children)}
        for _ in range(KILLS):
            working = Working(children, "hang")
            await working.begun()
            os.kill(children.pids[0], signal.SIGKILL)
            with pytest.raises(BackendFailed, match=r"died with signal 9 \(perhaps the system ran out of memory\)"):
                await working.task
            seen.add(await pid_of(children))

    assert len(seen) == KILLS + 1
    assert not any(psutil.pid_exists(pid) for pid in seen)


async def test_child_killed_while_it_is_idle_costs_nothing() -> None:
    gone = asyncio.Event()

    async def sleep(_pause_s: float) -> None:
        gone.set()

    async with started(sleep=sleep) as children:
        before = await pid_of(children)
        os.kill(before, signal.SIGKILL)
        await gone.wait()
        await children.ready()

        assert await pid_of(children) != before


@pytest.mark.parametrize(
    ("prompt", "error", "words"),
    [
        ("raise_something", BackendFailed, "^ValueError: there is no such scheduler$"),
        ("refuse", BackendFailed, "^no model of this name lies here$"),
        ("be_too_big", OutOfMemory, "^4096x4096 needs 90 GB, and there are 8 GB$"),
        ("eat_memory", OutOfMemory, "MemoryError"),
    ],
)
async def test_order_that_fails_says_why_and_leaves_the_child_alive(
    prompt: str, error: type[BackendFailed], words: str
) -> None:
    async with started() as children:
        before = await pid_of(children)
        with pytest.raises(error, match=words) as raised:
            await children.generate(order(prompt), silent)

        assert type(raised.value) is error
        assert await pid_of(children) == before


async def test_cancelled_order_ends_at_its_next_step_and_the_child_goes_on() -> None:
    async with started() as children:
        working = Working(children, "step")
        await working.begun()
        before = children.pids
        working.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working.task

        assert (await pid_of(children),) == before


async def test_cancelled_order_that_hangs_is_killed() -> None:
    async with started(patience=Patience(load_s_max=60, stop_s_max=0.05)) as children:
        working = Working(children, "hang")
        await working.begun()
        before = await asyncio.to_thread(psutil.Process, children.pids[0])
        working.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working.task

        assert await pid_of(children) != before.pid
        assert not before.is_running()


@pytest.mark.parametrize("prompt", ["chatter", "read_input"])
async def test_what_a_library_does_to_stdin_and_stdout_disturbs_nothing(prompt: str) -> None:
    async with started() as children:
        before = await pid_of(children)
        assert len(await children.generate(order(prompt), silent)) == 1

        assert await pid_of(children) == before


async def test_progress_says_which_machine_it_is_of_also_after_its_child_was_started_again() -> None:
    async with started(settings=[{}, {}]) as children:
        first, second = Working(children, "step"), Working(children, "step")
        await first.begun()
        await second.begun()
        assert (first.progress[0].machine, second.progress[0].machine) == (0, 1)

        os.kill(children.pids[0], signal.SIGKILL)
        with pytest.raises(BackendFailed):
            await first.task
        again = Working(children, "step")
        await again.begun()
        assert again.progress[0].machine == 0
        for working in (second, again):
            working.task.cancel()
        await asyncio.gather(second.task, again.task, return_exceptions=True)


async def test_children_work_at_the_same_time_and_outlive_each_other() -> None:
    async with started(settings=[{}, {}]) as children:
        assert children.abilities.parallel == 2
        first, second = Working(children, "step"), Working(children, "hang")
        await first.begun()
        await second.begun()
        first.task.cancel()

        assert await pid_of(children) in children.pids
        assert not second.task.done()
        second.task.cancel()
        await asyncio.gather(first.task, second.task, return_exceptions=True)


async def test_signals_that_all_processes_of_a_service_get_are_left_to_the_worker() -> None:
    async with started() as children:
        before = children.pids
        working = Working(children, "step")
        await working.begun()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(before[0], number)
        working.task.cancel()

        assert (await pid_of(children),) == before


async def test_pauses_before_a_child_is_started_again_double_until_an_order_is_done(tmp_path: object) -> None:
    pauses = []

    async def sleep(pause_s: float) -> None:
        pauses.append(pause_s)

    settings = {"diary": f"{tmp_path}/diary", "refusals": 8}
    async with started("WilledOnce", [settings], sleep=sleep) as children:
        for _ in range(2):
            with pytest.raises(BackendFailed):
                await children.generate(order("leave"), silent)
            await children.ready()
            await pid_of(children)

    assert pauses == [0, 1, 3, 7, 15, 31, 60, 60, 60, 0]


async def test_fewer_orders_at_a_time_are_offered_while_a_child_is_gone() -> None:
    gone, back = asyncio.Event(), asyncio.Event()

    async def sleep(_pause_s: float) -> None:
        gone.set()
        await back.wait()

    async with started(settings=[{}, {}], patience=PATIENCE, sleep=sleep) as children:
        os.kill(children.pids[0], signal.SIGKILL)
        await gone.wait()
        assert children.abilities.parallel == 1
        assert await pid_of(children) in children.pids
