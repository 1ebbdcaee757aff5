"""Workers as v2 and our own routes show them, and what they are told."""

from collections.abc import Callable
from urllib.parse import quote

import httpx
import msgspec
import pytest

from horde.server.settings import Settings
from tests.api.actors import MODEL, Json, ask, deliver, pop, register, serve_one
from tests.api.v2.by_hand import change
from tests.plugins.hordes import RunningHorde, running

HERE = "203.0.114.7"
"""A public address, of nobody in particular."""


def listed(client: httpx.Client) -> list[Json]:
    found: list[Json] = client.get("/api/v2/workers").json()
    return found


@pytest.mark.parametrize("name", ["Shown", "Two Words", "a/b", "ünï?#%"])
def test_worker_is_found_by_exactly_its_name(client: httpx.Client, name: str) -> None:
    pop(client, name=name)

    found = client.get(f"/api/v2/workers/name/{quote(name, safe='')}")

    assert found.json() == listed(client)[0]
    assert client.get(f"/api/v2/workers/name/{quote(name.upper(), safe='')}").status_code == 404


@pytest.mark.parametrize("name", ["nobody", "%00", "x" * 500])
def test_unknown_name_is_not_found(shared_client: httpx.Client, name: str) -> None:
    answer = shared_client.get(f"/api/v2/workers/name/{name}")

    assert (answer.status_code, answer.json()["rc"]) == (404, "WorkerNotFound")


def test_worker_that_went_offline_leaves_the_list_and_is_still_found(horde: RunningHorde, client: httpx.Client) -> None:
    pop(client, name="Gone")
    (before,) = listed(client)
    change(horde, "UPDATE workers SET last_seen = now() - interval '301 seconds', changed_at = clock_timestamp()")

    assert listed(client) == []
    for found in (client.get(f"/api/v2/workers/{before['id']}"), client.get("/api/v2/workers/name/Gone")):
        assert found.json() == before | {"online": False}


def test_uncompleted_jobs_and_uptime_are_shown_as_they_are(horde: RunningHorde, client: httpx.Client) -> None:
    pop(client)
    change(horde, "UPDATE workers SET uncompleted = 3, uptime_s = 61.6, changed_at = clock_timestamp()")

    (worker,) = listed(client)

    assert (worker["uncompleted_jobs"], worker["uptime"]) == (3, 62)


def test_speed_with_each_model_is_shown_on_a_route_of_our_own(client: httpx.Client) -> None:
    ask(client)
    serve_one(client)
    pop(client, models=[MODEL, "new"])
    (worker,) = listed(client)

    first, second = client.get(f"/api/workers/{worker['id']}/models").json()

    assert (first["model"], first["jobs"], first["is_offered"]) == (MODEL, 1, True)
    assert first["things_per_second"] > 0
    assert second == {"model": "new", "jobs": 0, "things_per_second": None, "is_offered": True}


def test_models_of_an_unknown_worker_are_not_found(shared_client: httpx.Client) -> None:
    assert shared_client.get("/api/workers/nobody/models").json()["rc"] == "WorkerNotFound"


def test_paused_worker_is_told_so_and_gets_no_decoys(horde: RunningHorde, client: httpx.Client) -> None:
    with horde.client(register(client)) as owner:
        assert pop(owner)["messages"] == []
        change(horde, "UPDATE workers SET is_paused = true, changed_at = clock_timestamp()")
        ask(client)

        idle = pop(owner)
        own = ask(owner)
        job = pop(owner)

    assert (idle["id"], idle["ids"]) == (None, [])
    (message,) = idle["messages"]
    assert message.keys() == {"id", "message", "origin", "expiry"}
    assert "paused" in message["message"]
    assert job["id"], f"its owner's request {own} is served"


def test_owner_takes_a_worker_that_failed_too_often_out_of_maintenance(
    horde: RunningHorde, client: httpx.Client
) -> None:
    with horde.client(register(client)) as owner, horde.client(register(client, "bob")) as other:
        for _ in range(21):
            ask(other)
            deliver(owner, pop(owner)["id"], state="faulted")
        body = {"name": "worker", "models": [MODEL], "max_pixels": 512 * 512}
        refused = owner.post("/api/v2/generate/pop", json=body)
        (worker,) = listed(client)
        path = f"/api/v2/workers/{worker['id']}"
        denied = other.put(path, json={"maintenance": False})
        changed = owner.put(path, json={"maintenance": False, "info": "mended"})

        assert (refused.status_code, refused.json()["rc"]) == (403, "WorkerMaintenance")
        assert "maintenance mode" in refused.json()["message"]
        assert worker["maintenance_mode"] is True
        assert (denied.status_code, denied.json()["rc"]) == (403, "NotOwner")
        assert (changed.status_code, changed.json()) == (200, {"maintenance": False, "info": "mended"})
        assert pop(owner)["id"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"maintenance": "true"}, "maintenance"),
        ({"maintenance": None}, "maintenance"),
        ({"info": "x" * 1001}, "info"),
        ({"name": "Four"}, "name"),
        ({"name": "x" * 101}, "name"),
    ],
)
def test_change_that_does_not_fit_the_schema_is_refused(shared_client: httpx.Client, body: Json, path: str) -> None:
    answer = shared_client.put("/api/v2/workers/nobody", json=body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [path])


