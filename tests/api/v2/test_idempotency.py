"""`Idempotency-Key`: a call whose answer was lost can be made again."""

import base64

import httpx
import pytest

from tests.api.actors import SMALL, Json, ask, picture, pop, register, serve_one, status

KEY = {"Idempotency-Key": "6f1f1c1e-0001"}
BODY: Json = {"prompt": "a red square", "params": SMALL}
ASYNC, SUBMIT = "/api/v2/generate/async", "/api/v2/generate/submit"


def test_request_that_is_repeated_gets_the_stored_answer(client: httpx.Client) -> None:
    first = client.post(ASYNC, json=BODY, headers=KEY)
    again = client.post(ASYNC, json=BODY, headers=KEY)

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert pop(client)["id"]
    assert pop(client)["id"] is None


def test_other_request_with_the_same_key_is_refused(client: httpx.Client) -> None:
    client.post(ASYNC, json=BODY, headers=KEY)
    other = client.post(ASYNC, json=BODY | {"prompt": "a blue square"}, headers=KEY)

    assert (other.status_code, other.json()["rc"]) == (409, "IdempotencyKeyConflict")
    assert "Hint: " in other.json()["message"]


def test_key_of_one_account_is_free_for_another(client: httpx.Client) -> None:
    robin = {"apikey": register(client)}
    first = client.post(ASYNC, json=BODY, headers=KEY)
    other = client.post(ASYNC, json=BODY, headers={**KEY, **robin})

    assert other.status_code == 202
    assert other.json()["id"] != first.json()["id"]


def test_delivery_that_is_repeated_gets_the_stored_reward(client: httpx.Client) -> None:
    request_id = ask(client)
    body = {"id": pop(client)["id"], "generation": base64.b64encode(picture()).decode(), "seed": 1}
    first = client.post(SUBMIT, json=body, headers=KEY)
    again = client.post(SUBMIT, json=body, headers=KEY)
    without = client.post(SUBMIT, json=body)

    assert first.status_code == 200
    assert (again.status_code, again.json()) == (200, first.json())
    assert (without.status_code, without.json()["rc"]) == (400, "DuplicateGen")
    assert status(client, request_id)["finished"] == 1


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_key_that_cannot_be_used_is_refused(shared_client: httpx.Client, key: str) -> None:
    refused = shared_client.post(ASYNC, json=BODY, headers={"Idempotency-Key": key})

    assert (refused.status_code, refused.json()["rc"]) == (400, "BadRequest")


def test_one_sync_call_of_v1_and_its_repetition_make_one_picture(client: httpx.Client) -> None:
    body = {"prompt": "a red square", "api_key": "0000000000", "params": SMALL, "servers": []}
    pop(client)  # v1 refuses at once what nobody online can do
    made = client.post("/api/v2/generate/async", json=BODY, headers=KEY)
    assert made.status_code == 202
    # A key is of one route: the same text at another is another call, so it is refused.
    refused = client.post("/api/v1/generate/sync", json=body, headers=KEY)
    assert refused.status_code == 409
    serve_one(client)
