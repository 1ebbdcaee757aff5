"""Asking and serving with v1 alone, and beside v2."""

import base64
from typing import Any

import httpx
import pytest

from tests.api import actors as v2
from tests.api.actors import picture, register
from tests.api.v1.actors import SMALL, ask, deliver, pop, post
from tests.api.v2.by_hand import change
from tests.plugins.hordes import RunningHorde

NOBODY = "6f1c7a52-66b7-4a35-9d0e-7d3f1a1c0b2a"


def get(client: httpx.Client, path: str) -> tuple[int, Any]:
    answer = client.get(f"/api/v1/{path}")
    return answer.status_code, answer.json()


def test_pictures_are_asked_for_made_and_fetched_with_v1_alone(client: httpx.Client) -> None:
    assert pop(client) == {"id": None, "skipped": {"max_pixels": 0, "worker_id": 0}}
    request_id = ask(client, params=SMALL | {"n": 2, "seed": "42"})
    waiting = get(client, f"generate/check/{request_id}")

    job = pop(client)
    reward = deliver(client, job["id"]).json()
    half = get(client, f"generate/prompt/{request_id}")
    deliver(client, pop(client)["id"])

    assert waiting == (
        200, {"finished": 0, "processing": 0, "waiting": 2, "done": False, "queue_position": 1,
              "wait_time": waiting[1]["wait_time"]}
    )  # fmt: skip
    assert job.keys() == {"id", "payload"}
    payload = job["payload"]
    assert (payload["prompt"], payload["batch_size"], payload["ddim_steps"]) == ("a red square", 1, 1)
    assert (payload["width"], payload["height"], payload["seed"]) == (64, 64, "42")
    assert "n" not in payload
    assert "steps" not in payload
    assert reward.keys() == {"reward"}
    assert reward["reward"] > 0
    (found,) = half[1].pop("generations")
    assert half[1]["finished"] == 1
    assert found.pop("img") == base64.b64encode(picture()).decode()
    (server,) = client.get("/api/v1/servers").json()
    assert found == {
        "seed": "7", "server_id": server["id"], "server_name": "server", "queue_position": None
    }  # fmt: skip
    for _ in range(2):  # the second read too: what was paid for is not lost with a connection
        status, whole = get(client, f"generate/prompt/{request_id}")
        assert (status, whole["done"], len(whole["generations"])) == (200, True, 2)


def test_more_pictures_than_a_request_may_have_are_not_made(client: httpx.Client) -> None:
    pop(client)
    request_id = ask(client, params=SMALL | {"n": 50})

    assert get(client, f"generate/check/{request_id}")[1]["waiting"] == 20


@pytest.mark.parametrize("request_id", [NOBODY, "nonsense"])
def test_unknown_request_is_told_as_v1_tells_it(shared_client: httpx.Client, request_id: str) -> None:
    assert get(shared_client, f"generate/check/{request_id}") == (404, "ID not found")
    assert get(shared_client, f"generate/prompt/{request_id}") == (
        404,
        dict.fromkeys(["finished", "processing", "waiting", "done", "queue_position", "wait_time", "generations"]),
    )


def test_requests_and_workers_of_both_dialects_meet(client: httpx.Client) -> None:
    v2.pop(client)
    of_v1 = ask(client)
    job = v2.pop(client)
    assert v2.deliver(client, job["id"]).status_code == 200
    assert get(client, f"generate/check/{of_v1}")[1]["done"] is True

    of_v2 = v2.ask(client, r2=False)
    assert deliver(client, pop(client)["id"], seed=2**40).status_code == 200
    assert v2.status(client, of_v2)["generations"][0]["img"] == base64.b64encode(picture()).decode()


def test_request_is_only_for_the_servers_that_it_names(client: httpx.Client) -> None:
    pop(client, "first")
    pop(client, "second")
    ids = {server["name"]: server["id"] for server in client.get("/api/v1/servers").json()}
    request_id = ask(client, servers=[ids["second"]])

    assert pop(client, "first") == {"id": None, "skipped": {"max_pixels": 0, "worker_id": 1}}
    assert deliver(client, pop(client, "second")["id"]).status_code == 200
    assert get(client, f"generate/prompt/{request_id}")[1]["generations"][0]["server_name"] == "second"
    for servers in ([NOBODY], ["nonsense"]):
        refused = post(client, "generate/async", prompt="x", params=SMALL, servers=servers)
        assert (refused.status_code, "No active server" in refused.json()) == (503, True)


