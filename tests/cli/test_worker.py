"""`horde worker` as a process: its signals, its refusals, and what it says."""

import signal

import pytest

from horde.cli.main import status_of
from horde.cli.output import FAILED, MISUSED
from horde.client import Horde
from tests.cli.commands import END_S_MAX, started, until_it_says
from tests.plugins.hordes import RunningHorde


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_worker_serves_until_a_signal_ends_it(horde: RunningHorde, number: signal.Signals) -> None:
    with Horde(horde.url) as requestor:
        key = requestor.register("Ann").api_key
        words = ["worker", "--horde", horde.url, "--name", "process", "--backend", "demo", "--threads", "2"]
        with started(*words, HORDE_API_KEY=key) as process:
            (image,) = requestor.generate("a stable", width=64, height=64).wait().images()
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=END_S_MAX)

    assert process.returncode == 0
    assert image.worker_name == "process"
    assert stdout == ""
    assert stderr.splitlines()[-1].endswith("stopped")
    assert key not in stderr


def test_worker_whose_server_is_away_says_so_and_can_be_stopped() -> None:
    with started("worker", HORDE_URL="http://127.0.0.1:9") as process:
        said = until_it_says(process, "cannot answer now")
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=END_S_MAX)

    assert process.returncode == 0
    assert "http://127.0.0.1:9 does not answer" in said
    assert "Traceback" not in stderr


def test_wrong_key_ends_the_worker_with_a_hint(horde: RunningHorde) -> None:
    with started("worker", "--horde", horde.url, "--key", "nonsense") as process:
        _, stderr = process.communicate(timeout=END_S_MAX)

    assert process.returncode == FAILED
    assert stderr.splitlines()[-3].startswith("error: ")
    assert stderr.splitlines()[-1].startswith("hint: ")
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    ("words", "fragment"),
    [(["--backend", "nope"], "known are demo"), (["--threads", "0"], "threads"), (["--threads", "many"], "many")],
)
def test_wrong_usage_is_one_line_and_a_hint(
    words: list[str], fragment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(["worker", *words]) == MISUSED

    captured = capsys.readouterr()
    assert captured.out == ""
    assert fragment in captured.err.splitlines()[0]
    assert "\n\nhint: " in captured.err
