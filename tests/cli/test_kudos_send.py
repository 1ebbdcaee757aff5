"""`horde kudos send`."""

import io

import pytest

from horde.cli.main import status_of
from horde.cli.output import FAILED, MISUSED
from horde.client import AsyncHorde, Horde
from tests.api.v2.by_hand import change
from tests.plugins.hordes import RunningHorde


def two_accounts(horde: RunningHorde) -> str:
    """Ada with 100 kudos, and Bob; returns Ada's key."""
    with Horde(horde.url) as opened:
        key = opened.register("Ada").api_key
        opened.register("Bob")
    change(horde, "UPDATE ledger_accounts SET spendable_mk = 100000 WHERE user_id = 1")
    return key


def test_amount_alone_goes_to_stdout(horde: RunningHorde, capsys: pytest.CaptureFixture[str]) -> None:
    key = two_accounts(horde)

    assert status_of(["kudos", "send", "Bob#2", "30", "--yes", "--horde", horde.url, "--key", key]) == 0

    captured = capsys.readouterr()
    assert captured.out == "30\n"
    assert "Bob#2" in captured.err
    with Horde(horde.url, key) as ada:
        assert ada.account().kudos == 70


@pytest.mark.parametrize(("said", "status", "left"), [("y\n", 0, 70), ("\n", FAILED, 100), ("", FAILED, 100)])
def test_it_asks_before_it_sends(
    horde: RunningHorde,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    said: str,
    status: int,
    left: int,
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    key = two_accounts(horde)
    monkeypatch.setattr("sys.stdin", Terminal(said))

    assert status_of(["kudos", "send", "Bob#2", "30", "--horde", horde.url, "--key", key]) == status

    assert "send 30 kudos from Ada#1 to Bob#2?" in capsys.readouterr().err
    with Horde(horde.url, key) as ada:
        assert ada.account().kudos == left


def test_without_a_person_it_wants_to_be_told_yes(
    horde: RunningHorde, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))

    assert status_of(["kudos", "send", "Bob#2", "30", "--horde", horde.url, "--key", two_accounts(horde)]) == MISUSED

    assert "--yes" in capsys.readouterr().err


def test_refusal_is_said_with_its_hint(horde: RunningHorde, capsys: pytest.CaptureFixture[str]) -> None:
    key = two_accounts(horde)

    assert status_of(["kudos", "send", "Bob#2", "87", "--yes", "--horde", horde.url, "--key", key]) == MISUSED

    said = capsys.readouterr().err
    assert "error: 87 kudos are more than the 86.000 available." in said
    assert "\nhint: " in said


async def test_both_clients_give_once_for_each_key(horde: RunningHorde) -> None:
    key = two_accounts(horde)
    with Horde(horde.url, key) as ada:
        assert ada.transfer("Bob#2", 10, key="one") == ada.transfer("Bob#2", 10, key="one") == 10
        assert ada.account().kudos == 90
        assert ada.transfer("Bob#2", 10) == ada.transfer("Bob#2", 10) == 10
        assert ada.account().kudos == 70
    async with AsyncHorde(horde.url, key) as ada:
        assert await ada.transfer("Bob#2", 10) == await ada.transfer("Bob#2", 10) == 10
        assert (await ada.account()).kudos == 50
