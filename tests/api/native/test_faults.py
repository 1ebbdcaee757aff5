"""GET /api/workers/{id}/faults: what a worker said of jobs that it gave back, for its owner."""

from typing import Any

import httpx
import pytest

from horde.client import Horde
from tests.api.actors import ask, pop, register
from tests.api.v2.by_hand import change
from tests.plugins.hordes import RunningHorde

WORKER = "Ada's rig"


@pytest.fixture
def ada(horde: RunningHorde, client: httpx.Client) -> Any:
    """A client of somebody whose worker gave two jobs back with a word and one without."""
    key = register(client, "Ada")
    with horde.client(key) as opened:
        for words in ("faulted: no paint", "faulted", "faulted: \x1b[31mno\u202e <b>ink</b>\r\n\x9bleft"):
            ask(client)
            job = {"id": pop(opened, name=WORKER)["id"], "generation": words, "state": "faulted", "seed": -1}
            assert opened.post("/api/v2/generate/submit", json=job).status_code == 200
        yield opened


def worker_id(client: httpx.Client) -> str:
    (found,) = [worker["id"] for worker in client.get("/api/v2/workers").json() if worker["name"] == WORKER]
    return str(found)


def test_owner_reads_what_the_worker_said_in_one_line_that_steers_neither_page_nor_terminal(ada: httpx.Client) -> None:
    answer = ada.get(f"/api/workers/{worker_id(ada)}/faults")

    assert answer.status_code == 200, answer.text
    assert [fault["reason"] for fault in answer.json()] == ["[31mno &lt;b&gt;ink&lt;/b&gt; left", "no paint"]
    assert {frozenset(fault) for fault in answer.json()} == {frozenset({"job_id", "model", "reason", "ended_at"})}
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_it_is_read_by_the_client_too(horde: RunningHorde, ada: httpx.Client) -> None:
    with Horde(horde.url, ada.headers["apikey"]) as client:
        assert [fault.reason for fault in client.worker_faults(worker_id(ada))][1:] == ["no paint"]


def test_nobody_else_reads_it_but_moderators(horde: RunningHorde, client: httpx.Client, ada: httpx.Client) -> None:
    path = f"/api/workers/{worker_id(ada)}/faults"
    bob = register(client, "Bob")

    for key, status in ((bob, 403), ("0000000000", 403), ("unknown", 401)):
        assert client.get(path, headers={"apikey": key}).status_code == status, key
    change(horde, "UPDATE users SET is_moderator = true, is_trusted = true WHERE name = 'Bob'")
    assert client.get(path, headers={"apikey": bob}).json() == ada.get(path).json()
    assert client.get("/api/workers/nobody/faults", headers={"apikey": bob}).status_code == 404
