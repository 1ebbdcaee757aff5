"""The short way of the hot calls answers as the framework's long way does, refusals included."""

from typing import Any

import httpx
import pytest

from tests.api.actors import MODEL, SMALL, Json, ask, deliver, pop, register, status

LONG_WAY = {"X-Fields": "*"}
"""A header that sends a call the long way, and has no effect yet."""
NOBODY = "00000000-0000-4000-8000-000000000000"
JSON = {"Content-Type": "application/json"}
PUBLIC = ("content-type", "retry-after", "preference-applied", "access-control-allow-origin",
          "access-control-expose-headers", "content-length")  # fmt: skip
POP: Json = {"name": "w", "models": [MODEL]}

REFUSED: list[tuple[str, str, str, dict[str, Any]]] = [
    ("unknown request", "GET", f"check/{NOBODY}", {}),
    ("no id at all", "GET", "check/nothing", {}),
    ("unknown status", "GET", f"status/{NOBODY}", {}),
    ("encoded id", "GET", "check/%C3%A4%20b", {}),
    ("no JSON", "POST", "async", {"content": b"{", "headers": JSON}),
    ("no object", "POST", "async", {"content": b"[]", "headers": JSON}),
    ("no body", "POST", "async", {"content": b"", "headers": JSON}),
    ("body of another type", "POST", "async", {"content": b"{}", "headers": {"Content-Type": "text/plain"}}),
    ("missing field", "POST", "async", {"json": {}}),
    ("wrong type", "POST", "async", {"json": {"prompt": "x", "params": {"width": "64"}}}),
    ("explicit null", "POST", "async", {"json": {"prompt": "x", "models": None}}),
    ("NUL", "POST", "async", {"json": {"prompt": "x\0"}}),
    ("empty prompt", "POST", "async", {"json": {"prompt": "   "}}),
    ("unknown key", "POST", "async", {"json": {"prompt": "x"}, "headers": {"apikey": "nobody's"}}),
    ("empty key", "POST", "async", {"json": {"prompt": "x"}, "headers": {"apikey": ""}}),
    ("bad idempotency key", "POST", "async", {"json": {"prompt": "x"}, "headers": {"Idempotency-Key": ""}}),
    ("worker without a name", "POST", "pop", {"json": {"name": " ", "models": [MODEL]}}),
    ("worker without models", "POST", "pop", {"json": {"name": "w", "models": []}}),
    ("bad priority user", "POST", "pop", {"json": POP | {"priority_usernames": ["x"]}}),
    ("unknown job", "POST", "submit", {"json": {"id": NOBODY, "generation": "R2", "seed": 1}}),
    ("no job id", "POST", "submit", {"json": {"id": "x", "generation": "R2", "seed": 1}}),
    ("wrong method", "DELETE", "pop", {}),
]  # fmt: skip


def call(client: httpx.Client, method: str, path: str, *, is_long: bool, **sent: Any) -> httpx.Response:
    headers = {**sent.pop("headers", {}), **(LONG_WAY if is_long else {})}
    return client.request(method, f"/api/v2/generate/{path}", headers=headers, **sent)


def shown(answer: httpx.Response) -> tuple[int, object, dict[str, str | None]]:
    """All that a caller sees, as far as it can be the same twice."""
    return answer.status_code, answer.json(), {name: answer.headers.get(name) for name in PUBLIC}


@pytest.mark.parametrize("origin", [{}, {"Origin": "https://ui.example"}], ids=["program", "browser"])
@pytest.mark.parametrize(("method", "path", "sent"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refusals_are_the_same_both_ways(
    shared_client: httpx.Client, method: str, path: str, sent: dict[str, Any], origin: dict[str, str]
) -> None:
    sent = {**sent, "headers": {**sent.get("headers", {}), **origin}}
    short, long = (shown(call(shared_client, method, path, is_long=is_long, **sent)) for is_long in (False, True))

    assert short == long
    assert short[0] >= 400


def test_call_without_a_key_is_refused_the_same_way(shared_horde: Any) -> None:
    with shared_horde.client(key=None) as client:
        short, long = (shown(call(client, "POST", "pop", is_long=is_long, json=POP)) for is_long in (False, True))

    assert short == long
    assert short[1] == {
        "errors": {"apikey": "API Key. Missing required parameter in the HTTP headers"},
        "message": "Input payload validation failed",
    }


@pytest.mark.parametrize("is_long", [False, True], ids=["short", "long"])
def test_whole_cycle_works_both_ways(client: httpx.Client, is_long: bool) -> None:
    client.headers["apikey"] = register(client)
    if is_long:
        client.headers.update(LONG_WAY)
    priced = call(client, "POST", "async", is_long=is_long, json={"prompt": "x", "params": SMALL, "dry_run": True})
    request_id = ask(client, r2=False)
    job = pop(client, wait_s=1)
    checked = call(client, "GET", f"check/{request_id}", is_long=is_long)
    handed_in = deliver(client, job["id"])
    found = status(client, request_id)

    assert (priced.status_code, list(priced.json())) == (200, ["kudos"])
    assert (checked.status_code, checked.json()["processing"]) == (200, 1)
    assert (handed_in.status_code, list(handed_in.json())) == (200, ["reward", "credited", "escrowed"])
    assert (found["done"], [generation["id"] for generation in found["generations"]]) == (True, [job["id"]])


def test_answers_of_both_ways_have_the_same_headers(client: httpx.Client) -> None:
    request_id = ask(client)
    headers = {"Origin": "https://ui.example", "Prefer": "wait=0"}
    for method, path, sent in (("GET", f"check/{request_id}", {}), ("POST", "pop", {"json": POP | {"max_pixels": 1}})):
        short, long = (
            shown(call(client, method, path, is_long=is_long, headers=headers, **sent)) for is_long in (False, True)
        )
        assert short == long


def test_head_of_a_hot_call_has_no_body(client: httpx.Client) -> None:
    answer = client.head(f"/api/v2/generate/check/{ask(client)}")

    assert (answer.status_code, answer.content) == (200, b"")