def test_too_large_request_is_skipped_and_told(client: httpx.Client) -> None:
    pop(client, "large", max_pixels=1024 * 1024)
    ask(client, params=SMALL | {"width": 1024, "height": 1024})

    assert pop(client, "small") == {"id": None, "skipped": {"max_pixels": 1, "worker_id": 0}}


@pytest.mark.parametrize(
    ("fields", "status_code", "words"),
    [
        ({"api_key": "nobody"}, 401, "API Key"),
        ({"prompt": ""}, 400, "empty prompt"),
        ({"params": {"width": 65}}, 400, "multiple of 64"),
        ({"params": {"steps": 101}}, 400, "Too many steps"),
        # Larger than what other tests that share this server have workers for.
        ({"params": {"width": 3072, "height": 3072}}, 503, "No active server"),
    ],
)
def test_refusal_of_a_request_is_a_bare_text(
    shared_client: httpx.Client, fields: dict[str, Any], status_code: int, words: str
) -> None:
    answer = post(shared_client, "generate/async", **{"prompt": "x", "params": SMALL, **fields})

    assert (answer.status_code, words in answer.json()) == (status_code, True)


def test_parameter_that_does_not_fit_is_named_by_its_path(shared_client: httpx.Client) -> None:
    answer = post(shared_client, "generate/async", prompt="x", params={**SMALL, "loras": [{"name": 1}], "width": 64})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["params.loras.0.name"])


def test_too_many_requests_are_refused_as_v1_does(horde: RunningHorde, client: httpx.Client) -> None:
    pop(client)
    key = register(client)
    change(horde, "UPDATE users SET concurrency = 1 WHERE id = 1")
    ask(client, api_key=key)

    answer = post(client, "generate/async", api_key=key, prompt="x", params=SMALL)

    assert (answer.status_code, type(answer.json())) == (503, str)


def test_pop_is_refused_as_v1_does(horde: RunningHorde, client: httpx.Client) -> None:
    ada = register(client, "Ada")
    pop(client, "Atlas", api_key=ada)

    def refusal(**fields: Any) -> tuple[int, type]:
        answer = post(client, "generate/pop", **{"name": "Atlas", **fields})
        return answer.status_code, type(answer.json())

    assert refusal(api_key="nobody") == (401, str)
    assert refusal() == (401, str)
    assert refusal(name="new", priority_usernames=["x"]) == (400, str)
    change(horde, "UPDATE workers SET is_in_maintenance = true, changed_at = clock_timestamp()")
    assert refusal(api_key=ada) == (403, str)
    assert post(client, "generate/pop").json()["errors"].keys() == {"name"}


def test_paused_server_is_idle(horde: RunningHorde, client: httpx.Client) -> None:
    pop(client)
    ask(client)
    change(horde, "UPDATE workers SET is_paused = true, changed_at = clock_timestamp()")

    assert pop(client)["id"] is None


def test_delivery_is_refused_as_v1_does(client: httpx.Client) -> None:
    pop(client)
    ask(client)
    job_id = pop(client)["id"]
    stranger = register(client)

    def refusal(**fields: Any) -> tuple[int, type]:
        answer = deliver(client, **{"job_id": job_id, **fields})
        return answer.status_code, type(answer.json())

    assert refusal(job_id=NOBODY) == (404, str)
    assert refusal(job_id="nonsense") == (404, str)
    assert refusal(api_key="nobody") == (401, str)
    assert refusal(api_key=stranger) == (401, str)
    assert refusal(generation="no picture") == (400, str)
    assert deliver(client, job_id).status_code == 200
    assert refusal() == (400, str)
    assert post(client, "generate/submit", id=job_id).json()["errors"].keys() == {"seed"}


def test_call_whose_answer_was_lost_is_answered_again(client: httpx.Client) -> None:
    pop(client)
    body = {"api_key": "0000000000", "prompt": "x", "params": SMALL}
    headers = {"Idempotency-Key": "once"}

    first, again = (client.post("/api/v1/generate/async", json=body, headers=headers).json() for _ in range(2))

    assert first == again
    assert client.get("/api/v1/status/performance").json()["queued_requests"] == 1
