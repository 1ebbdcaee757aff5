"""Work wakes those who can do it and no more of them than there are jobs, the longest waiting first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any

import pytest

from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.db.notify import POLL_S, Bell, News, Work
from horde.server.requests.deliver import report_fault
from horde.server.requests.lease import Popped
from horde.server.requests.pop import pop, pop_waiting
from horde.server.requests.wait import Waiting
from horde.server.workers.checkin import check_in
from tests.plugins.hordes import Clock
from tests.server.builders import ask, asked, comes_true, leased, said, user

LONG_S = 60.0


@pytest.fixture
async def bob(clock: Clock) -> User:
    """Who serves."""
    return await user(clock.ctx, "Bob")


class Crowd:
    """Workers that wait, in the order in which they came."""

    def __init__(self, ctx: Context, owner: User, stack: ExitStack) -> None:
        self._ctx, self._owner, self._stack = ctx, owner, stack
        self._bells: dict[str, Bell] = {}
        self._waits: dict[str, asyncio.Task[None]] = {}

    async def come(self, name: str, **changes: Any) -> None:
        """Wait for work from now on."""
        member = await check_in(self._ctx, self._owner, said(name, **changes))
        self._bells[name] = self._stack.enter_context(self._ctx.remembered(Waiting).worker(self._ctx, member))
        self._waits[name] = asyncio.create_task(self._bells[name].wait(LONG_S))
        await asyncio.sleep(0)

    async def woken(self) -> list[str]:
        """Who was woken since they began to wait."""
        for _ in range(3):
            await asyncio.sleep(0)
        return [name for name, waiting in self._waits.items() if waiting.done()]

    def leave(self) -> None:
        for waiting in self._waits.values():
            waiting.cancel()


@pytest.fixture
async def crowd(clock: Clock, bob: User) -> AsyncIterator[Crowd]:
    """Nobody yet."""
    with ExitStack() as stack:
        found = Crowd(clock.ctx, bob, stack)
        try:
            yield found
        finally:
            found.leave()


async def test_work_wakes_only_workers_that_can_do_it(clock: Clock, bob: User, crowd: Crowd) -> None:
    await crowd.come("Other", models=("two",))
    await crowd.come("Small", sizes={"pixels": 64 * 64})
    await crowd.come("Able", models=("one",))

    await asked(clock.ctx, bob, n=3, models=("one",))

    assert await crowd.woken() == ["Able"]


async def test_work_for_listed_workers_wakes_only_them(clock: Clock, bob: User, crowd: Crowd) -> None:
    for name in ("First", "Named", "Last"):
        await crowd.come(name)
    named = (await check_in(clock.ctx, bob, said("Named"))).worker

    await asked(clock.ctx, bob, n=3, workers=(str(named.id),))

    assert await crowd.woken() == ["Named"]


@pytest.mark.parametrize("jobs", [1, 2, 3])
async def test_work_wakes_as_many_as_there_are_jobs_the_longest_waiting_first(
    clock: Clock, bob: User, crowd: Crowd, jobs: int
) -> None:
    for name in ("First", "Second", "Third", "Fourth"):
        await crowd.come(name)

    await asked(clock.ctx, bob, n=jobs)

    assert await crowd.woken() == ["First", "Second", "Third"][:jobs]


async def test_requests_that_come_together_wake_a_worker_each(clock: Clock, bob: User, crowd: Crowd) -> None:
    for name in ("First", "Second", "Third"):
        await crowd.come(name)

    await asyncio.gather(asked(clock.ctx, bob), asked(clock.ctx, bob))

    assert await crowd.woken() == ["First", "Second"]


async def test_worker_that_was_woken_and_is_looking_is_not_counted_on_for_the_next(
    clock: Clock, bob: User, crowd: Crowd
) -> None:
    for name in ("First", "Second", "Third"):
        await crowd.come(name)

    await asked(clock.ctx, bob)
    assert await crowd.woken() == ["First"]
    await asked(clock.ctx, bob)

    assert await crowd.woken() == ["First", "Second"]


async def test_job_that_is_given_back_wakes_a_worker(clock: Clock, bob: User, crowd: Crowd) -> None:
    await asked(clock.ctx, bob)
    job_id = await leased(clock.ctx, bob, "Failing")
    for name in ("First", "Second"):
        await crowd.come(name)

    await report_fault(clock.ctx, bob, job_id)

    assert await crowd.woken() == ["First"]


async def test_work_in_a_lane_that_is_not_known_here_wakes_all_who_may_learn_it(clock: Clock, crowd: Crowd) -> None:
    for name in ("First", "Second"):
        await crowd.come(name)

    clock.ctx.services.hints.tell(News(work=[Work(lane_id=10**6, rank=0, jobs=1)]))

    assert await crowd.woken() == ["First", "Second"]


async def test_workers_that_wait_get_what_comes_soon(clock: Clock, bob: User) -> None:
    ctx = Context.at_present(clock.ctx.services)
    waiting = [
        asyncio.create_task(pop_waiting(ctx, bob, ask(name), verb=pop, wait_s=LONG_S, is_gone=asyncio.Event()))
        for name in ("First", "Second", "Third")
    ]
    await comes_true(lambda: len(ctx.remembered(Waiting)._workers) == 3)

    await asyncio.gather(*[asked(Context.at_present(ctx.services), bob) for _ in range(3)])

    async with asyncio.timeout(POLL_S / 2):
        answers = await asyncio.gather(*waiting)
    assert all(isinstance(answer, Popped) for answer in answers)
