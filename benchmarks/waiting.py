"""A server with a backlog of known size, and everybody who is needed to keep it that size."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks import calls
from benchmarks.actors import Person, Tally, audit, enqueue, enter_pop, hand_in, register, together
from benchmarks.bench import Bench
from benchmarks.books import Books, Entry, Violated
from benchmarks.connections import Connection, connections
from benchmarks.measure import Round, window
from benchmarks.needs import EVERYTHING, NEEDS, Offer
from benchmarks.servers import Server, horde_server

PER_ACCOUNT = 30
"""How many requests of one account may wait; everybody starts with this (contract/api-v2.md)."""
POP_TRIES = 100
POPPERS = 4
"""Workers that pop at once while latency is measured."""


@dataclass(slots=True)
class Backlog:
    """Requests that wait on one server."""

    server: Server
    bench: Bench
    lines: list[Connection]
    owners: list[str]
    """A key for each connection; their workers pop."""
    books: Books = field(default_factory=Books)
    tally: Tally = field(default_factory=Tally)
    _asked: int = 0

    async def fill_to(self, count: int) -> Round:
        """Let so many requests wait, over all needs in turn, 30 of each account. Unit: one request."""
        first, self._asked = self._asked, count
        keys = await register(self.tally, self.lines, -(-(count - first) // PER_ACCOUNT))
        left = iter(range(first, count))

        async def ask(connection: Connection) -> None:
            for number in left:
                key = keys[(number - first) // PER_ACCOUNT]
                await enqueue(self.books, self.tally, connection, key, NEEDS[number % len(NEEDS)])

        async def work() -> int:
            await together(self.lines, ask)
            return count - first

        return await window(self.server, work)

    async def pop_latencies(self, offer: Offer, *, pops: int) -> list[float]:
        """Seconds that pops took, four at once; after each four the jobs are delivered and asked for anew."""
        latencies = list[float]()
        while len(latencies) < pops:
            popped = await asyncio.gather(*(self._pop(person, offer) for person in self._poppers(offer)))
            latencies += [seconds for _, _, seconds in popped]
            await asyncio.gather(*(self._finish(person, entry, is_replaced=True) for person, entry, _ in popped))
        return latencies

    async def drain(self) -> None:
        """Deliver everything, until nothing waits."""
        while self.books.waiting:
            (person, entry, _) = await self._pop(self._poppers(EVERYTHING)[0], EVERYTHING)
            await self._finish(person, entry, is_replaced=False)

    def _poppers(self, offer: Offer) -> list[Person]:
        pairs = list(zip(self.lines, self.owners, strict=True))[:POPPERS]
        return [Person(line, key, f"bench {offer.label} {number}") for number, (line, key) in enumerate(pairs)]

    async def _pop(self, person: Person, offer: Offer) -> tuple[Person, Entry, float]:
        """Pop until there is a job; the time of tries in vain is part of what the worker waited."""
        seconds = 0.0
        for _ in range(POP_TRIES):
            timed = await person.connection.timed(calls.pop(person.key, person.name, offer))
            seconds += timed.seconds
            if timed.answer.status != 200:
                raise Violated(f"a pop answered {timed.answer.status}: {timed.answer.body[:300]!r}")
            if entry := enter_pop(self.books, timed.answer.body, person, offer):
                return person, entry, seconds
            self.tally.empty_pops += 1
        waiting = self.books.waiting
        raise Violated(f"a worker that can do {offer.label} got nothing at {POP_TRIES} pops although {waiting} wait")

    async def _finish(self, person: Person, entry: Entry, *, is_replaced: bool) -> None:
        await hand_in(self.books, self.tally, person, entry, self.bench.small_picture)
        self.books.closed(entry)
        if is_replaced:
            await enqueue(self.books, self.tally, person.connection, entry.key, entry.need)


@asynccontextmanager
async def backlog(bench: Bench, *, lines: int) -> AsyncIterator[Backlog]:
    """A fresh server on which nothing waits yet; leaving holds the books against the server's."""
    async with horde_server(bench.installation) as horde, connections(horde.port, lines) as opened:
        made = Backlog(horde, bench, opened, await register(Tally(), opened, lines))
        yield made
        await audit(made.books, opened[0])
