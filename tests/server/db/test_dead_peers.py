"""What a process holds in the database is free again when its machine vanishes, or when it stands still."""

import asyncio
from collections.abc import Iterator

import pytest

from horde.errors import Overloaded
from horde.server.db.embedded import EmbeddedPostgres, Transport
from horde.server.db.leader import SILENCE_S_MAX, Leadership, open_session
from horde.server.db.pool import open_database
from horde.server.db.queries import Query
from tests.plugins.data_dirs import fresh_data_dir

PROBES = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
"""As PostgreSQL shows them; within one machine it shows zeros."""
SHOWN = (*PROBES, "idle_session_timeout", "idle_in_transaction_session_timeout")
SETTINGS = Query("settings", f"SELECT {', '.join(f'current_setting({name!r}) AS {name}' for name in SHOWN)}", ())
IDLE_IN_TRANSACTION = Query(
    "idle",
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'",
    (),
)
COUNT = Query("count", "SELECT count(*) FROM secrets", ())


@pytest.fixture(scope="module")
def tcp_url() -> Iterator[str]:
    """A database at the other end of a TCP connection."""
    with fresh_data_dir() as data_dir:
        postgres = EmbeddedPostgres(data_dir, transport=Transport.TCP, options={"fsync": "off"})
        try:
            yield postgres.start()
        finally:
            postgres.stop()


async def test_database_probes_whether_the_machine_of_a_pool_is_still_there(tcp_url: str) -> None:
    async with open_database(tcp_url, connections=1) as database, database.statement() as tx:
        shown: list[dict[str, str]] = await tx.all(SETTINGS, dict)

    assert shown[0] == {**PROBES, "idle_session_timeout": "0", "idle_in_transaction_session_timeout": "1min"}


async def test_database_probes_whether_the_machine_of_the_leader_is_still_there(tcp_url: str) -> None:
    connection = await open_session(tcp_url, silence_s_max=SILENCE_S_MAX)
    shown = await connection.fetch(SETTINGS.sql)
    await connection.close()

    assert dict(shown[0]) == {**PROBES, "idle_session_timeout": "1min", "idle_in_transaction_session_timeout": "0"}


async def test_leader_that_stands_still_leads_no_more(database_url: str) -> None:
    still, next_one = Leadership(database_url, silence_s_max=0.01), Leadership(database_url)
    assert await still.is_held()

    async with asyncio.timeout(10):
        while not await next_one.is_held():
            pass

    assert not await still.is_held()  # it noticed, and did not go on
    await next_one.close()
    await still.close()


async def test_transaction_of_a_process_that_stands_still_is_undone(database_url: str) -> None:
    seen: list[str] = []

    async def stands_still() -> None:
        async with database.transaction() as tx:
            await tx.run(Query("add", "INSERT INTO secrets (name, value) VALUES ('x', 'x'::bytea)", ()))
            async with asyncio.timeout(10), database.statement() as other:
                while await other.all(IDLE_IN_TRANSACTION, dict):
                    pass
            seen.append("session ended")
            await tx.value(COUNT, int)

    async with open_database(database_url, connections=2, idle_in_transaction_s_max=0.01) as database:
        with pytest.raises(Overloaded):
            await stands_still()

        assert seen == ["session ended"]
        async with database.statement() as tx:
            assert await tx.value(COUNT, int) == 0
