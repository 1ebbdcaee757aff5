"""`horde admin ledger`: whether the kudos add up, and all events for tools of one's own."""

import asyncio
import csv
import json
from collections import defaultdict
from pathlib import Path

import asyncpg
import httpx
import pytest

from horde.cli.main import status_of
from horde.cli.output import FAILED, MISUSED
from tests.api.actors import ask, register, serve_one
from tests.plugins.hordes import RunningHorde

POCKETS = ("spendable_mk", "held_mk", "escrow_mk")


@pytest.fixture(autouse=True)
def its_database(horde: RunningHorde, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands look after the horde that runs."""
    monkeypatch.setenv("DATABASE_URL", horde.settings.database_url)


@pytest.fixture(autouse=True)
def kudos_that_moved(horde: RunningHorde, client: httpx.Client) -> None:
    """A request that was paid, and one for which kudos are held; one account has the name of a formula."""
    with horde.client(register(client, "=1+1")) as ada, horde.client(register(client, "Bob")) as bob:
        ask(ada)
        serve_one(bob)
        ask(ada)


def write_past_the_server(horde: RunningHorde, *statements: str) -> None:
    async def write() -> None:
        connection = await asyncpg.connect(horde.settings.database_url)
        try:
            for statement in ("SET session_replication_role = replica", *statements):
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(write())


def test_clean_ledger_says_how_much_was_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["admin", "ledger", "verify"]) == 0

    told = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert told["checked"].endswith("in 3 accounts: all add up")
    assert float(told["minted"]) > 28  # what both accounts opened with, and more


def test_clean_ledger_in_json_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["admin", "ledger", "verify", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["minted_mk"] == told["burnt_mk"] + sum(told[pocket] for pocket in POCKETS) > 0


def test_event_that_does_not_add_up_is_named_with_status_1(
    horde: RunningHorde, capsys: pytest.CaptureFixture[str]
) -> None:
    write_past_the_server(horde, "UPDATE ledger_postings SET spendable_mk = spendable_mk + 1 WHERE event_seq = 2")

    assert status_of(["admin", "ledger", "verify"]) == FAILED

    captured = capsys.readouterr()
    error, blank, hint = captured.err.splitlines()
    assert captured.out == ""
    assert error.startswith("error: event 2 (")
    assert error.endswith(" UTC) does not add up: its postings sum to 0.002 instead of 0.000")
    assert (blank, hint.startswith("hint: ")) == ("", True)


def test_event_that_does_not_add_up_is_named_in_json(horde: RunningHorde, capsys: pytest.CaptureFixture[str]) -> None:
    write_past_the_server(horde, "UPDATE ledger_postings SET spendable_mk = spendable_mk + 1 WHERE event_seq = 2")

    assert status_of(["admin", "ledger", "verify", "--json"]) == FAILED

    told = json.loads(capsys.readouterr().out)
    assert (told["seq"], told["kind"], "0.002" in told["reason"]) == (2, "opening", True)


def test_exported_lines_hold_every_event_and_sum_to_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["admin", "ledger", "export"]) == 0

    captured = capsys.readouterr()
    events = [json.loads(line) for line in captured.out.splitlines()]
    assert captured.err == f"exported {len(events)} events\n"
    assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)
    assert [event["kind"] for event in events][-3:] == ["ask", "job", "ask"]
    accounts: defaultdict[str, int] = defaultdict(int)
    for event in events:
        assert sum(posting[pocket] for posting in event["postings"] for pocket in POCKETS) == 0
        for posting in event["postings"]:
            accounts[posting["account"]] += sum(posting[pocket] for pocket in POCKETS)
    assert sum(accounts.values()) == 0
    assert {"mint", "burn", "=1+1#1", "Bob#2"} <= accounts.keys()


def test_exported_csv_can_be_read_again_and_sums_to_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "ledger.csv"

    assert status_of(["admin", "ledger", "export", "--format", "csv", "--output", str(file)]) == 0

    assert capsys.readouterr().out == ""
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert sum(int(row[pocket]) for row in rows for pocket in POCKETS) == 0
    # No spreadsheet computes what somebody called himself.
    assert {row["account"] for row in rows} >= {"mint", "'=1+1#1", "Bob#2"}
    last = [row for row in rows if row["account"] == "'=1+1#1"][-1]
    assert int(last["held_after_mk"]) == sum(int(row["held_mk"]) for row in rows if row["account"] == "'=1+1#1")


def test_file_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "missing" / "ledger.csv"

    assert status_of(["admin", "ledger", "export", "-o", str(file)]) == MISUSED

    assert f"error: {file} cannot be written: No such file or directory" in capsys.readouterr().err
