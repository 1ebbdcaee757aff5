"""A crowd of requestors and workers that does full cycles on one server, in measured windows."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.actors import Market, Person, audit, register
from benchmarks.bench import Bench
from benchmarks.books import Books
from benchmarks.connections import connections
from benchmarks.measure import Round, window
from benchmarks.needs import EVERYTHING, NEEDS
from benchmarks.servers import Server


@dataclass(slots=True)
class Crowd:
    """As many requestors as workers, each with an account and a connection of its own."""

    server: Server
    market: Market
    requestors: Sequence[Person]
    workers: Sequence[Person]

    async def cycle(self, seconds: float, *, key: str | None = None) -> Round:
        """Do full cycles for some seconds; what is under way then is finished outside the window.

        With `key`, every requestor uses that one account.
        """
        requestors = [Person(one.connection, key or one.key) for one in self.requestors]
        needs = itertools.cycle(NEEDS)
        is_over = False

        async def request(person: Person) -> None:
            while not is_over:
                await self.market.request_one(person, next(needs))

        async def serve(person: Person) -> None:
            while True:
                await self.market.serve_one(person, EVERYTHING)

        async with asyncio.TaskGroup() as everybody:
            workers = [everybody.create_task(serve(person)) for person in self.workers]
            async with asyncio.TaskGroup() as asking:
                for person in requestors:
                    asking.create_task(request(person))
                measured = await window(self.server, lambda: self._received_within(seconds))
                is_over = True
            for worker in workers:
                worker.cancel()
        return measured

    async def _received_within(self, seconds: float) -> int:
        before = self.market.books.received
        await asyncio.sleep(seconds)
        return self.market.books.received - before


@asynccontextmanager
async def crowd(bench: Bench, server: Server) -> AsyncIterator[Crowd]:
    """A crowd on a server; leaving holds its books against the server's."""
    count = bench.plan.clients
    async with connections(server.port, 2 * count) as lines:
        market = Market(Books(), bench.pictures)
        keys = await register(market.tally, lines, 2 * count)
        people = [Person(line, key, f"bench worker {n}") for n, (line, key) in enumerate(zip(lines, keys, strict=True))]
        yield Crowd(server, market, people[:count], people[count:])
        await audit(market.books, lines[0])
