"""Who plays in tests of alchemy over HTTP: as tests/api/actors.py for pictures."""

import base64
from typing import Any

import httpx

from tests.api.actors import Json, picture

PICTURE = base64.b64encode(picture()).decode()
"""64x64: one tile."""
CAPTION = {"caption": "a red square"}
AGENT = "AI Horde Worker:24:https://github.com/db0/AI-Horde-Worker"


def ask(client: httpx.Client, *forms: str, **fields: Any) -> str:
    """Ask for forms of a picture, a caption where none is named; returns the request's id."""
    body = {"forms": [{"name": form} for form in forms or ("caption",)], "source_image": PICTURE, **fields}
    answer = client.post("/api/v2/interrogate/async", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def pop(client: httpx.Client, *forms: str, wait_s: int = 0, **fields: Any) -> Json:
    """Take forms as a worker that says what the alchemist says; the whole answer."""
    headers = {"Prefer": f"wait={wait_s}"} if wait_s else {}
    body = {
        "name": "alchemist", "forms": forms or ["caption"], "amount": 1, "priority_usernames": [], "threads": 1,
        "bridge_version": 24, "bridge_agent": AGENT, "max_tiles": 64, **fields,
    }  # fmt: skip
    answer = client.post("/api/v2/interrogate/pop", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def take(client: httpx.Client, *forms: str, **fields: Any) -> Json:
    """The one form that was handed out."""
    [form] = pop(client, *forms, **fields)["forms"]
    found: Json = form
    return found


def deliver(client: httpx.Client, form_id: object, **fields: Any) -> httpx.Response:
    """Hand in a form with its result, as the alchemist does: without a state."""
    return client.post("/api/v2/interrogate/submit", json={"id": form_id, "result": CAPTION, **fields})


def status(client: httpx.Client, request_id: str) -> Json:
    """The status of a request."""
    answer = client.get(f"/api/v2/interrogate/status/{request_id}")
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found
