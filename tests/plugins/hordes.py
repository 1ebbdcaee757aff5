"""A horde for a test: its services for calling verbs with a clock of the test's own, or the whole server over HTTP."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest
import uvicorn

from horde.cli.serving import GRACE_S, KEEP_ALIVE_S
from horde.server.app import create_app, end_waits, open_services
from horde.server.context import Context, Services
from horde.server.logs import set_up_logs
from horde.server.settings import Settings
from tests.plugins.databases import fresh_database

ANONYMOUS = "0000000000"


class Clock:
    """Time that stands still until a test moves it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.now = datetime.now(UTC)

    @property
    def ctx(self) -> Context:
        """A context of the present moment of this clock."""
        return Context(self._services, self.now)

    def move(self, **amount: float) -> Context:
        """Let `timedelta(**amount)` pass; returns the new moment's context."""
        self.now += timedelta(**amount)
        return self.ctx


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings on a fresh database. A duty comes round often, so that nobody has to wait for one, and calls may too."""
    return Settings(
        database_url=database_url,
        data_dir=tmp_path,
        duty_period_s=0.1,
        refresh_s=0,
        upfront_kudos="off",
        rate_limits="off",
    )


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    """Everything that verbs need, without HTTP and without duties."""
    async with open_services(settings) as opened:
        yield opened


@pytest.fixture
def clock(services: Services) -> Clock:
    """A clock that only the test moves."""
    return Clock(services)


@dataclass(frozen=True)
class RunningHorde:
    """A server that answers on loopback."""

    url: str
    settings: Settings

    def client(self, key: str | None = ANONYMOUS) -> httpx.Client:
        """A plain HTTP client with that key; None: without one. Close it."""
        headers = {} if key is None else {"apikey": key}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)


@contextmanager
def running(settings: Settings) -> Iterator[RunningHorde]:
    """The real server on a free port, in a thread with a loop of its own, as uvicorn runs it for everybody."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        # From here on calls queue at the socket until the server takes them.
        listener.listen()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = create_app(settings)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                lifespan="on",
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_until_complete, args=[server.serve([listener])], name="server")
        thread.start()
        try:
            with httpx.Client(base_url=url, timeout=60) as client:
                assert client.get("/api/v2/status/heartbeat").json()["message"] == "OK"
            yield RunningHorde(url, settings)
        finally:
            loop.call_soon_threadsafe(end_waits, app)
            server.should_exit = True
            thread.join()
            loop.close()


@pytest.fixture
def horde(settings: Settings) -> Iterator[RunningHorde]:
    """The whole server on a database of the test's own."""
    with running(settings) as found:
        yield found


@pytest.fixture
def client(horde: RunningHorde) -> Iterator[httpx.Client]:
    """An anonymous client of `horde`."""
    with horde.client() as opened:
        yield opened


@asynccontextmanager
async def horde_of_its_own(postgres_url: str, template: str, folder: Path) -> AsyncIterator[RunningHorde]:
    """A server on a fresh database for as long as the block lasts."""
    async with fresh_database(postgres_url, template) as url:
        with running(Settings(database_url=url, data_dir=folder, refresh_s=0, rate_limits="off")) as found:
            yield found


@pytest.fixture(scope="session")
async def shared_horde(
    postgres_url: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningHorde]:
    """One server for all tests that only read, or that are refused: leave nothing waiting in it.

    What is over stays: a worker that some test polled as may be online, and pictures were made.
    """
    async with horde_of_its_own(postgres_url, template, tmp_path_factory.mktemp("shared")) as found:
        yield found


@pytest.fixture(scope="module")
async def fuzzed_horde(
    postgres_url: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningHorde]:
    """One server for all the nonsense of a module."""
    async with horde_of_its_own(postgres_url, template, tmp_path_factory.mktemp("fuzz")) as found:
        yield found


@pytest.fixture(scope="session")
def shared_client(shared_horde: RunningHorde) -> Iterator[httpx.Client]:
    """An anonymous client of `shared_horde`."""
    with shared_horde.client() as opened:
        yield opened


@pytest.fixture(scope="session", autouse=True)
def logs() -> None:
    """Log as a server process does."""
    set_up_logs("WARNING")


def without_anonymous_workers(settings: Settings) -> Settings:
    """The same settings for a horde in which the anonymous key may only ask."""
    return msgspec.structs.replace(settings, anonymous_workers=False)
