"""Requestors and workers as they are in life, on connections of their own, with every answer entered in the books."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field

from benchmarks import calls
from benchmarks.answers import Answer
from benchmarks.books import Books, Entry, Violated
from benchmarks.connections import Connection
from benchmarks.fixed import route_of
from benchmarks.needs import Need, Offer

BUSY = (429, 503)
BUSY_PAUSE_S = 0.02
BUSY_TRIES = 200
CHECK_PAUSE_S = 0.02
EMPTY_PAUSE_S = 0.005


@dataclass(slots=True)
class Tally:
    """What happened beside the work itself."""

    busy: int = 0
    """Answers 429 and 503, after which the call was made again."""
    empty_pops: int = 0
    """Pops that found nothing although a request had been accepted."""
    checks: int = 0
    samples: dict[str, tuple[bytes, Answer]] | None = None
    """One call of each route with its answer; None: no samples are taken."""

    async def insist(self, connection: Connection, request: bytes, status: int) -> bytes:
        """The body of the answer with this status; a busy server is asked again. Raises Violated for any other."""
        said = b""
        for _ in range(BUSY_TRIES):
            answer = await connection.call(request)
            if answer.status == status:
                if self.samples is not None:
                    self.samples[route_of(request)] = (request, answer)
                return answer.body
            if answer.status not in BUSY:
                raise Violated(f"{route_of(request)} answered {answer.status}: {answer.body[:300]!r}")
            said = answer.body
            self.busy += 1
            await asyncio.sleep(BUSY_PAUSE_S)
        raise Violated(f"{route_of(request)} was refused {BUSY_TRIES} times: {said[:300]!r}")


@dataclass(frozen=True, slots=True)
class Person:
    """An account with a connection of its own; `name` is its worker's."""

    connection: Connection
    key: str
    name: str = ""


@dataclass(slots=True)
class Market:
    """Where requestors and workers of one server meet."""

    books: Books
    pictures: Sequence[bytes]
    tally: Tally = field(default_factory=Tally)
    _tickets: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    """One for each accepted request that nobody has popped: nobody polls in vain, so a cycle is one pop."""
    _delivered: dict[int, asyncio.Future[None]] = field(default_factory=dict)

    async def request_one(self, person: Person, need: Need) -> None:
        """Ask, look how far it is, be told that it is delivered, check until done, read the picture."""
        entry = await enqueue(self.books, self.tally, person.connection, person.key, need)
        delivered = self._delivered.setdefault(entry.number, asyncio.get_running_loop().create_future())
        self._tickets.release()
        await self._check(person.connection, entry)
        await delivered
        del self._delivered[entry.number]
        while not await self._check(person.connection, entry):  # noqa: ASYNC110 - who knows sits behind the wire
            await asyncio.sleep(CHECK_PAUSE_S)
        body = await self.tally.insist(person.connection, calls.status(entry.request_id), 200)
        status = calls.read_status(body)
        self.books.received_picture(entry, [(one.id, one.img.encode()) for one in status.generations])

    async def serve_one(self, person: Person, offer: Offer) -> None:
        """Wait until somebody asked, pop, and hand in."""
        await self._tickets.acquire()
        entry = await take(self.books, self.tally, person, offer)
        if entry is None:
            self.tally.empty_pops += 1
            self._tickets.release()
            await asyncio.sleep(EMPTY_PAUSE_S)
            return
        await hand_in(self.books, self.tally, person, entry, self.pictures[entry.number % len(self.pictures)])
        self._delivered[entry.number].set_result(None)

    async def _check(self, connection: Connection, entry: Entry) -> bool:
        self.tally.checks += 1
        progress = calls.read_progress(await self.tally.insist(connection, calls.check(entry.request_id), 200))
        if progress.faulted:
            raise Violated(f"request {entry.number} faulted")
        return progress.done


async def enqueue(books: Books, tally: Tally, connection: Connection, key: str, need: Need) -> Entry:
    """Ask for one picture."""
    entry = books.ask(key, need)
    body = await tally.insist(connection, calls.generate_async(key, entry.number, need), 202)
    books.accepted(entry, calls.read_accepted(body).id)
    return entry


async def take(books: Books, tally: Tally, person: Person, offer: Offer) -> Entry | None:
    """Pop one job, or None."""
    body = await tally.insist(person.connection, calls.pop(person.key, person.name, offer), 200)
    return enter_pop(books, body, person, offer)


def enter_pop(books: Books, body: bytes, person: Person, offer: Offer) -> Entry | None:
    """Enter the answer of a pop in the books."""
    popped = calls.read_popped(body)
    if popped.id is None:
        return None
    if popped.payload.prompt is None or popped.ids != [popped.id]:
        raise Violated(f"a pop of one job got {popped}")
    return books.handed_out(calls.number_of(popped.payload.prompt), popped.id, person.key, offer)


async def hand_in(books: Books, tally: Tally, person: Person, entry: Entry, picture: bytes) -> None:
    """Deliver a job."""
    body = await tally.insist(person.connection, calls.submit(person.key, entry.job_id, picture), 200)
    answer = calls.read_submitted(body)
    books.delivered(entry, answer.reward, earned=answer.earned, picture=picture)


async def register(tally: Tally, connections: Sequence[Connection], count: int) -> list[str]:
    """The keys of so many new accounts."""
    keys: list[str] = []
    left = iter(range(count))

    async def registrar(connection: Connection) -> None:
        for number in left:
            body = await tally.insist(connection, calls.register(f"bench {number}"), 201)
            keys.append(calls.read_registered(body).api_key)

    await together(connections, registrar)
    if len(set(keys)) != count:
        raise Violated(f"{count} accounts were made, with {len(set(keys))} different keys")
    return keys


async def together(
    connections: Sequence[Connection], act: Callable[[Connection], Coroutine[object, object, None]]
) -> None:
    """Let somebody act on every connection, all at once."""
    async with asyncio.TaskGroup() as group:
        for connection in connections:
            group.create_task(act(connection))


CLOSING_TRIES, CLOSING_PAUSE_S = 400, 0.1
"""What the server sums up may be up to 30 s old (contract/api-v2.md, section 1.6)."""


async def audit(books: Books, connection: Connection) -> None:
    """At the end, hold the books against the server's own: nothing lost, everybody paid exactly. Raises Violated."""

    async def queue() -> None:
        answer = await connection.call(calls.heartbeat())
        books.check_nothing_is_lost(waiting_on_server=calls.read_heartbeat(answer.body).queue)

    await _in_the_end(queue)
    # What an account has that was just made, all had when they were.
    [newcomer] = await register(Tally(), [connection], 1)
    opening = calls.read_account((await connection.call(calls.find_user(newcomer))).body).kudos
    for key in books.earned_mk:

        async def paid(key: str = key) -> None:
            answer = await connection.call(calls.find_user(key))
            books.check_paid(key, calls.read_account(answer.body).kudos, opening=opening)

        await _in_the_end(paid)


async def _in_the_end(agree: Callable[[], Coroutine[object, object, None]]) -> None:
    for _ in range(CLOSING_TRIES):
        try:
            return await agree()
        except Violated:
            await asyncio.sleep(CLOSING_PAUSE_S)
    await agree()
    return None
