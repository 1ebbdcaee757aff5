"""Hold a caller until what it waits for is there, hurried by a hint."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

from horde.server.context import Context
from horde.server.db import notify
from horde.server.db.notify import Bell, Work
from horde.server.matching.lanes import Lane, Lanes
from horde.server.workers.online import Member

T = TypeVar("T")

WAIT_S_MAX = 60.0
"""A waiting call is answered after this, before proxies cut it off."""
WORKERS = "workers"
"""Topic of every waiting worker, to end all their waits at once."""


def done(request_id: str) -> str:
    """Topic: a result of this request came in, or it ended."""
    return notify.done(request_id)


class Waiting:
    """The workers that wait for work at this process, the longest waiting first.

    Work wakes as many as there are jobs, of those who can do it: a herd that runs for one job costs all of them a look.
    """

    def __init__(self) -> None:
        self._workers: dict[Bell, Member] = {}
        self._by_model: defaultdict[tuple[str, str], dict[Bell, Member]] = defaultdict(dict)
        """By kind and model: who offers little and so waits longest is not asked about every job."""

    @contextmanager
    def worker(self, ctx: Context, member: Member) -> Iterator[Bell]:
        """A bell that rings for work that this worker can do."""
        with ctx.services.hints.bell(WORKERS) as bell:
            lines = [self._workers, *(self._by_model[member.worker.kind, model] for model in member.offer.models)]
            for line in lines:
                line[bell] = member
            try:
                yield bell
            finally:
                for line in lines:
                    del line[bell]

    def hear(self, lanes: Lanes, work: list[Work]) -> None:
        """Wake workers for work that waits now."""
        for lane_id, _, jobs in work:
            lane = lanes.get(lane_id)
            # A lane made elsewhere a moment ago is not known yet: whoever comes learns it.
            woken = 0
            for bell, member in self._offering(lane):
                if lane is None or _can_do(lanes, member, lane):
                    # Who was woken before, or is looking, may go away with something else: it does not count.
                    woken += bell.is_unrung
                    bell.ring()
                    if woken >= jobs and lane is not None:
                        break

    def _offering(self, lane: Lane | None) -> Iterator[tuple[Bell, Member]]:
        if lane is None or not lane.needs.models:
            return iter(self._workers.items())
        kind, models = lane.needs.kind, lane.needs.models
        if len(models) == 1:
            return iter(self._by_model.get((kind, models[0]), {}).items())
        offering = {bell for model in models for bell in self._by_model.get((kind, model), ())}
        return ((bell, member) for bell, member in self._workers.items() if bell in offering)


def _can_do(lanes: Lanes, member: Member, lane: Lane) -> bool:
    return member.worker.kind == lane.needs.kind and lanes.serves(member.match(lanes), member.offer, lane)


async def until_done(
    ctx: Context,
    request_id: str,
    look: Callable[[Context], Awaitable[T]],
    is_enough: Callable[[T], bool],
    *,
    wait_s: float,
    is_gone: asyncio.Event,
) -> T:
    """As `until`, for what becomes of a request."""
    with ctx.services.hints.bell(notify.done(request_id)) as bell:
        return await until(ctx, bell, look, is_enough, wait_s=wait_s, is_gone=is_gone)


async def until(
    ctx: Context,
    bell: Bell,
    look: Callable[[Context], Awaitable[T]],
    is_enough: Callable[[T], bool],
    *,
    wait_s: float,
    is_gone: asyncio.Event,
) -> T:
    """Call `look` until its answer is enough, and return its last answer.

    Ends early when the caller `is_gone` or the server stops. After the first time, `look` is never called for a caller
    who is known to be gone. `wait_s` is in seconds.
    """
    hints = ctx.services.hints
    deadline = ctx.now + timedelta(seconds=wait_s)
    watching = asyncio.create_task(_ring_when(is_gone, bell), name="watch caller")
    try:
        answer = await look(ctx)
        while not is_enough(answer) and not hints.is_closing:
            left_s = (deadline - Context.at_present(ctx.services).now).total_seconds()
            if left_s > 0 and not is_gone.is_set():
                await bell.wait(left_s)
            if left_s <= 0 or is_gone.is_set():
                break
            answer = await look(Context.at_present(ctx.services))
        return answer
    finally:
        watching.cancel()


async def _ring_when(event: asyncio.Event, bell: Bell) -> None:
    await event.wait()
    bell.ring()
