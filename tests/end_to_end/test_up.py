"""`horde up`: one command starts a private horde, and one key stops it, wherever it is."""

import base64
import io
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import httpx
import numpy as np
import pytest
from PIL import Image

from horde.server.db.embedded import EmbeddedPostgres
from tests.end_to_end.private_horde import HORDE, AtTerminal, PrivateHorde, assert_clear_refusal, free_port
from tests.plugins.data_dirs import living, still_running, words_of

FIRST_PICTURE_S_MAX = 10.0
"""From the command to the first answered curl: what we promise."""
STAGES = ("starting the database", "starting the server", "starting the worker")


@pytest.fixture
def database_url(data_dir: Path) -> Iterator[str]:
    """A PostgreSQL that is not the horde's own."""
    postgres = EmbeddedPostgres(data_dir.with_name("elsewhere"))
    try:
        yield postgres.start()
    finally:
        postgres.stop()


def curl_line(summary: str) -> str:
    (line,) = (line for line in summary.splitlines() if line.startswith("curl "))
    return line


def picture_by(line: str) -> Image.Image:
    """Give the line to a shell as a person would, and open the picture in the answer."""
    done = subprocess.run(f"{line} --silent --max-time 30", shell=True, capture_output=True, text=True, check=True)
    (generation,) = json.loads(done.stdout)
    return Image.open(io.BytesIO(base64.b64decode(generation["img"])))


def test_printed_curl_line_brings_a_picture_as_promised(data_dir: Path) -> None:
    begun = time.monotonic()
    with PrivateHorde(data_dir) as horde:
        summary = horde.until_up()

        picture = picture_by(curl_line(summary))

        took_s = time.monotonic() - begun
    assert picture.size == (256, 256)
    assert took_s < FIRST_PICTURE_S_MAX
    assert horde.url in summary
    assert "0000000000" in summary
    assert str(data_dir) in summary


@pytest.mark.parametrize(
    ("thing", "channel"), [("a red circle on a black background", 0), ("a blue square on a black background", 2)]
)
def test_what_is_asked_for_as_red_is_red(data_dir: Path, thing: str, channel: int) -> None:
    with PrivateHorde(data_dir) as horde:
        horde.until_up()
        body = {"prompt": thing, "params": {"width": 128, "height": 128, "seed": "1"}, "api_key": "0000000000"}

        (generation,) = httpx.post(f"{horde.url}/api/v1/generate/sync", json=body, timeout=30).json()

    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(generation["img"]))).convert("RGB"))
    shining = picture[picture.max(axis=2) > 150]
    assert len(shining) > 0.03 * 128 * 128
    assert (shining.argmax(axis=1) == channel).mean() > 0.9


def test_horde_started_again_finds_its_data_again(data_dir: Path) -> None:
    seen = []
    for _ in range(2):
        with PrivateHorde(data_dir) as horde:
            horde.until_up()
            (worker,) = httpx.get(f"{horde.url}/api/v2/workers").json()
            seen.append((worker["id"], worker["name"]))
            assert horde.send(signal.SIGINT)[0] == 0

    assert seen[0] == seen[1]


@pytest.mark.parametrize("wish", [signal.SIGINT, signal.SIGTERM])
def test_wish_to_stop_leaves_no_process(data_dir: Path, wish: signal.Signals) -> None:
    with PrivateHorde(data_dir) as horde:
        horde.until_up()

        status, stderr = horde.send(wish)

        assert (status, stderr.splitlines()[-1]) == (0, "stopped")
        assert living(data_dir) == []


@pytest.mark.parametrize("stage", STAGES)
def test_wish_to_stop_in_the_middle_of_the_start_leaves_no_process(data_dir: Path, stage: str) -> None:
    with PrivateHorde(data_dir) as horde:
        horde.until_stderr_says(stage)

        status, stderr = horde.send(signal.SIGINT)

        assert (status, stderr.splitlines()[-1]) == (0, "stopped")
        assert living(data_dir) == []


