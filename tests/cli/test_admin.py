"""`horde admin user create`."""

import json

import pytest

from horde.cli.main import status_of
from horde.client import Horde
from tests.plugins.hordes import RunningHorde


@pytest.mark.parametrize(
    ("flag", "trusted", "moderator"), [("--trusted", True, False), ("--moderator", True, True), ("--admin", True, True)]
)
def test_flag_makes_an_account_with_its_roles(
    horde: RunningHorde,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flag: str,
    trusted: bool,
    moderator: bool,
) -> None:
    monkeypatch.setenv("DATABASE_URL", horde.settings.database_url)

    assert status_of(["admin", "user", "create", "Boss", flag, "--json"]) == 0

    with Horde(horde.url, json.loads(capsys.readouterr().out)["api_key"]) as boss:
        found = boss.account()
        assert (found.trusted, found.moderator, found.pseudonymous) == (trusted, moderator, False)
