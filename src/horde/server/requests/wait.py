"""Hold a caller until what it waits for is there, hurried by a hint."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from horde.server.context import Context
from horde.server.db import notify

T = TypeVar("T")

WORK = notify.WORK
"""Topic: something new waits in the queue."""

WAIT_S_MAX = 60.0
"""A waiting call is answered after this, before proxies cut it off."""


def done(request_id: str) -> str:
    """Topic: a result of this request came in, or it ended."""
    return notify.done(request_id)


async def until(
    ctx: Context,
    topic: str,
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
    with hints.bell(topic) as bell:
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


async def _ring_when(event: asyncio.Event, bell: notify.Bell) -> None:
    await event.wait()
    bell.ring()
