"""`horde explain`: how far a request is and why it waits, for people and for programs."""

import json
from typing import Any

import httpx
import pytest
from msgspec import UNSET

from horde.cli.explain import explained
from horde.cli.main import status_of
from horde.cli.output import FAILED
from horde.wire.v2 import CheckAnswer
from tests.api.actors import ask, deliver, pop
from tests.plugins.hordes import RunningHorde

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HORDE_URL", raising=False)


def said(horde: RunningHorde, request_id: str, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """By label, what the command says of a request."""
    assert status_of(["explain", request_id, "--horde", horde.url]) == 0
    return dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())


def look(**changes: Any) -> CheckAnswer:
    values: dict[str, Any] = {
        "finished": 0, "processing": 0, "restarted": 0, "waiting": 1, "done": False, "faulted": False, "wait_time": 0,
        "queue_position": 1, "kudos": 0.0, "is_possible": True, "explanation": UNSET,
    }  # fmt: skip
    return CheckAnswer(**(values | changes))


def test_request_that_nobody_can_do_is_explained(
    horde: RunningHorde, client: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    pop(client)

    told = said(horde, ask(client, models=["rare"]), capsys)

    assert (told["state"], told["pictures"]) == ("waiting", "0 of 1 ready, 1 waiting")
    assert "rare" in told["why"]
    assert not {"time", "place"} & told.keys()  # nobody serves it, so it stands in no line


def test_request_in_the_queue_says_its_place(
    horde: RunningHorde, client: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    pop(client)
    for _ in range(2):
        ask(client)

    told = said(horde, ask(client), capsys)

    assert (told["state"], told["place"]) == ("waiting", "3 in the queue")
    assert told["why"] == "2 requests stand before it."


def test_request_on_its_way_and_done(
    horde: RunningHorde, client: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    request_id = ask(client, params={"n": 2})
    job = pop(client)
    assert deliver(client, job["id"]).status_code == 200
    last = pop(client)
    told = said(horde, request_id, capsys)
    assert (told["state"], told["pictures"], told["why"]) == (
        "being made", "1 of 2 ready, 1 being made", "A worker has it."
    )  # fmt: skip

    deliver(client, last["id"])

    assert said(horde, request_id, capsys) == {
        "state": "done", "pictures": "2 of 2 ready", "why": "Nothing of it waits any more."
    }  # fmt: skip


def test_json_is_for_programs(horde: RunningHorde, client: httpx.Client, capsys: pytest.CaptureFixture[str]) -> None:
    request_id = ask(client, models=["rare"])

    assert status_of(["explain", request_id, "--json", "--horde", horde.url]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told.pop("why")
    assert told == {
        "id": request_id, "state": "waiting", "place": None, "wait_s": None, "ready": 0, "being_made": 0, "waiting": 1,
        "failed_tries": 0, "is_possible": False,
    }  # fmt: skip


@pytest.mark.parametrize("request_id", [NOBODY, "nonsense"])
def test_unknown_request_is_one_line_and_a_hint(
    shared_horde: RunningHorde, capsys: pytest.CaptureFixture[str], request_id: str
) -> None:
    assert status_of(["explain", request_id, "--horde", shared_horde.url]) == FAILED

    captured = capsys.readouterr()
    assert captured.out == ""
    error, blank, hint = captured.err.splitlines()
    assert error == f"error: Request with ID '{request_id}' not found."
    assert blank == ""
    assert hint.startswith("hint: ")


@pytest.mark.parametrize(
    ("changes", "state", "why"),
    [
        ({"faulted": True, "done": True}, "given up", "It failed too often: nobody tries it again."),
        ({"waiting": 0, "finished": 1, "done": True}, "done", "Nothing of it waits any more."),
        ({"waiting": 0, "processing": 2}, "being made", "Workers have all of it."),
        ({"is_possible": False, "explanation": "Too large."}, "waiting", "Too large."),
        # A horde that does not explain itself, as the public one.
        ({"is_possible": False}, "waiting", "No worker online can do it."),
        # Part of it is being made and counts as possible, and for the rest nobody is there.
        ({"processing": 1, "explanation": "Gone."}, "being made", "Gone."),
        ({"queue_position": 2}, "waiting", "1 request stands before it."),
        ({"queue_position": 1235}, "waiting", "1,234 requests stand before it."),
        ({}, "waiting", "It is next: the first worker that is free and can do it takes it."),
    ],
)
def test_every_state_has_its_reason(changes: dict[str, Any], state: str, why: str) -> None:
    found = explained(NOBODY, look(**changes))

    assert (found.state, found.why) == (state, why)


@pytest.mark.parametrize(
    ("changes", "wait_s"),
    [({"wait_time": 7}, 7), ({}, None), ({"wait_time": 7, "is_possible": False}, None),
     ({"wait_time": 7, "done": True}, None)],
)  # fmt: skip
def test_time_is_told_only_where_it_is_known(changes: dict[str, Any], wait_s: int | None) -> None:
    assert explained(NOBODY, look(**changes)).wait_s == wait_s
