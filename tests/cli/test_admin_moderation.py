"""`horde admin address` and `horde admin filter`."""

import httpx
import pytest

from horde.cli.main import status_of
from horde.cli.output import MISUSED
from tests.api.actors import register
from tests.api.v2.by_hand import change
from tests.plugins.hordes import RunningHorde


@pytest.fixture(autouse=True)
def _database(horde: RunningHorde, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", horde.settings.database_url)


def asked(client: httpx.Client) -> int:
    return client.post("/api/v2/generate/async", json={"prompt": "a fox"}).status_code


def test_operator_keeps_an_address_out_of_the_running_server(
    client: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(["admin", "address", "block", "127.0.0.1/8", "--hours", "2"]) == 0
    assert asked(client) == 403
    assert status_of(["admin", "address", "list"]) == 0
    assert status_of(["admin", "address", "unblock", "127.0.0.0/8"]) == 0
    assert asked(client) == 202
    assert status_of(["admin", "address", "unblock", "127.0.0.0/8"]) == MISUSED

    said = capsys.readouterr()
    assert said.out.startswith("127.0.0.0/8 ")
    assert "127.0.0.0/8 is kept out until" in said.err
    assert "127.0.0.0/8 is let in again." in said.err
    assert "127.0.0.0/8 is not kept out." in said.err


def test_what_is_no_address_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["admin", "address", "block", "home", "--hours", "1"]) == MISUSED

    assert "'home' is neither an IP address nor a network" in capsys.readouterr().err


def test_operator_sees_the_filters(
    horde: RunningHorde, client: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    key = register(client, "mona")
    change(horde, "UPDATE users SET is_moderator = true WHERE id = 1")
    for body in ({"regex": "elf", "filter_type": 10, "replacement": "knight"}, {"regex": "dragon", "filter_type": 20}):
        assert client.put("/api/v2/filters", json=body, headers={"apikey": key}).status_code == 200

    assert status_of(["admin", "filter", "list"]) == 0
    assert capsys.readouterr().out == "    1  type 10  elf  -> knight\n    2  type 20  dragon\n"
    assert status_of(["admin", "filter", "list", "--type", "20"]) == 0
    assert capsys.readouterr().out == "    2  type 20  dragon\n"
