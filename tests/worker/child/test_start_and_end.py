"""Children begin with the worker, or say why not, and end with it, however it ends."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap

import psutil
import pytest

from horde.worker.backends.base import BackendFailed
from horde.worker.child.host import Patience
from tests.plugins.data_dirs import words_of
from tests.worker.child.orders import PATIENCE, Working, started


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("refuse", "cannot be loaded: no model of this name lies here"),
        ("raise_something", "cannot be loaded: ValueError: there is no such scheduler"),
        ("crash", f"died with signal {signal.SIGSEGV:d} while it loaded"),
        ("leave", "ended with status 3 while it loaded"),
        ("spoil_the_pipe", "said what is no message"),
        ("nothing_of_this_name", "AttributeError"),
    ],
)
async def test_engine_that_cannot_be_loaded_says_why_and_leaves_no_process(way: str, words: str) -> None:
    with pytest.raises(BackendFailed, match=words):
        async with started("Unwilling", [{"way": way}]):
            pytest.fail("it was started")

    assert children_of_ours() == []


async def test_engine_that_hangs_while_it_loads_is_given_up() -> None:
    with pytest.raises(BackendFailed, match=r"the back end was not ready within 0\.5 s"):
        async with started("Unwilling", [{"way": "hang"}], patience=Patience(load_s_max=0.5)):
            pytest.fail("it was started")

    assert children_of_ours() == []


async def test_one_child_that_cannot_be_loaded_ends_those_that_can() -> None:
    with pytest.raises(BackendFailed, match="cannot be loaded: no model of this name lies here"):
        async with started("Unwilling", [{"way": "draw"}, {"way": "refuse_late"}]):
            pytest.fail("it was started")

    assert children_of_ours() == []


async def test_close_ends_a_child_in_the_middle_of_an_order() -> None:
    async with started() as children:
        working = Working(children, "hang")
        await working.begun()

    assert children_of_ours() == []
    with pytest.raises(BackendFailed, match="ended with status 0"):
        await working.task


async def test_close_while_a_dead_child_waits_for_its_turn_leaves_no_process() -> None:
    waiting = asyncio.Event()

    async def sleep(_pause_s: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    async with started(patience=PATIENCE, sleep=sleep) as children:
        os.kill(children.pids[0], signal.SIGKILL)
        await waiting.wait()

    assert children_of_ours() == []


@pytest.mark.parametrize("prompt", ["hang", "step", "draw"])
def test_child_ends_when_its_worker_is_killed(prompt: str) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER.format(prompt=prompt)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    pid = int(worker.stdout.readline())
    assert psutil.pid_exists(pid)

    worker.kill()

    worker.communicate(timeout=30)  # ends only with the child, which holds the error stream of the worker too


WORKER = textwrap.dedent(
    """
    import asyncio
    from tests.worker.child.orders import Working, started

    async def work():
        async with started() as children:
            working = Working(children, "{prompt}")
            await working.begun()
            print(children.pids[0], flush=True)
            await asyncio.Event().wait()

    asyncio.run(work())
    """
)


def children_of_ours() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "horde.worker.child" in " ".join(words_of(child))]
