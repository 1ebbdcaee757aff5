"""One real PostgreSQL for the whole run, and a fresh, migrated database for every test that asks for one."""

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from horde.server.db.embedded import EmbeddedPostgres
from horde.server.db.migrate import migrate
from tests.plugins.data_dirs import fresh_data_dir, in_memory

TEMPLATE = "horde_template"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server of our own. Without fsync: these data are thrown away, and what survives kill -9 is tested elsewhere."""
    with fresh_data_dir(in_memory()) as data_dir:
        postgres = EmbeddedPostgres(data_dir, options={"fsync": "off", "full_page_writes": "off"})
        try:
            yield postgres.start()
        finally:
            postgres.stop()


@pytest.fixture(scope="session")
async def template(postgres_url: str) -> str:
    """The name of a database with the newest schema, to be copied."""
    await _run(postgres_url, f"CREATE DATABASE {TEMPLATE}")
    await migrate(_url_of(postgres_url, TEMPLATE))
    return TEMPLATE


@pytest.fixture(scope="session")
def database_url_shared(postgres_url: str, template: str) -> str:
    """The template itself, for looking at the schema. Leave nothing in it, and no connection open."""
    return _url_of(postgres_url, template)


@asynccontextmanager
async def fresh_database(postgres_url: str, template: str) -> AsyncIterator[str]:
    """A copy of the template for as long as the block lasts."""
    name = f"test_{uuid.uuid4().hex}"
    await _run(postgres_url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield _url_of(postgres_url, name)
    await _run(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database_url(postgres_url: str, template: str) -> AsyncIterator[str]:
    """A database that nobody else uses."""
    async with fresh_database(postgres_url, template) as url:
        yield url


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _url_of(url: str, database: str) -> str:
    address, _, query = url.partition("?")
    return f"{address.rpartition('/')[0]}/{database}?{query}"
