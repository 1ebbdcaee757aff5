"""`horde admin worker`: the operator's way out of maintenance for every worker, also for those that nobody owns."""

import httpx
import pytest

from horde.cli.main import status_of
from horde.cli.output import MISUSED
from tests.api.actors import pop
from tests.plugins.hordes import RunningHorde


@pytest.fixture(autouse=True)
def _database(horde: RunningHorde, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", horde.settings.database_url)


def is_in_maintenance(client: httpx.Client, name: str) -> bool:
    return bool(client.get(f"/api/v2/workers/name/{name}").json()["maintenance_mode"])


def test_operator_puts_a_worker_into_maintenance_and_takes_it_out(
    client: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    pop(client, name="Nemo")
    seen = []
    for words in (["on", "--message", "the maintenance mode of today"], ["off"]):
        assert status_of(["admin", "worker", "Nemo", "--maintenance", *words]) == 0
        seen.append(is_in_maintenance(client, "Nemo"))

    assert seen == [True, False]
    said = capsys.readouterr().err
    assert "Nemo is in maintenance mode" in said
    assert "Nemo is out of maintenance mode" in said
    assert pop(client, name="Nemo")["id"] is None


def test_worker_that_nobody_knows_is_said(client: httpx.Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["admin", "worker", "Nobody", "--maintenance", "off"]) == MISUSED
    assert "'Nobody' not found" in capsys.readouterr().err


def test_command_without_a_wish_is_misused(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["admin", "worker", "Nemo"]) == MISUSED
    assert "--maintenance" in capsys.readouterr().err
