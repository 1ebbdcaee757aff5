"""Whatever is killed at whatever moment, the books add up: nothing accepted is lost, and nothing is paid twice."""

import random
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from horde.server.accounts.register import register
from horde.server.app import open_services
from horde.server.context import Context
from horde.server.db.embedded import EmbeddedPostgres
from horde.server.db.migrate import migrate
from horde.server.ledger.verify import Sums
from horde.server.settings import Settings
from horde.server.status.books import verify_books
from horde.units import kudos
from tests.end_to_end.forked_server import Server
from tests.end_to_end.several_nodes import IMAGES, Crowd, until
from tests.plugins.hordes import ANONYMOUS
from tests.server.agreement import books_agree

KILLS = 50
PEOPLE = (14, 100, 100_000)
"""What requestors have: one can pay nothing, one something, one everything."""
JOBS = """
SELECT r.state, r.n, r.waiting, r.running, count(j.id) FILTER (WHERE j.state = 'done') AS done
FROM requests AS r
LEFT JOIN jobs AS j ON j.request_id = r.id
WHERE r.id = $1
GROUP BY r.id
"""


@pytest.fixture
def database_url(data_dir: Path) -> Iterator[str]:
    """A PostgreSQL that outlives the servers."""
    postgres = EmbeddedPostgres(data_dir.with_name("elsewhere"))
    try:
        yield postgres.start()
    finally:
        postgres.stop()


async def keys_of(settings: Settings) -> list[str]:
    """Of requestors with more or less kudos, of an owner of a worker, and of a trusted one."""
    async with open_services(settings) as services:
        ctx = Context.at_present(services)
        requestors = [await register(ctx, f"Has {has}", kudos=kudos(has), concurrency=500) for has in PEOPLE]
        owners = [await register(ctx, "Owner", is_trusted=is_trusted) for is_trusted in (False, True)]
        return [account.key for account in (*requestors, *owners)]


async def test_books_add_up_after_fifty_kills_at_random_moments(data_dir: Path, database_url: str) -> None:
    settings = Settings(
        database_url=database_url,
        data_dir=data_dir,
        duty_period_s=0.2,
        lease_s_min=5,
        log_level="ERROR",
        rate_limits="off",
    )
    await migrate(database_url)
    chance = random.Random(50)
    *requestors, owner, trusted = await keys_of(settings)
    server = Server(settings)
    crowd = Crowd(
        server.url, requestors=requestors, workers=(owner, trusted, ANONYMOUS), changes_its_mind=0.2, fails=0.1
    )
    with crowd.at_work(last_life=server.life):
        for _ in range(KILLS):
            with server.life():
                until(partial(crowd.has_done, crowd.steps + chance.randrange(12)), "the crowd goes on")

    assert len(crowd.accepted) > KILLS / 2
    assert max(Counter(crowd.delivered).values()) == 1
    async with open_services(settings) as services:
        await books_agree(Context.at_present(services))
        assert isinstance(await verify_books(services.database), Sums)
    connection = await asyncpg.connect(database_url)
    try:
        for request_id in crowd.accepted:
            row = await connection.fetchrow(JOBS, UUID(request_id))
            assert row is not None, f"{request_id} was accepted and is gone"
            is_over = row["state"] in ("cancelled", "faulted") and row["waiting"] == 0
            assert is_over or row["waiting"] + row["running"] + row["done"] == row["n"] == IMAGES, row
    finally:
        await connection.close()
