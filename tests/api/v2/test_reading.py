"""What v2 tells of workers, models, accounts and itself."""

import httpx
import pytest

from tests.api.actors import MODEL, ask, pop, register, serve_one
from tests.plugins.hordes import RunningHorde

WORKER_KEYS = {
    "name", "id", "type", "online", "requests_fulfilled", "uncompleted_jobs", "kudos_rewards", "kudos_details",
    "performance", "threads", "uptime", "maintenance_mode", "trusted", "flagged", "team", "bridge_agent", "nsfw",
    "models", "max_pixels", "megapixelsteps_generated", "img2img", "painting", "post-processing", "controlnet",
    "sdxl_controlnet", "lora",
}  # fmt: skip


def test_worker_is_shown_with_every_documented_field(client: httpx.Client) -> None:
    pop(client, name="Shown", threads=2, bridge_agent="AI Horde Worker reGen:9.1.0:x", allow_lora=True)

    (listed,) = client.get("/api/v2/workers").json()

    assert listed.keys() == WORKER_KEYS
    assert listed == client.get(f"/api/v2/workers/{listed['id']}").json()
    assert (listed["name"], listed["threads"], listed["models"], listed["online"]) == ("Shown", 2, [MODEL], True)
    assert (listed["type"], listed["lora"], listed["img2img"], listed["controlnet"]) == ("image", True, True, False)
    assert listed["team"] == {"name": None, "id": None}
    assert listed["kudos_details"] == {"generated": None, "uptime": None}
    assert listed["performance"].lower() == "no requests fulfilled yet"


def test_worker_is_found_by_type_and_by_name_in_any_case(client: httpx.Client) -> None:
    pop(client, name="Shown")

    def names(**query: str) -> list[str]:
        return [worker["name"] for worker in client.get("/api/v2/workers", params=query).json()]

    assert names(type="image") == names(name="sHOWN") == names(name="shown", type="text") == ["Shown"]
    assert names(type="text") == names(name="other") == []


def test_work_is_counted(client: httpx.Client) -> None:
    ask(client, params={"width": 512, "height": 512, "steps": 4})
    serve_one(client)

    (worker,) = client.get("/api/v2/workers").json()

    assert worker["requests_fulfilled"] == 1
    assert worker["megapixelsteps_generated"] == 1.05
    assert worker["performance"].endswith(" megapixelsteps per second")
    assert worker["kudos_rewards"] == worker["kudos_details"]["generated"] == 3.2


@pytest.mark.parametrize("worker_id", ["string", "00000000-0000-4000-8000-000000000000", "%00"])
def test_unknown_worker_is_not_found(shared_client: httpx.Client, worker_id: str) -> None:
    answer = shared_client.get(f"/api/v2/workers/{worker_id}")

    assert (answer.status_code, answer.json()["rc"]) == (404, "WorkerNotFound")


def test_models_show_who_serves_and_what_waits(client: httpx.Client) -> None:
    pop(client, threads=3, models=[MODEL, "other"])
    ask(client, models=["wanted"], params={"n": 2})

    found = {model["name"]: model for model in client.get("/api/v2/status/models").json()}

    assert {name: model["count"] for name, model in found.items()} == {MODEL: 3, "other": 3, "wanted": 0}
    assert found["wanted"] == {
        "name": "wanted", "count": 0, "performance": 0.0, "queued": 8192.0, "jobs": 2.0, "eta": 10_000, "type": "image",
    }  # fmt: skip
    assert client.get("/api/v2/status/models", params={"min_count": 1, "type": "image"}).json().__len__() == 2
    assert client.get("/api/v2/status/models", params={"type": "text"}).json() == []


def test_heartbeat_says_what_goes_on(client: httpx.Client) -> None:
    pop(client, threads=2)
    ask(client, models=["nobody"], params={"n": 2})

    beat = client.get("/api/v2/status/heartbeat").json()

    assert {key: beat[key] for key in beat if key != "version"} == {
        "message": "OK", "queue": 2, "threads": 2, "active_count": 1, "db_connection": True,
    }  # fmt: skip


def test_account_shows_itself_to_who_has_the_key(horde: RunningHorde, client: httpx.Client) -> None:
    with horde.client(register(client, "robin")) as user:
        pop(user, name="mine")
        request_id = ask(user)

        found = user.get("/api/v2/find_user").json()

    assert (found["username"], found["pseudonymous"], found["worker_count"]) == (f"robin#{found['id']}", True, 1)
    assert len(found["worker_ids"]) == 1
    assert found["active_generations"] == {"image": [request_id]}


def test_anonymous_account_names_nobodys_workers(client: httpx.Client) -> None:
    pop(client)
    ask(client)

    found = client.get("/api/v2/find_user").json()

    assert (found["username"], found["id"], found["worker_ids"]) == ("Anonymous#0", 0, [])
    assert found["active_generations"] == {}


def test_no_key_and_unknown_key_are_told_apart(shared_horde: RunningHorde) -> None:
    with shared_horde.client(key=None) as nobody, shared_horde.client(key="unknown") as stranger:
        assert (nobody.get("/api/v2/find_user").status_code) == 401
        assert stranger.get("/api/v2/find_user").json()["rc"] == "UserNotFound"


def test_browser_of_another_site_may_call(shared_client: httpx.Client) -> None:
    preflight = shared_client.options(
        "/api/v2/generate/async",
        headers={
            "Origin": "https://elsewhere.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "apikey,client-agent,content-type",
        },
    )

    assert preflight.is_success
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    allowed = preflight.headers["Access-Control-Allow-Headers"].lower()
    assert {"apikey", "client-agent", "content-type"} <= {name.strip() for name in allowed.split(",")}


def test_head_works_wherever_get_does(shared_client: httpx.Client) -> None:
    answer = shared_client.head("/api/v2/status/heartbeat")

    assert (answer.status_code, answer.content) == (200, b"")
