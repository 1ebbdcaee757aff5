"""Changes to a horde's database that no verb makes yet."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import asyncpg

from tests.plugins.hordes import RunningHorde


def change(horde: RunningHorde, sql: str) -> None:
    """Run a statement beside the server."""
    with ThreadPoolExecutor(1) as beside:  # asyncio.run leaves the loop of the tests alone there
        beside.submit(asyncio.run, _run(horde.settings.database_url, sql)).result()


async def _run(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
