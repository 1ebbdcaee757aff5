"""What a call reads of the queue does not grow with the part of it that does not concern the call."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from horde.server.accounts.users import ANONYMOUS_ID
from horde.server.accounts.users import sql as of_accounts
from horde.server.context import Context
from horde.server.db.pool import BY_INDEX
from horde.server.db.queries import Query
from horde.server.ledger.accounts import sql as of_ledger
from horde.server.requests import sql
from horde.server.workers.roster import sql as of_workers
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, asked, change, look, user
from tests.server.requests import alchemy

MANY = 5_000
NOBODY_HAS_MANY = """
INSERT INTO requests (id, user_id, kind, lane_id, prompt, params, n, waiting, rank, seed_variation, things,
    price_mk, lease_s, is_inline, wants_censoring, disable_batching, client_agent, created_at, expires_at)
SELECT gen_random_uuid(), user_id, kind, lane_id, prompt, params, n, waiting, rank, seed_variation, things,
    price_mk, lease_s, is_inline, wants_censoring, disable_batching, client_agent, created_at, expires_at
FROM requests, generate_series(1, $1)
"""


OF_EVERY_CYCLE = (
    sql.standing, sql.add_requests, sql.heads, sql.claim, sql.jobs_to_settle, sql.finish_jobs,
    sql.progress, of_workers.credit, of_accounts.count_work, of_ledger.lock_accounts, of_ledger.post,
)  # fmt: skip


async def plan(ctx: Context, query: Query) -> list[str]:
    """How the statement is done, whatever its arguments, over the server's connections."""
    connection = await asyncpg.connect(ctx.services.settings.database_url, server_settings=BY_INDEX)
    try:
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        await connection.execute(f"PREPARE asked AS {query.sql}")
        arguments = f"({', '.join('NULL' for _ in query.parameters)})"
        return [row[0].strip() for row in await connection.fetch(f"EXPLAIN EXECUTE asked {arguments}")]
    finally:
        await connection.close()


async def pages_read(ctx: Context, query: Query, **arguments: Any) -> int:
    """How many pages the statement reads when it is planned without knowing its arguments, as one often run is."""
    connection = await asyncpg.connect(ctx.services.settings.database_url)
    try:
        await connection.set_type_codec(
            "jsonb", encoder=lambda value: msgspec.json.encode(value).decode(), decoder=msgspec.json.decode,
            schema="pg_catalog",
        )  # fmt: skip
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        values = [arguments[name] for name in query.parameters]
        lines = [row[0] for row in await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS) {query.sql}", *values)]
    finally:
        await connection.close()
    return sum(int(pages) for pages in re.findall(r"\b(?:hit|read)=(\d+)", lines[1]))


@pytest.fixture
async def lanes(clock: Clock) -> list[int]:
    """The lane in which all of the anonymous account's requests wait, and one that is empty but for one of them."""
    nobody = await anonymous(clock.ctx)
    await asked(clock.ctx, nobody, models=("many",))
    await change(clock.ctx, NOBODY_HAS_MANY, many=MANY)
    await asked(clock.ctx, nobody, models=("few",))
    await change(clock.ctx, "ANALYZE requests")
    return [lane["id"] for lane in await look(clock.ctx, "SELECT id FROM lanes ORDER BY id")]


@pytest.mark.parametrize("query", OF_EVERY_CYCLE, ids=lambda query: query.name)
async def test_no_statement_of_a_cycle_reads_a_whole_table_of_a_new_database(clock: Clock, query: Query) -> None:
    lines = await plan(clock.ctx, query)

    assert not [line for line in lines if "Seq Scan" in line]
    scans = [place for place, line in enumerate(lines) if re.search(r"\bIndex (Only )?Scan\b", line)]
    assert [lines[place] for place in scans if "Cond:" not in lines[place + 1]] == []


async def test_standing_of_the_anonymous_account_in_a_lane_reads_that_lane(clock: Clock, lanes: list[int]) -> None:
    group = {"place": 0, "user_id": ANONYMOUS_ID, "kind": "image", "lanes": lanes[1:], "at_most": 500}

    assert await pages_read(clock.ctx, sql.standing, groups=[group]) < 20


async def test_standing_of_who_has_nothing_waiting_reads_nothing_of_others(clock: Clock, lanes: list[int]) -> None:
    ada = await user(clock.ctx)
    group = {"place": 0, "user_id": ada.id, "kind": "image", "lanes": None, "at_most": 30}

    assert await pages_read(clock.ctx, sql.standing, groups=[group]) < 20


@pytest.mark.parametrize("is_restricted", [True, False])
async def test_look_for_users_served_first_reads_nothing_of_others(
    clock: Clock, lanes: list[int], is_restricted: bool
) -> None:
    friends = [(await user(clock.ctx, f"Friend{number}")).id for number in range(3)]
    of_first = [{"kind": "image", "users": friends, "lanes": lanes if is_restricted else None}]

    read = await pages_read(
        clock.ctx, sql.heads, now=clock.now, lanes=[], depths=[], of_first=of_first, depth_of_first=4,
        with_prompts=True, with_params=True,
    )  # fmt: skip

    assert read < 30


async def test_look_into_a_lane_reads_as_deep_as_is_asked(clock: Clock, lanes: list[int]) -> None:
    read = await pages_read(
        clock.ctx, sql.heads, now=clock.now, lanes=lanes, depths=[4, 1], of_first=[], depth_of_first=4,
        with_prompts=True, with_params=True,
    )  # fmt: skip

    assert read < 20


async def test_what_reads_groups_reads_nothing_of_the_rest(clock: Clock, lanes: list[int]) -> None:
    ada = await user(clock.ctx)
    group_id = UUID(await alchemy.asked(clock.ctx, ada, "caption", "nsfw"))
    before = clock.now + timedelta(hours=1)

    reads = [
        await pages_read(clock.ctx, sql.parts, id=group_id, kind="alchemy"),
        await pages_read(clock.ctx, sql.running_parts_of, users=[ada.id, ANONYMOUS_ID], kind="alchemy"),
        await pages_read(clock.ctx, sql.keep_parts, before=before, limit=500),
        await pages_read(clock.ctx, sql.groups_over, ids=[group_id]),
    ]

    assert max(reads) < 20, reads
