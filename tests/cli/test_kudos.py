"""`horde kudos`: what an account holds and what moved it, for people and for programs."""

import csv
import io
import json
import os

import httpx
import pytest

from horde.cli.kudos import gathered
from horde.cli.main import status_of
from horde.cli.output import FAILED, MISUSED
from horde.client import Horde
from horde.wire.native import Statement
from tests.api.actors import ask, register, serve_one
from tests.plugins.hordes import RunningHorde


@pytest.fixture
def request_id(horde: RunningHorde, client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> str:
    """A request of an account whose key and horde are told by the environment; it was served."""
    key = register(client, "robin")
    monkeypatch.setenv("HORDE_URL", horde.url)
    monkeypatch.setenv("HORDE_API_KEY", key)
    with horde.client(key) as robin:
        found = ask(robin)
    serve_one(client)
    return found


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What the command answers; nothing else may be said."""
    assert status_of(["kudos", *words]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def test_balance_and_last_entries_are_shown(request_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    name, spendable, held, escrow, blank, head, *entries = said(capsys).splitlines()

    assert (name, blank) == ("robin#1", "")
    assert spendable.split()[:2] == ["spendable", "14.000"]
    assert spendable.endswith("of which 14.000 stay: the floor of this account")
    assert (held.split()[:2], escrow.split()[:2]) == (["held", "0.000"], ["escrow", "0.000"])
    assert head.split() == ["when", "(UTC)", "spendable", "after", "what"]
    assert [line.split("  ")[-1].split()[0] for line in entries] == ["request", "request", "the"]
    assert f"request {request_id}: paid 1.000 for asking; 1.000 given to stay at the floor" in entries[1]


def test_key_may_be_said_as_for_generate(
    horde: RunningHorde, client: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    key = register(client, "Ann")

    assert said(capsys, "--horde", horde.url, "--key", key).startswith("Ann#1\n")


def test_csv_has_the_entries_alone(request_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(said(capsys, "--csv", "--kind", "ask"))))

    assert [(row["kind"], row["request_id"]) for row in rows] == [("ask", request_id)]


def test_json_is_the_whole_statement(request_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(said(capsys, "--json", "--request", request_id))

    assert [entry["kind"] for entry in told["entries"]] == ["job", "ask"]
    assert told["balance"]["spendable"] == 14.0


def test_more_entries_than_a_page_has_are_fetched(request_id: str, horde: RunningHorde) -> None:
    with Horde(horde.url, os.environ["HORDE_API_KEY"]) as robin:

        def read(before: int | None, page: int) -> Statement:
            return robin.statement(before=before, limit=page)

        def kinds(limit: int) -> list[str]:
            return [entry.kind for entry in gathered(read, limit, page_max=1).entries]

        assert kinds(10) == ["job", "ask", "opening"]
        assert kinds(2) == ["job", "ask"]


def test_time_may_be_a_day(request_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--since", "2100-01-01").endswith("\nnothing moved\n")
    assert request_id in said(capsys, "--since", "2000-01-01", "--until", "2100-01-01")


def test_anonymous_account_is_told_to_register(
    shared_horde: RunningHorde, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HORDE_API_KEY", raising=False)

    assert status_of(["kudos", "--horde", shared_horde.url]) == FAILED

    error, _, hint = capsys.readouterr().err.splitlines()
    assert error == "error: The anonymous account is everybody's, so nobody gets a statement of it."
    assert hint == "hint: register for a key of your own."


@pytest.mark.parametrize("words", [["--limit", "0"], ["--kind", "theft"], ["--request", "nonsense"]])
def test_nonsense_is_refused(shared_horde: RunningHorde, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert status_of(["kudos", *words, "--horde", shared_horde.url]) == MISUSED

    assert capsys.readouterr().err.startswith("error: ")
