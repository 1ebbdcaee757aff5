"""Who plays in tests of texts over HTTP: as tests/api/actors.py for pictures."""

from typing import Any

import httpx

from tests.api.actors import Json

EIGHT = "koboldcpp/L3-8B-Stheno-v3.2"
AGENT = "KoboldCppEmbedWorker:2:https://github.com/LostRuins/koboldcpp"
STORY = "Once upon a time there was a horde of robots."


def ask(client: httpx.Client, **fields: Any) -> str:
    """Ask for texts; returns the request's id."""
    answer = client.post("/api/v2/generate/text/async", json={"prompt": "Tell me", **fields})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def pop(client: httpx.Client, name: str = "scribe", *, wait_s: int = 0, **fields: Any) -> Json:
    """Take jobs as a worker that says what KoboldCpp says; the whole answer."""
    headers = {"Prefer": f"wait={wait_s}"} if wait_s else {}
    body = {
        "name": name, "models": [EIGHT], "max_length": 512, "max_context_length": 8192, "priority_usernames": [],
        "softprompts": [], "bridge_agent": AGENT, **fields,
    }  # fmt: skip
    answer = client.post("/api/v2/generate/text/pop", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def deliver(client: httpx.Client, job_id: object, **fields: Any) -> httpx.Response:
    """Hand in a job with its text, as KoboldCpp does: without a seed."""
    body = {"id": job_id, "generation": STORY, "state": "ok", **fields}
    return client.post("/api/v2/generate/text/submit", json=body)


def serve_one(client: httpx.Client, **fields: Any) -> Json:
    """Take a job and hand it in; returns what it brought."""
    answer = deliver(client, pop(client, **fields)["id"])
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def status(client: httpx.Client, request_id: str) -> Json:
    """The status of a request."""
    answer = client.get(f"/api/v2/generate/text/status/{request_id}")
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found
