"""`horde register`: an account and its key."""

import json

import pytest

from horde.cli.main import status_of
from horde.cli.output import MISUSED
from horde.client import Horde
from tests.plugins.hordes import RunningHorde


def test_key_alone_goes_to_stdout_and_works(horde: RunningHorde, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["register", "Ann", "--horde", horde.url]) == 0

    captured = capsys.readouterr()
    with Horde(horde.url, captured.out.strip()) as ann:
        assert ann.account().username in captured.err
    assert captured.out.strip() not in captured.err
    assert "keep it" in captured.err


def test_json_has_the_whole_account(horde: RunningHorde, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["register", "Ann", "--json", "--horde", horde.url]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["username"] == f"Ann#{told['id']}"
    assert told["api_key"]


def test_name_that_the_horde_refuses_is_said(horde: RunningHorde, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["register", "x" * 31, "--horde", horde.url]) == MISUSED

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