def test_start_that_was_broken_off_can_be_made_again(data_dir: Path) -> None:
    for stage in STAGES[:2]:
        with PrivateHorde(data_dir) as horde:
            horde.until_stderr_says(stage)
            horde.send(signal.SIGINT)

    with PrivateHorde(data_dir, "--no-worker") as horde:
        assert horde.until_up()


def test_ctrl_c_at_a_terminal_stops_everything_in_order(data_dir: Path) -> None:
    with AtTerminal(data_dir) as horde:
        horde.until_up()

        horde.press_ctrl_c()

        assert "stopped" in horde.screen_to_the_end()
        assert horde.ended()[0] == 0
        assert living(data_dir) == []
    # The server was told to stop by its supervisor and had the time to do so.
    assert "Application shutdown complete" in (data_dir / "logs" / "server.log").read_text()
    assert "database system is shut down" in (data_dir / "logs" / "postgres.log").read_text()


def test_closed_terminal_stops_everything(data_dir: Path) -> None:
    with AtTerminal(data_dir) as horde:
        horde.until_up()

        horde.close()

        horde.ended()
        assert living(data_dir) == []


def test_killed_supervisor_leaves_no_process(data_dir: Path) -> None:
    with PrivateHorde(data_dir) as horde:
        horde.until_up()
        processes = living(data_dir)
        assert {"serve", "worker", "postgres"} <= {Path(w).name for p in processes for w in words_of(p)}

        horde.process.kill()

        assert still_running(processes) == []
        assert living(data_dir) == []
    with PrivateHorde(data_dir, "--no-worker") as horde:
        assert horde.until_up()


@pytest.mark.parametrize("part", ["serve", "worker", "postgres"])
def test_part_that_dies_is_started_again(data_dir: Path, part: str) -> None:
    with PrivateHorde(data_dir) as horde:
        line = curl_line(horde.until_up())
        killed = horde.child(part)

        killed.kill()

        assert "starting it again" in horde.until_stderr_says("ended unexpectedly")
        line += " --retry 20 --retry-delay 1 --retry-all-errors --fail"
        assert picture_by(line).size == (256, 256)
        assert horde.child(part).pid != killed.pid