@pytest.mark.parametrize(
    ("body", "status", "rc"),
    [({"maintenance": True}, 403, "AnonForbiddenWorker"), ({}, 400, "NoWorkerModSelected")],
)
def test_anonymous_key_changes_no_worker(client: httpx.Client, body: Json, status: int, rc: str) -> None:
    pop(client)
    (worker,) = listed(client)

    answer = client.put(f"/api/v2/workers/{worker['id']}", json=body)

    assert (answer.status_code, answer.json()["rc"]) == (status, rc)
    assert listed(client) == [worker]


@pytest.mark.parametrize(
    "call",
    [
        lambda client, worker_id: client.put(f"/api/v2/workers/{worker_id}", json={"maintenance": True}),
        lambda client, worker_id: client.delete(f"/api/v2/workers/{worker_id}"),
    ],
    ids=["PUT", "DELETE"],
)
def test_worker_is_looked_for_before_the_key(
    horde: RunningHorde, client: httpx.Client, call: Callable[[httpx.Client, str], httpx.Response]
) -> None:
    pop(client)
    (worker,) = listed(client)
    with horde.client("nonsense") as stranger:
        answers = [call(stranger, worker_id) for worker_id in ("nobody", worker["id"])]

    assert [(answer.status_code, answer.json()["rc"]) for answer in answers] == [
        (404, "WorkerNotFound"),
        (401, "InvalidAPIKey"),
    ]
    assert listed(client) == [worker]


def test_owner_deletes_a_worker(client: httpx.Client, horde: RunningHorde) -> None:
    with horde.client(register(client)) as owner:
        pop(owner, name="Old")
        (worker,) = listed(client)

        answers = [owner.delete(f"/api/v2/workers/{worker['id']}") for _ in range(2)]

    assert (answers[0].status_code, answers[0].json()) == (200, {"deleted_id": worker["id"], "deleted_name": "Old"})
    assert (answers[1].status_code, answers[1].json()["rc"]) == (404, "WorkerNotFound")
    assert listed(client) == []


def test_stranger_deletes_no_worker(client: httpx.Client, horde: RunningHorde) -> None:
    pop(client)
    (worker,) = listed(client)
    with horde.client(register(client)) as stranger, horde.client(None) as nobody, horde.client("nonsense") as unknown:
        answers = [who.delete(f"/api/v2/workers/{worker['id']}") for who in (stranger, client, nobody, unknown)]

    assert [(answer.status_code, answer.json()["rc"]) for answer in answers] == [
        (403, "NotModerator"),
        (403, "AnonForbiddenWorker"),
        (401, "InvalidAPIKey"),
        (401, "InvalidAPIKey"),
    ]
    assert listed(client) == [worker]


def from_address(client: httpx.Client, name: str, address: str = HERE) -> httpx.Response:
    """A pop that a reverse proxy passed on."""
    body = {"name": name, "models": [MODEL]}
    return client.post("/api/v2/generate/pop", json=body, headers={"X-Forwarded-For": address})


def test_fifth_worker_of_a_stranger_is_refused(horde: RunningHorde, client: httpx.Client) -> None:
    with horde.client(register(client)) as stranger:
        answers = [from_address(stranger, f"W{at}", f"203.0.114.{at}") for at in range(1, 6)]

    assert [answer.status_code for answer in answers] == [200] * 4 + [403]
    assert answers[-1].json()["rc"] == "TooManyWorkers"


def test_fifth_worker_from_a_public_address_is_refused(client: httpx.Client) -> None:
    answers = [from_address(client, f"W{at}") for at in range(5)]

    assert [answer.status_code for answer in answers] == [200] * 4 + [403]
    assert answers[-1].json()["rc"] == "TooManySameIPs"


def test_own_machine_may_run_any_number_of_workers(client: httpx.Client) -> None:
    assert len({pop(client, name=f"W{at}")["id"] for at in range(6)}) == 1
    assert len(listed(client)) == 6


def test_uninvited_worker_is_refused_where_only_the_invited_may_join(settings: Settings) -> None:
    with running(msgspec.structs.replace(settings, invite_only=True)) as closed, closed.client() as nobody:
        answer = nobody.post("/api/v2/generate/pop", json={"name": "W", "models": [MODEL]})

    assert (answer.status_code, answer.json()["rc"]) == (403, "WorkerInviteOnly")
