"""A unit of work is done whole or not at all, and a database that is away is told as Overloaded."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from horde.errors import MissingPrompt, Overloaded
from horde.server.db.pool import Database, Tx, open_database
from horde.server.db.queries import Query
from tests.server.db.wire import Wire, wired

COUNT = Query("count", "SELECT count(*) FROM secrets", ())
LOCK = Query("lock", "SELECT pg_advisory_xact_lock($1)", ("number",))


@pytest.fixture
async def wire(database_url: str) -> AsyncIterator[Wire]:
    """A line to an empty database."""
    async with wired(database_url) as found:
        yield found


@pytest.fixture
async def database(wire: Wire) -> AsyncIterator[Database]:
    """A pool at that line."""
    async with open_database(wire.url, connections=2) as found:
        yield found


async def add(tx: Tx) -> int:
    sql = "INSERT INTO secrets (name, value) VALUES ($1, 'x'::bytea)"
    return await tx.run(Query("add", sql, ("name",)), name=str(uuid.uuid4()))


async def count(database: Database) -> int:
    async with database.snapshot() as tx:
        return await tx.value(COUNT, int) or 0


async def test_leaving_the_block_commits(database: Database) -> None:
    async with database.transaction() as tx:
        assert await add(tx) == 1
        assert await count(database) == 0  # nobody else sees it yet

    assert await count(database) == 1


@pytest.mark.parametrize("error", [MissingPrompt, ZeroDivisionError, asyncio.CancelledError])
async def test_leaving_the_block_by_an_error_undoes_everything(database: Database, error: type[BaseException]) -> None:
    async def fails() -> None:
        async with database.transaction() as tx:
            await add(tx)
            raise error

    with pytest.raises(error):
        await fails()

    assert await count(database) == 0


async def test_failed_statement_undoes_everything_and_is_a_bug(database: Database) -> None:
    async def fails() -> None:
        async with database.transaction() as tx:
            await add(tx)
            await tx.run(Query("wrong", "SELECT * FROM nowhere", ()))

    with pytest.raises(asyncpg.UndefinedTableError):
        await fails()

    assert await count(database) == 0


async def test_snapshot_sees_one_moment_and_writes_nothing(database: Database) -> None:
    async with database.snapshot() as tx:
        before = await tx.value(COUNT, int)
        async with database.transaction() as other:
            await add(other)
        assert await tx.value(COUNT, int) == before
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await add(tx)


async def test_rows_are_found_by_index_and_whole_tables_read_in_snapshots_alone(database: Database) -> None:
    ways = Query("ways", "SELECT setting FROM pg_settings WHERE name = ANY($1) ORDER BY name", ("names",))
    names = ["enable_hashjoin", "enable_mergejoin", "enable_seqscan"]

    async with database.snapshot() as tx:
        assert await tx.values(ways, str, names=names) == ["on"] * 3
    for unit in (database.transaction, database.statement):
        async with unit() as tx:
            assert await tx.values(ways, str, names=names) == ["off"] * 3


async def test_database_that_goes_away_in_a_transaction_is_overloaded_and_nothing_is_written(
    database: Database, wire: Wire
) -> None:
    async def loses_its_line() -> None:
        async with database.transaction() as tx:
            await add(tx)
            wire.cut()
            await tx.value(COUNT, int)

    with pytest.raises(Overloaded):
        await loses_its_line()
    await wire.mend()

    assert await count(database) == 0


async def test_database_that_is_away_is_overloaded_until_it_is_back(database: Database, wire: Wire) -> None:
    wire.cut()

    for _ in range(3):
        with pytest.raises(Overloaded):
            await count(database)
    await wire.mend()

    assert await count(database) == 0


async def test_pool_that_is_closed_is_overloaded(wire: Wire) -> None:
    async with open_database(wire.url, connections=2) as database:
        pass

    with pytest.raises(Overloaded):
        await count(database)


async def test_deadlock_is_overloaded_for_one_and_undone(database: Database) -> None:
    async def locks(first: int, second: int, here: asyncio.Event, there: asyncio.Event) -> bool:
        try:
            async with database.transaction() as tx:
                await tx.run(Query("hurry", "SET LOCAL deadlock_timeout = '10ms'", ()))
                await add(tx)
                await tx.run(LOCK, number=first)
                here.set()
                await there.wait()
                await tx.run(LOCK, number=second)
        except Overloaded:
            return False
        return True

    one, two = asyncio.Event(), asyncio.Event()
    done = await asyncio.gather(locks(1, 2, one, two), locks(2, 1, two, one))

    assert sorted(done) == [False, True]
    assert await count(database) == 1


async def test_what_another_made_in_between_is_overloaded_and_undone(database: Database) -> None:
    twice = Query("twice", "INSERT INTO secrets (name, value) VALUES ('x', 'x'), ('x', 'x')", ())

    async def makes_twice() -> None:
        async with database.transaction() as tx:
            await add(tx)
            await tx.run(twice)

    with pytest.raises(Overloaded):
        await makes_twice()

    assert await count(database) == 0


async def test_arguments_are_given_by_name_and_all_of_them(database: Database) -> None:
    difference = Query("difference", "SELECT $2::integer - $1::integer", ("minus", "plus"))

    async with database.snapshot() as tx:
        assert await tx.value(difference, int, plus=7, minus=2) == 5
        for wrong in ({"plus": 7}, {"plus": 7, "minus": 2, "more": 1}, {}):
            with pytest.raises(AssertionError, match="difference takes"):
                await tx.value(difference, int, **wrong)


async def test_rows_come_back_as_what_was_asked_for(database: Database) -> None:
    rows = Query("rows", "SELECT x, x * 2 AS twice FROM generate_series(1, $1) AS x", ("most",))

    async with database.snapshot() as tx:
        assert await tx.all(rows, dict, most=2) == [{"x": 1, "twice": 2}, {"x": 2, "twice": 4}]
        assert await tx.values(rows, int, most=2) == [1, 2]
        assert await tx.maybe(rows, dict, most=2) == {"x": 1, "twice": 2}
        assert (await tx.maybe(rows, dict, most=0), await tx.value(rows, int, most=0)) == (None, None)
        with pytest.raises(AssertionError, match="rows gave"):
            await tx.value(rows, str, most=1)


async def test_json_is_stored_and_read_as_values(database: Database) -> None:
    value = {"a": [1, 2.5, None, True], "ü": {"b": "c"}}

    async with database.snapshot() as tx:
        assert await tx.value(Query("json", "SELECT $1::jsonb", ("value",)), dict, value=value) == value


async def test_what_is_to_be_done_at_the_commit_is_done_then_and_once(database: Database) -> None:
    seen: list[str] = []

    async with database.transaction() as tx:
        tx.when_committed(lambda: seen.append("done"))
        await add(tx)
        assert seen == []

    assert seen == ["done"]
    async with database.statement() as tx:
        tx.when_committed(lambda: seen.append("done too"))
        await add(tx)
    assert seen == ["done", "done too"]


@pytest.mark.parametrize("is_statement", [True, False])
async def test_what_is_to_be_done_at_the_commit_is_not_done_when_there_is_none(
    database: Database, is_statement: bool
) -> None:
    seen: list[str] = []

    async def fails() -> None:
        async with database.statement() if is_statement else database.transaction() as tx:
            tx.when_committed(lambda: seen.append("done"))
            raise MissingPrompt

    with pytest.raises(MissingPrompt):
        await fails()

    assert seen == []


async def test_each_statement_without_a_transaction_stands_for_itself(database: Database) -> None:
    async def fails() -> None:
        async with database.statement() as tx:
            await add(tx)
            assert await count(database) == 1  # everybody sees it at once
            raise MissingPrompt

    with pytest.raises(MissingPrompt):
        await fails()

    assert await count(database) == 1


def number(*, n: int) -> int:
    return n


async def test_stream_gives_every_row_in_order(database: Database) -> None:
    query = Query("stream", "SELECT n FROM generate_series(1, 2500) AS n", ())

    async with database.snapshot() as tx:
        rows = [n async for n in tx.stream(query, number)]

    assert rows == list(range(1, 2501))


async def test_snapshot_waits_no_longer_than_its_patience(database: Database) -> None:
    with pytest.raises(Overloaded):
        async with database.snapshot(patience_s=0.01) as tx:
            await tx.value(Query("slow", "SELECT pg_sleep(10)", ()), str)
