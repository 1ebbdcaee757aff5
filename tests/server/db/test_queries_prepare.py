"""Every query of every feature is understood by PostgreSQL on the newest schema."""

from pathlib import Path

import asyncpg
import pytest

import horde.server
from horde.server.db.pool import set_up_connection
from horde.server.db.queries import QUERIES_FILE, Query, load

ROOT = Path(horde.server.__file__).parent
FILES = sorted(ROOT.rglob(QUERIES_FILE))


def queries() -> list[tuple[str, Query]]:
    found = []
    for file in FILES:
        package = ".".join(["horde.server", *file.parent.relative_to(ROOT).parts])
        found += [(f"{package.removeprefix('horde.server.')}.{query.name}", query) for query in load(package)]
    return found


ALL = queries()


def test_every_feature_is_looked_at() -> None:
    looked_at = {file.parent.name for file in FILES}
    assert looked_at >= {"accounts", "db", "ledger", "matching", "requests", "storage", "workers"}


@pytest.mark.parametrize("query", [query for _, query in ALL], ids=[name for name, _ in ALL])
async def test_query_can_be_prepared(query: Query, database_url_shared: str) -> None:
    connection = await asyncpg.connect(database_url_shared)
    try:
        await set_up_connection(connection)
        prepared = await connection.prepare(query.sql)
        assert len(prepared.get_parameters()) == len(query.parameters)
    finally:
        await connection.close()


@pytest.mark.parametrize("file", FILES, ids=[file.parent.name for file in FILES])
def test_every_query_is_described(file: Path) -> None:
    for block in file.read_text().split("-- name: ")[1:]:
        name, description, *_ = block.splitlines()
        assert description.startswith("-- "), f"{name} lacks a line that says what it is for"
