"""One node at a time does the duties, and another takes over when its connection dies."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from horde.server.db.leader import DUTIES_LOCK, Leadership
from tests.server.db.wire import wired


@pytest.fixture
async def nodes(database_url: str) -> AsyncIterator[list[Leadership]]:
    """Three nodes that would all lead."""
    found = [Leadership(database_url) for _ in range(3)]
    yield found
    for node in found:
        await node.close()


async def leaders(nodes: list[Leadership]) -> list[bool]:
    return [await node.is_held() for node in nodes]


async def test_first_node_leads_alone_and_goes_on_leading(nodes: list[Leadership]) -> None:
    assert await leaders(nodes) == [True, False, False]
    assert await leaders(nodes[::-1]) == [False, False, True]


async def test_another_node_leads_when_the_leader_steps_back(nodes: list[Leadership]) -> None:
    await leaders(nodes)

    await nodes[0].close()
    await nodes[0].close()

    assert await leaders(nodes[1:]) == [True, False]
    assert not await nodes[0].is_held()


async def test_another_node_leads_when_the_leaders_connection_dies(nodes: list[Leadership], database_url: str) -> None:
    await leaders(nodes)
    connection = await asyncpg.connect(database_url)
    killed = await connection.fetch(
        "SELECT pg_terminate_backend(pid, 20000) FROM pg_locks"  # and wait until it is gone
        " WHERE locktype = 'advisory' AND objid = $1::bigint AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        DUTIES_LOCK,
    )
    await connection.close()

    assert len(killed) == 1
    assert await leaders(nodes[1:]) == [True, False]
    assert not await nodes[0].is_held()  # it noticed, and did not go on


async def test_nobody_leads_without_a_database_and_somebody_does_when_it_is_back(database_url: str) -> None:
    async with wired(database_url) as wire:
        node = Leadership(wire.url)
        seen = [await node.is_held()]
        wire.cut()
        seen += [await node.is_held(), await node.is_held()]
        await wire.mend()
        seen += [await node.is_held()]
        await node.close()

    assert seen == [True, False, False, True]
