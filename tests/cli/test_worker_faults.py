"""`horde worker faults`: why a worker of one's own gave jobs back, by the settings that the worker itself runs with."""

import json
from pathlib import Path

import httpx
import pytest

from horde.cli.main import status_of
from horde.cli.output import FAILED
from tests.api.actors import ask, pop, register
from tests.plugins.hordes import RunningHorde

WORKER = "Ada's rig"


@pytest.fixture
def key(horde: RunningHorde, client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The key of somebody whose worker gave two jobs back; its settings file is in the current folder."""
    for variable in ("HORDE_URL", "HORDE_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    made = register(client, "Ada")
    (tmp_path / "bridgeData.yaml").write_text(f'horde_url: {horde.url}\napi_key: {made}\nname: "{WORKER}"\n')
    with horde.client(made) as opened:
        for words in ("faulted: out of memory", "faulted: no <ink>"):
            ask(client)
            job = {"id": pop(opened, name=WORKER)["id"], "generation": words, "state": "faulted", "seed": -1}
            assert opened.post("/api/v2/generate/submit", json=job).status_code == 200
    return made


def test_reasons_are_told_newest_first_with_the_settings_of_the_folder(
    key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(["worker", "faults"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ", 1)[1] for line in lines] == [
        "stable_diffusion: no <ink>", "stable_diffusion: out of memory"
    ]  # fmt: skip


def test_programs_get_them_as_json_by_flags_alone(
    horde: RunningHorde, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bridgeData.yaml").unlink()

    assert status_of(["worker", "faults", WORKER, "--horde", horde.url, "--key", key, "--json"]) == 0

    assert [fault["reason"] for fault in json.loads(capsys.readouterr().out)] == ["no &lt;ink&gt;", "out of memory"]


def test_strangers_and_unknown_names_are_refused_with_a_reason(
    key: str, client: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    bob = register(client, "Bob")

    assert status_of(["worker", "faults", "--key", bob]) == FAILED
    assert "belongs to another account" in capsys.readouterr().err
    assert status_of(["worker", "faults", "no such worker"]) == FAILED
    assert "no such worker" in capsys.readouterr().err


def test_worker_without_faults_says_so(horde: RunningHorde, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    with horde.client(key) as opened:
        pop(opened, name="good")

    assert status_of(["worker", "faults", "good"]) == 0
    assert capsys.readouterr().err == "good gave no job back with a reason lately.\n"
