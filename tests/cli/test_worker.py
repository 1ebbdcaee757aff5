"""`horde worker` as a process: its signals, its refusals, and what it says."""

import json
import signal
from pathlib import Path

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
    [(["--backend", "nope"], "known are a1111"), (["--threads", "0"], "threads"), (["--threads", "many"], "many")],
)
def test_wrong_usage_is_one_line_and_a_hint(
    words: list[str], fragment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(["worker", *words]) == MISUSED

    captured = capsys.readouterr()
    assert captured.out == ""
    assert fragment in captured.err.splitlines()[0]
    assert "\n\nhint: " in captured.err


def test_program_that_is_away_at_the_start_is_named_with_a_hint() -> None:
    with started("worker", "--backend", "comfyui=http://127.0.0.1:9") as process:
        _, stderr = process.communicate(timeout=END_S_MAX)

    assert process.returncode == FAILED
    assert "error: ComfyUI does not answer at http://127.0.0.1:9: " in stderr
    assert "hint: docs/guides/lend-your-gpu.md" in stderr
    assert "Traceback" not in stderr


def test_dry_run_shows_the_offer_and_no_key_and_asks_nobody(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("max_pixels: 65536\nnsfw: false\n")
    words = ["worker", "--dry-run", "--backend", "demo", "--name", "rig", "--config", str(tmp_path / "mine.yaml")]
    with started(*words, HORDE_URL="http://127.0.0.1:9", HORDE_API_KEY="secret") as process:
        stdout, stderr = process.communicate(timeout=END_S_MAX)

    found = json.loads(stdout)
    assert process.returncode == 0, stderr
    assert (found["horde"], found["demo"]["call"]) == ("http://127.0.0.1:9", "/api/v2/generate/pop")
    offer = found["demo"]["offer"]
    assert (offer["name"], offer["max_pixels"], offer["nsfw"]) == ("rig", 65536, False)
    assert "secret" not in stdout + stderr


def test_owner_steers_a_worker_from_another_terminal(horde: RunningHorde, tmp_path: Path) -> None:
    where = {"HORDE_URL": horde.url, "HORDE_WORKER_DATA": str(tmp_path)}
    with started("worker", "--backend", "demo", "--name", "rig", **where) as process:
        until_it_says(process, "starting")
        said = [ended("worker", verb, **where) for verb in ("pause", "status", "resume", "stop")]
        _, stderr = process.communicate(timeout=END_S_MAX)

    assert process.returncode == 0, stderr
    assert said[0] == "rig takes no more work; `horde worker resume` lets it go on\n"
    assert "paused: the owner paused it" in said[1]
    assert said[2:] == ["rig takes work again\n", "rig stops\n"]


@pytest.mark.parametrize("verb", ["status", "pause", "resume", "stop"])
def test_where_no_worker_runs_it_says_so(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HORDE_WORKER_DATA", str(tmp_path))

    assert status_of(["worker", verb]) == FAILED
    assert capsys.readouterr().err.startswith("error: no worker runs on this machine\n\nhint: ")


def ended(*words: str, **variables: str) -> str:
    """What a command answers that ends well."""
    with started(*words, **variables) as process:
        stdout, stderr = process.communicate(timeout=END_S_MAX)
    assert process.returncode == 0, stderr
    return stdout