async def test_part_that_dies_in_the_start_is_quoted(data_dir: Path, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("CREATE TABLE requests (of_another_program text)")
    await connection.close()

    with PrivateHorde(data_dir, DATABASE_URL=database_url) as horde:
        status, stderr = horde.ended()

    assert status == 2
    assert "error: the server ended while it started (status 2)\n  | error: the database cannot be" in stderr
    assert 'relation "requests" already exists\n  | hint: ' in stderr
    assert stderr.splitlines()[-1] == f"hint: {data_dir / 'logs' / 'server.log'} says more"
    assert living(f"{data_dir} at") == []


def test_no_worker_runs_none(data_dir: Path) -> None:
    with PrivateHorde(data_dir, "--no-worker") as horde:
        horde.until_up()

        assert httpx.get(f"{horde.url}/api/v2/workers").json() == []
        assert not any("worker" in words_of(process) for process in living(data_dir))


def test_database_url_is_used_and_no_other_database_started(data_dir: Path, database_url: str) -> None:
    with PrivateHorde(data_dir, "--no-worker", DATABASE_URL=database_url) as horde:
        horde.until_up()

        assert httpx.get(f"{horde.url}/api/v2/status/heartbeat").status_code == 200
        assert not (data_dir / "postgres").exists()
        assert horde.send(signal.SIGINT)[0] == 0
        assert living(data_dir) == []


def test_database_that_does_not_answer_is_named_without_its_password(data_dir: Path) -> None:
    url = f"postgresql://someone:secret@127.0.0.1:{free_port()}/horde"

    with PrivateHorde(data_dir, DATABASE_URL=url) as horde:
        status, stderr = horde.ended()

    assert status == 2
    assert_clear_refusal(stderr, "127.0.0.1", "/horde")
    assert "secret" not in stderr


def test_taken_port_is_refused_before_anything_starts(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with PrivateHorde(data_dir, port=port) as horde:
            status, stderr = horde.ended()

    assert status == 2
    assert_clear_refusal(stderr, f"port {port} on 127.0.0.1 is taken by process")
    assert not data_dir.exists()


def test_data_directory_in_use_is_refused(data_dir: Path) -> None:
    with PrivateHorde(data_dir, "--no-worker") as first:
        first.until_up()

        with PrivateHorde(data_dir.parent / "data", "--no-worker") as second:
            status, stderr = second.ended()

        assert status == 2
        assert_clear_refusal(stderr, f"the data directory {data_dir} is in use", f"process {first.process.pid}")
        assert httpx.get(f"{first.url}/api/v2/status/heartbeat").status_code == 200


def file_instead(data_dir: Path) -> None:
    data_dir.write_text("")


def files_without_version(data_dir: Path) -> None:
    (data_dir / "postgres" / "base").mkdir(parents=True)
    data_dir.chmod(0o711)


def garbage_version(data_dir: Path) -> None:
    files_without_version(data_dir)
    (data_dir / "postgres" / "PG_VERSION").write_bytes(b"\x00\xff\n18")


def lost_control_file(data_dir: Path) -> None:
    postgres = EmbeddedPostgres(data_dir)
    postgres.start()
    postgres.stop()
    (data_dir / "postgres" / "global" / "pg_control").unlink()


@pytest.mark.parametrize("spoil", [file_instead, files_without_version, garbage_version, lost_control_file])
def test_broken_data_directory_is_refused(data_dir: Path, spoil: Callable[[Path], None]) -> None:
    spoil(data_dir)

    with PrivateHorde(data_dir) as horde:
        status, stderr = horde.ended()

    assert status == 2
    assert_clear_refusal(stderr, str(data_dir))
    assert living(data_dir) == []


def test_data_directory_that_cannot_be_written_is_refused() -> None:
    words = [*HORDE, "up", "--data", "/proc/horde", "--port", str(free_port())]

    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert_clear_refusal(done.stderr, "/proc/horde cannot be used")


def test_serve_alone_runs_its_own_database_and_stops_with_it(data_dir: Path) -> None:
    with PrivateHorde(data_dir, command="serve") as node:
        node.until_stderr_says("Uvicorn running")
        assert httpx.get(f"{node.url}/api/v2/status/heartbeat").status_code == 200

        status, stderr = node.send(signal.SIGTERM)

        assert status == 0
        assert "Application shutdown complete" in stderr
        assert living(data_dir) == []


def test_serve_killed_leaves_no_process(data_dir: Path) -> None:
    with PrivateHorde(data_dir, command="serve") as node:
        node.until_stderr_says("Uvicorn running")
        processes = living(data_dir)

        node.process.kill()

        assert still_running(processes) == []


def test_worker_that_waits_for_work_is_answered_when_the_server_stops(data_dir: Path) -> None:
    asking = (
        "import httpx, sys;"
        "print(httpx.post(sys.argv[1], headers={'apikey': '0000000000', 'Prefer': 'wait=60'}, timeout=90,"
        " json={'name': 'Waiting worker', 'models': ['stable_diffusion'], 'bridge_agent': 'a:1:b'}).status_code)"
    )
    with PrivateHorde(data_dir, command="serve") as node:
        node.until_stderr_says("Uvicorn running")
        words = [sys.executable, "-c", asking, f"{node.url}/api/v2/generate/pop"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as worker:
            while worker.poll() is None and not httpx.get(f"{node.url}/api/v2/workers").json():
                pass  # each round asks the server, which lists the worker once it waits
            assert worker.poll() is None

            status, _ = node.send(signal.SIGTERM)

            assert status == 0
            assert worker.communicate(timeout=5)[0].strip() == "200"
