"""GET /api/kudos/statement: my own entries, as JSON and as CSV."""

import csv
import io
from typing import Any

import httpx
import pytest

from tests.api.actors import ask, register, serve_one
from tests.plugins.hordes import RunningHorde

PATH = "/api/kudos/statement"


@pytest.fixture
def ada(horde: RunningHorde, client: httpx.Client) -> Any:
    """A client of somebody who asked twice and was served once."""
    with horde.client(register(client, "Ada")) as opened, horde.client(register(client, "Bob")) as bob:
        ask(opened)
        serve_one(bob, name="=worker")
        ask(opened)
        yield opened


def read(client: httpx.Client, **query: Any) -> Any:
    answer = client.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_statement_tells_balance_and_entries(ada: httpx.Client) -> None:
    told = read(ada)

    assert told.keys() == {"username", "balance", "entries", "next_before"}
    assert (told["username"], told["balance"]["floor"], told["next_before"]) == ("Ada#1", 14.0, None)
    assert [entry["kind"] for entry in told["entries"]] == ["ask", "job", "ask", "opening"]
    newest = told["entries"][0]["after"]
    assert {pocket: told["balance"][pocket] for pocket in newest} == newest
    assert told["entries"][1]["worker"] == "=worker"


def test_next_page_is_named_in_body_and_header(ada: httpx.Client) -> None:
    answer = ada.get(PATH, params={"limit": 3, "kind": "ask"})
    assert (answer.json()["next_before"], "link" in answer.headers) == (None, False)

    answer = ada.get(PATH, params={"limit": 1})
    linked = ada.get(answer.links["next"]["url"]).json()

    assert linked == read(ada, limit=1, before=answer.json()["next_before"])
    assert [entry["kind"] for entry in linked["entries"]] == ["job"]


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ({"format": "csv"}, {}),
        ({}, {"Accept": "text/csv"}),
        ({"format": "csv"}, {"Accept": "application/json"}),
    ],
)
def test_csv_holds_the_same_and_no_formula(ada: httpx.Client, query: dict[str, str], headers: dict[str, str]) -> None:
    answer = ada.get(PATH, params=query, headers=headers)

    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    entries = read(ada)["entries"]
    assert [int(row["seq"]) for row in rows] == [entry["seq"] for entry in entries]
    assert [float(row["spendable"]) for row in rows] == [entry["moved"]["spendable"] for entry in entries]
    assert rows[1]["worker"] == "'=worker"
    assert rows[1]["explanation"] == entries[1]["explanation"]


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html,*/*;q=0.8"])
def test_json_is_what_everybody_else_gets(ada: httpx.Client, accept: str) -> None:
    answer = ada.get(PATH, headers={"Accept": accept})

    assert answer.json()["username"] == "Ada#1"
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_entries_can_be_asked_for_by_request_and_time(ada: httpx.Client) -> None:
    asked = read(ada, kind="job")["entries"][0]["request_id"]

    assert [entry["kind"] for entry in read(ada, request=asked)["entries"]] == ["job", "ask"]
    assert read(ada, since="2100-01-01T00:00:00Z")["entries"] == []
    assert read(ada, until="2100-01-01T00:00:00")["entries"] == read(ada, since="2000-01-01T00:00:00")["entries"]


@pytest.mark.parametrize(
    "query",
    [{"limit": 0}, {"limit": 501}, {"before": -1}, {"kind": "theft"}, {"request": "nonsense"}, {"since": "soon"}],
)
def test_nonsense_is_refused(shared_horde: RunningHorde, query: dict[str, Any]) -> None:
    with shared_horde.client() as client:
        answer = client.get(PATH, params=query)

    assert (answer.status_code, answer.json()["message"]) == (400, "Input payload validation failed")


def test_anonymous_and_unknown_keys_are_refused(shared_horde: RunningHorde) -> None:
    with shared_horde.client() as nobody, shared_horde.client("unknown") as stranger:
        assert (nobody.get(PATH).status_code, nobody.get(PATH).json()["rc"]) == (403, "AnonForbidden")
        assert (stranger.get(PATH).status_code, stranger.get(PATH).json()["rc"]) == (401, "InvalidAPIKey")
