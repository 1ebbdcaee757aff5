"""Messages to workers over HTTP."""

from typing import Any

import httpx
import pytest

from tests.api.actors import Json, ask, pop, register
from tests.api.v2.by_hand import change
from tests.plugins.hordes import ANONYMOUS, RunningHorde

MESSAGES = "/api/v2/workers/messages"
NOBODY = "00000000-0000-4000-8000-000000000000"
Headers = dict[str, str]


@pytest.fixture
def judge(horde: RunningHorde, client: httpx.Client) -> Headers:
    """The first account, a moderator."""
    key = register(client, "Judge")
    change(horde, "UPDATE users SET is_moderator = true, is_trusted = true WHERE id = 1")
    return {"apikey": key}


@pytest.fixture
def ada(client: httpx.Client, judge: Headers) -> Headers:
    """The second account, which owns the worker `Atlas`."""
    return {"apikey": register(client, "Ada")}


@pytest.fixture
def atlas(horde: RunningHorde, ada: Headers) -> str:
    """The worker's id."""
    with horde.client(ada["apikey"]) as owner:
        pop(owner, name="Atlas")
        [found] = owner.get("/api/v2/workers").json()
    return str(found["id"])


def written(client: httpx.Client, author: Headers, **fields: Any) -> Json:
    answer = client.post(MESSAGES, json=fields, headers=author)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def refused(answer: httpx.Response) -> tuple[int, str]:
    assert set(answer.json()) == {"message", "rc"}
    return answer.status_code, str(answer.json()["rc"])


def test_message_is_shown_with_every_pop(
    horde: RunningHorde, client: httpx.Client, judge: Headers, ada: Headers, atlas: str
) -> None:
    own = written(client, ada, message="mind the fan", worker_id=atlas, origin="ignored", expiry=1)
    to_all = written(client, judge, message="for all", origin="The Horde")

    assert own.keys() == {"id", "message", "origin", "expiry", "created", "worker_id", "user_id"}
    assert (own["worker_id"], own["user_id"], own["origin"]) == (atlas, "2", "2")
    assert own["expiry"].endswith(" -0000")
    assert to_all.keys() == own.keys() - {"worker_id"}
    with horde.client(ada["apikey"]) as owner:
        idle = pop(owner, name="Atlas")
        ask(client)
        busy = pop(owner, name="Atlas")
    assert (idle["id"], busy["id"] is None) == (None, False)
    assert idle["messages"] == busy["messages"]
    assert [(one["id"], one["message"], one["origin"]) for one in idle["messages"]] == [
        (own["id"], "mind the fan", "2"), (to_all["id"], "for all", "The Horde")
    ]  # fmt: skip


def test_messages_are_read_and_deleted(client: httpx.Client, judge: Headers, ada: Headers, atlas: str) -> None:
    own = written(client, ada, message="x", worker_id=atlas)
    one = f"{MESSAGES}/{own['id']}"

    assert client.get(one).json() == own
    assert client.get(MESSAGES, headers=ada).json() == [own]
    assert client.get(MESSAGES, headers=ada, params={"validity": "expired"}).json() == []
    assert client.get(MESSAGES, headers=judge, params={"user_id": "2", "worker_id": atlas, "page": 1}).json() == [own]
    assert client.get(MESSAGES, headers=judge, params={"page": 2}).json() == []
    assert client.delete(one, headers=ada).json() == {"message": "OK"}
    assert refused(client.get(one)) == (404, "WorkermessageNotFound")


def test_refusals_have_their_codes(client: httpx.Client, judge: Headers, ada: Headers, atlas: str) -> None:
    bob = {"apikey": register(client, "Bob")}
    own = written(client, ada, message="x", worker_id=atlas)
    one = f"{MESSAGES}/{own['id']}"

    def writes(author: Headers, **fields: Any) -> tuple[int, str]:
        return refused(client.post(MESSAGES, json={"message": "x", **fields}, headers=author))

    assert writes({"apikey": "unknown"}) == (401, "InvalidAPIKey")
    assert writes({"apikey": ANONYMOUS}) == (403, "AnonForbidden")
    assert writes(judge, worker_id=NOBODY) == writes(ada, worker_id="x") == (404, "WorkerNotFound")
    assert writes(bob, worker_id=atlas) == writes(ada) == (403, "MessagesOnlyOwnWorkers")
    assert refused(client.get(MESSAGES, headers={"apikey": "unknown"})) == (401, "InvalidAPIKey")
    assert refused(client.get(MESSAGES, headers=ada, params={"user_id": "1"})) == (403, "Forbidden")
    assert refused(client.delete(one, headers={"apikey": "unknown"})) == (401, "InvalidAPIKey")
    assert refused(client.delete(one, headers=bob)) == (403, "Forbidden")
    for unknown in (NOBODY, "x"):
        assert refused(client.delete(f"{MESSAGES}/{unknown}", headers=ada)) == (404, "WorkermessageNotFound")
        assert refused(client.get(f"{MESSAGES}/{unknown}")) == (404, "WorkermessageNotFound")


@pytest.mark.parametrize(
    "fields",
    [
        {"message": ""}, {"message": "x" * 10_241}, {"origin": ""}, {"origin": "x" * 256}, {"expiry": 0},
        {"expiry": 721}, {"expiry": "1"}, {"worker_id": "x" * 37}, {"worker_id": None},
    ],
)  # fmt: skip
def test_field_out_of_its_bounds_breaks_the_schema(shared_client: httpx.Client, fields: Json) -> None:
    answer = shared_client.post(MESSAGES, json={"message": "x", **fields})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, list(fields))


@pytest.mark.parametrize("query", [{"validity": "some"}, {"page": "x"}])
def test_argument_that_does_not_fit_breaks_the_schema(shared_client: httpx.Client, query: Json) -> None:
    answer = shared_client.get(MESSAGES, params=query)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, list(query))


def test_worker_is_seen_with_more_by_moderators_and_where_its_owner_wants_so(
    horde: RunningHorde, client: httpx.Client, judge: Headers, ada: Headers, atlas: str
) -> None:
    own = written(client, ada, message="x", worker_id=atlas)
    change(horde, "UPDATE users SET contact = 'ada@example' WHERE id = 2")
    change(horde, "INSERT INTO worker_suspicions (worker_id, reason, points) SELECT id, 'too fast', 2 FROM workers")
    in_worker = {name: value for name, value in own.items() if name != "id"}
    public = {"owner": "Ada#2", "messages": [in_worker]}
    all_routes = ("/api/v2/workers", f"/api/v2/workers/{atlas}", "/api/v2/workers/name/Atlas")

    def shown(path: str, headers: Headers) -> Json:
        found = client.get(path, headers=headers).json()
        worker: Json = found[0] if isinstance(found, list) else found
        return worker

    for path in all_routes:
        seen = shown(path, {})
        assert not seen.keys() & {"owner", "messages", "paused", "suspicious", "ipaddr", "contact"}
        for key in (ada, {"apikey": "unknown"}):
            assert shown(path, key).keys() == seen.keys()
        more = {"paused": False, "suspicious": 2, "contact": "ada@example"}
        assert shown(path, judge) | public | more == shown(path, judge)
    change(horde, "UPDATE users SET has_public_workers = true WHERE id = 2")
    for path in all_routes:
        assert shown(path, {}) | public == shown(path, {})
        assert "paused" not in shown(path, {})
