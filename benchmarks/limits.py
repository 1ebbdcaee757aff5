"""`python -m benchmarks.limits`: what the limits cost a call, in processor time of this process.

The real middleware is called as the server calls it, around an application that only answers; what that costs by itself
is taken off. Rounds of both take turns, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
import tracemalloc
from itertools import count

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from horde.server.api.edge.counters import COUNTERS_MAX, Windows
from horde.server.api.edge.limits import RateLimits
from horde.server.api.edge.limits_table import MINUTE
from horde.server.app import create_app
from horde.server.settings import Settings

ROUNDS, CALLS = 200, 2_000
FACTOR = 1e9
"""Of every limit: a call that is refused costs something else."""
ADDRESSES = 5_000
"""Callers that take turns: more than a round has calls, so that none finds its own counter warm."""
ENDPOINTS = {
    "one limit": ("GET", "/api/v2/users"),
    "one limit by path": ("GET", "/api/v2/generate/check/8d7765db-e841-4a3a-83ca-e0e0b3962a28"),
    "three limits": ("POST", "/api/v2/generate/async"),
}


async def _answering(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _nothing(_message: Message) -> None:
    return


async def _round(app: ASGIApp, scopes: list[HTTPScope]) -> float:
    """Microseconds that a call took of the processor."""
    began = time.process_time()
    for scope in scopes:
        await app(scope, _nothing, _nothing)  # type: ignore[arg-type]  # nothing is received
    return (time.process_time() - began) / len(scopes) * 1e6


async def _measure() -> None:
    server = create_app(Settings(database_url="postgresql://nobody.asks/for-it"))
    limited = RateLimits(_answering, server, factor=FACTOR)
    numbers = count()
    for name, (method, path) in ENDPOINTS.items():
        costs = []
        for _ in range(ROUNDS):
            scopes = [_scope(method, path, next(numbers) % ADDRESSES) for _ in range(CALLS)]
            costs.append(await _round(limited, scopes) - await _round(_answering, scopes))
        middle, least = statistics.median(costs), min(costs)
        sys.stdout.write(f"{name:20}{middle:6.1f} us a call (the best of {ROUNDS} rounds: {least:.1f})\n")


def _scope(method: str, path: str, number: int) -> HTTPScope:
    headers = [(b"host", b"horde.example"), (b"apikey", b"0000000000"), (b"client-agent", b"measure:1:nobody")]
    address = f"192.0.{number // 250}.{number % 250}"
    return {  # type: ignore[typeddict-item]  # all that the middleware reads of one
        "type": "http", "method": method, "path": path, "headers": headers, "client": (address, 1)
    }  # fmt: skip


def _full_mb() -> float:
    """Megabytes of all counters of one length of windows, when there are as many as there may be."""
    tracemalloc.start()
    windows = Windows(MINUTE, size=COUNTERS_MAX)
    for number in range(COUNTERS_MAX):
        windows.count(hash((number, "some caller")), time.time())
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return taken / 1e6


if __name__ == "__main__":
    asyncio.run(_measure())
    sys.stdout.write(f"{COUNTERS_MAX:,} counters of one length of windows: {_full_mb():.0f} MB\n")
