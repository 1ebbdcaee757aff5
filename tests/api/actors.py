"""Who plays in tests over HTTP: a requestor and a worker who do what the wire allows, and nothing by themselves."""

import base64
import io
from functools import cache
from typing import Any

import httpx
from PIL import Image

MODEL = "stable_diffusion"
SMALL = {"width": 64, "height": 64, "steps": 1}
NOBODYS_ID = "7b1d0c5e-3f6a-4c55-8f0e-2a9d1e6b4c31"
"""Nothing has it. Fixed, so that a test is called the same in every process that collects it."""
Json = dict[str, Any]


@cache
def picture(image_format: str = "WEBP", size: tuple[int, int] = (64, 64)) -> bytes:
    """A small red picture."""
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, image_format)
    return buffer.getvalue()


def ask(client: httpx.Client, **fields: Any) -> str:
    """Ask for pictures; returns the request's id."""
    params = fields.pop("params", {})
    answer = client.post("/api/v2/generate/async", json={"prompt": "a red square", **fields, "params": SMALL | params})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def pop(client: httpx.Client, name: str = "worker", *, wait_s: int = 0, **fields: Any) -> Json:
    """Take jobs as a worker; the whole answer."""
    headers = {"Prefer": f"wait={wait_s}"} if wait_s else {}
    body = {"name": name, "models": [MODEL], "max_pixels": 512 * 512, **fields}
    answer = client.post("/api/v2/generate/pop", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def deliver(client: httpx.Client, job_id: object, **fields: Any) -> httpx.Response:
    """Hand in a job with its picture in base64."""
    generation = base64.b64encode(picture()).decode()
    body = {"id": job_id, "generation": generation, "seed": 1, **fields}
    return client.post("/api/v2/generate/submit", json=body)


def serve_one(client: httpx.Client, **fields: Any) -> Json:
    """Take a job and hand it in; returns the pop's answer."""
    job = pop(client, **fields)
    assert job["id"], "nothing was handed out"
    answer = deliver(client, job["id"])
    assert answer.status_code == 200, answer.text
    return job


def status(client: httpx.Client, request_id: str) -> Json:
    """The status of a request."""
    answer = client.get(f"/api/v2/generate/status/{request_id}")
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def register(client: httpx.Client, name: str = "robin") -> str:
    """A new account; returns its key."""
    answer = client.post("/register", json={"username": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["api_key"])
