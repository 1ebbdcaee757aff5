"""Who plays in tests of v1: a requestor and a server who do what that wire allows."""

import base64
from typing import Any

import httpx

from tests.api.actors import picture
from tests.plugins.hordes import ANONYMOUS

SMALL = {"n": 1, "steps": 1, "width": 64, "height": 64}


def post(client: httpx.Client, path: str, **fields: Any) -> httpx.Response:
    """Call a route of v1, anonymously unless another `api_key` is among the fields."""
    return client.post(f"/api/v1/{path}", json={"api_key": ANONYMOUS, **fields})


def ask(client: httpx.Client, **fields: Any) -> str:
    """Ask for pictures, which takes a server that is online; returns the request's id."""
    answer = post(client, "generate/async", prompt="a red square", **{"params": SMALL, **fields})
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"id"}
    return str(answer.json()["id"])


def pop(client: httpx.Client, name: str = "server", **fields: Any) -> dict[str, Any]:
    """Take a job as a server; the whole answer."""
    answer = post(client, "generate/pop", name=name, **fields)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def deliver(client: httpx.Client, job_id: object, **fields: Any) -> httpx.Response:
    """Hand in a job with its picture in base64."""
    generation = base64.b64encode(picture()).decode()
    return post(client, "generate/submit", **{"id": job_id, "generation": generation, "seed": "7", **fields})
