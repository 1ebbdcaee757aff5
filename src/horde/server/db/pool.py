"""Connections and transactions: the only place that commits.

A verb opens one transaction for its unit of work; leaving the block commits, an exception rolls back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg
import msgspec
import structlog

from horde.errors import Overloaded
from horde.server.db.queries import Query

T = TypeVar("T")
log = structlog.get_logger(__name__)

# The columns of a row are not known to the type checker, so what takes them cannot say which it takes.
Into = Callable[..., T]  # type: ignore[explicit-any]

ACQUIRE_TIMEOUT_S = 10
"""A caller who gets no connection for this long is told to come back: a queue that grows helps nobody."""
COMMAND_TIMEOUT_S = 30
STREAMED_AT_ONCE = 1000
"""Rows that a stream fetches at a time."""
STATEMENTS_MAX = 500
"""Prepared statements that a connection keeps: more than we have."""

DEAD_PEER = {
    "tcp_keepalives_idle": "10s",
    "tcp_keepalives_interval": "5s",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25s",
}
"""By this the database sees within half a minute that our machine is gone, and frees what its sessions held: locks, and
the place of the leader. By itself it waits for TCP to give up, which takes two hours where nothing was under way. The
last setting is for a session to which the database was just sending; as long as all probes take together. Every long
connection begins with these. A pooler in between must be told to let them through; within one machine they are
without effect."""
IDLE_IN_TRANSACTION_S_MAX = 60.0
"""A process that stands still in the middle of a transaction, stopped or swapped out, holds its rows no longer than
this. Twice `COMMAND_TIMEOUT_S`: nothing of ours thinks so long between two statements."""

BY_INDEX = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "jit": "off"}
"""What our statements are about they find by an index, row by row, however many rows there are beside it. Left to
itself the planner takes every table of a new database to be small, and then reads all of it in each claim, delivery and
check until the next autovacuum tells it better: 0.8 ms of PostgreSQL for a cycle at first, 1.5 half a minute later.
Where there is no such way it goes another one all the same; to older versions that one seems so dear that they would
compile it first, hence the last setting."""
IN_WHOLE = "SELECT " + ", ".join(f"set_config('{name}', 'on', true)" for name in BY_INDEX if name != "jit")
"""For transactions that read much of the database, where whole tables are read faster as such."""

JSONB_VERSION = b"\x01"
"""With what PostgreSQL begins a jsonb on the wire; the JSON itself follows as a text."""
encode, decode = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode

Connection = asyncpg.pool.PoolConnectionProxy | asyncpg.Connection

LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.InsufficientResourcesError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.DeadlockDetectedError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.InterfaceError,
    # What asyncpg says of a connection whose server was killed while it spoke: "another operation is in progress".
    asyncpg.InternalClientError,
    ConnectionError,
    TimeoutError,
    OSError,
)
"""What says that the database is away or busy, not that the statement is wrong."""


class Tx:
    """A running transaction. Rows come back as the class asked for, built from columns by name.

    Where rows are many a msgspec.Struct is the class to ask for: it is built in a tenth of the time of a dataclass.
    """

    def __init__(self, connection: Connection, patience_s: float = COMMAND_TIMEOUT_S) -> None:
        self._connection = connection
        self._patience_s = patience_s
        self._when_committed: list[Callable[[], None]] = []

    def when_committed(self, act: Callable[[], None]) -> None:
        """Have something done in this process as soon as, and only if, the transaction is committed."""
        self._when_committed.append(act)

    def committed(self) -> None:
        """Do what was to be done then; called by `Database`."""
        for act in self._when_committed:
            act()

    async def all(self, query: Query, into: Into[T], /, **arguments: object) -> list[T]:
        """Every row."""
        rows = await self._connection.fetch(query.sql, *_ordered(query, arguments), timeout=self._patience_s)
        return [into(**row) for row in rows]

    async def maybe(self, query: Query, into: Into[T], /, **arguments: object) -> T | None:
        """The first row, or None."""
        row = await self._connection.fetchrow(query.sql, *_ordered(query, arguments), timeout=self._patience_s)
        return None if row is None else into(**row)

    async def value(self, query: Query, kind: type[T], /, **arguments: object) -> T | None:
        """The first column of the first row, or None."""
        found = await self._connection.fetchval(query.sql, *_ordered(query, arguments), timeout=self._patience_s)
        assert found is None or isinstance(found, kind), f"{query.name} gave {type(found)}, not {kind}"
        return found

    async def values(self, query: Query, kind: type[T], /, **arguments: object) -> list[T]:
        """The first column of every row."""
        rows = await self._connection.fetch(query.sql, *_ordered(query, arguments), timeout=self._patience_s)
        return [row[0] for row in rows]

    async def stream(self, query: Query, into: Into[T], /, **arguments: object) -> AsyncIterator[T]:
        """Every row, one after the other, with few of them here at a time. Needs a transaction, so not `statement`."""
        rows = self._connection.cursor(
            query.sql, *_ordered(query, arguments), prefetch=STREAMED_AT_ONCE, timeout=self._patience_s
        )
        async for row in rows:
            yield into(**row)

    async def run(self, query: Query, /, **arguments: object) -> int:
        """Run a statement for its effect; returns how many rows it touched."""
        tag = await self._connection.execute(query.sql, *_ordered(query, arguments), timeout=self._patience_s)
        count = tag.rsplit(" ", 1)[-1]
        return int(count) if count.isdecimal() else 0


def _ordered(query: Query, arguments: dict[str, object]) -> list[object]:
    assert arguments.keys() == set(query.parameters), f"{query.name} takes {query.parameters}, got {tuple(arguments)}"
    return [arguments[name] for name in query.parameters]


class Database:
    """A pool of connections to one database."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """One unit of work.

        Raises Overloaded when the database cannot be reached or gives up (a lost connection, a deadlock);
        nothing is written then. READ COMMITTED: statements lock what they decide on.
        """
        async with self._connected() as connection:
            async with connection.transaction():
                tx = Tx(connection)
                yield tx
            tx.committed()

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[Tx]:
        """For one statement, which is a transaction of its own: spares the two calls that begin and commit one.

        A second statement would see, and be, another transaction. Raises Overloaded as `transaction` does.
        """
        async with self._connected() as connection:
            tx = Tx(connection)
            yield tx
            tx.committed()

    async def reach(self) -> None:
        """Return when the database answers. Raises Overloaded when it does not."""
        async with self._connected() as connection:
            await connection.execute("SELECT 1")

    @asynccontextmanager
    async def snapshot(self, *, patience_s: float = COMMAND_TIMEOUT_S) -> AsyncIterator[Tx]:
        """For reading with several statements that must agree: all see the same moment, and nothing can be written.

        A statement may take `patience_s`: more than a caller waits only where nobody does.
        Raises Overloaded as `transaction` does.
        """
        async with (
            self._connected() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(IN_WHOLE)
            yield Tx(connection, patience_s)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        try:
            async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection:
                yield connection
        except LOST as error:
            log.warning("database.lost", error=repr(error))
            raise Overloaded from error
        except asyncpg.ForeignKeyViolationError as error:
            # What is referred to was looked up before and was deleted in between; the next try finds it gone.
            log.warning("database.reference_gone", error=repr(error))
            raise Overloaded from error
        except asyncpg.UniqueViolationError as error:
            # What was not there when it was looked up was made in between; the next try finds it.
            log.warning("database.made_twice", error=repr(error))
            raise Overloaded from error


@asynccontextmanager
async def open_database(
    url: str, *, connections: int, idle_in_transaction_s_max: float = IDLE_IN_TRANSACTION_S_MAX
) -> AsyncIterator[Database]:
    """A pool for as long as the block lasts.

    Raises what asyncpg raises when the database cannot be reached at the start.
    """
    pool = await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=connections,
        init=set_up_connection,
        command_timeout=COMMAND_TIMEOUT_S,
        max_inactive_connection_lifetime=300,
        reset=_leave_as_is,
        statement_cache_size=STATEMENTS_MAX,
        server_settings={
            **DEAD_PEER,
            **BY_INDEX,
            "idle_in_transaction_session_timeout": milliseconds(idle_in_transaction_s_max),
        },
    )
    try:
        yield Database(pool)
    finally:
        await pool.close()


def milliseconds(seconds: float) -> str:
    """A time as the settings of PostgreSQL take it."""
    return f"{round(seconds * 1000)}ms"


async def _leave_as_is(_connection: Connection) -> None:
    # Nothing of ours outlives a transaction, so there is nothing to reset. The pool's own way is one more call to the
    # database each time a connection is given back.
    pass


async def set_up_connection(connection: Connection) -> None:
    """Let jsonb columns take and give Python values."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=_to_jsonb,
        decoder=_from_jsonb,
        format="binary",
    )


def _to_jsonb(value: object) -> bytes:
    return JSONB_VERSION + encode(value)


def _from_jsonb(content: bytes) -> object:
    return decode(memoryview(content)[len(JSONB_VERSION) :])
