"""A ledger of transfers becomes one of events, and adds up."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from alembic import command

from horde.server.db.migrate import configuration, migrate
from horde.server.db.pool import open_database
from horde.server.ledger.balance import balance
from horde.server.ledger.verify import Sums, verify
from tests.plugins.databases import fresh_database

# Ada fell below what is a floor now and stands above it; Bob stands below it; the anonymous account was lifted then.
TRANSFERS = """
INSERT INTO users (id, name, is_pseudonymous, created_at) VALUES (1, 'Ada', true, now()), (2, 'Bob', false, now());
INSERT INTO ledger_accounts (user_id) VALUES (1), (2);
WITH account AS (
    SELECT id, coalesce(system_name, user_id::text) AS name
    FROM ledger_accounts
)
INSERT INTO ledger_transfers (id, source, target, amount_mk, reason, subject, at)
SELECT gen_random_uuid(), source.id, target.id, amount_mk, reason, gen_random_uuid(), now() + place * interval '1 s'
FROM (VALUES
    (1, 'mint', '1', 10000, 'grant'),
    (2, '1', '2', 9000, 'job'),
    (3, 'mint', '1', 50000, 'grant'),
    (4, '0', '2', 7000, 'job'),
    (5, 'mint', '0', 7000, 'floor'),
    (6, '1', '0', 500, 'job')
) AS t (place, source_name, target_name, amount_mk, reason)
JOIN account AS source ON source.name = source_name
JOIN account AS target ON target.name = target_name;
UPDATE ledger_accounts AS a
SET balance_mk = (
    SELECT coalesce(sum(CASE WHEN t.target = a.id THEN t.amount_mk ELSE -t.amount_mk END), 0)
    FROM ledger_transfers AS t
    WHERE a.id IN (t.source, t.target)
);
"""


@pytest.fixture
async def old_url(postgres_url: str) -> AsyncIterator[str]:
    """A database of the release before, in which kudos moved."""
    async with fresh_database(postgres_url, "template1") as url:
        await asyncio.to_thread(command.upgrade, configuration(url), "0003")
        connection = await asyncpg.connect(url)
        await connection.execute(TRANSFERS)
        await connection.close()
        yield url


async def test_ledger_of_transfers_adds_up_as_one_of_events(old_url: str) -> None:
    await migrate(old_url)

    async with open_database(old_url, connections=2) as database:
        found = await verify(database)
        async with database.statement() as tx:
            held = [(await balance(tx, user_id)).spendable_mk for user_id in range(3)]
    assert isinstance(found, Sums), found
    assert held == [500, 50_500, 25_000]
    assert (found.events, found.minted_mk) == (7, 10_000 + 50_000 + 7_000 + 9_000)
