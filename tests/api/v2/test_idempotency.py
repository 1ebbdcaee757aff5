"""`Idempotency-Key`: a call whose answer was lost can be made again."""

import base64
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.api.actors import SMALL, Json, ask, deliver, picture, pop, register, serve_one, status
from tests.api.v2.by_hand import change
from tests.plugins.hordes import RunningHorde

KEY = {"Idempotency-Key": "6f1f1c1e-0001"}
BODY: Json = {"prompt": "a red square", "params": SMALL}
BODY_OF_V1: Json = {"prompt": "a red square", "api_key": "0000000000", "params": SMALL}
ASYNC, SUBMIT, SYNC = "/api/v2/generate/async", "/api/v2/generate/submit", "/api/v1/generate/sync"


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


def test_fault_that_is_reported_again_with_its_key_counts_once(client: httpx.Client) -> None:
    request_id = ask(client)
    job_id = pop(client)["id"]
    body = {"id": job_id, "generation": "", "seed": 1, "state": "faulted"}
    answers = [client.post(SUBMIT, json=body, headers=KEY) for _ in range(2)]
    found = status(client, request_id)

    assert [(answer.status_code, answer.json()["reward"]) for answer in answers] == [(200, 0), (200, 0)]
    assert (found["restarted"], found["waiting"], found["faulted"]) == (1, 1, False)


def test_request_that_was_given_up_is_told_of_and_not_begun_again(client: httpx.Client) -> None:
    first = client.post(ASYNC, json=BODY, headers=KEY)
    for _ in range(3):
        deliver(client, pop(client)["id"], state="faulted")
    again = client.post(ASYNC, json=BODY, headers=KEY)

    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert status(client, again.json()["id"])["faulted"]
    assert pop(client)["id"] is None


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_key_that_cannot_be_used_is_refused(shared_client: httpx.Client, key: str) -> None:
    refused = shared_client.post(ASYNC, json=BODY, headers={"Idempotency-Key": key})

    assert (refused.status_code, refused.json()["rc"]) == (400, "BadRequest")


def test_key_of_one_route_is_refused_at_another(client: httpx.Client) -> None:
    pop(client)  # v1 refuses at once what nobody online can do
    client.post(ASYNC, json=BODY, headers=KEY)

    assert client.post(SYNC, json=BODY_OF_V1, headers=KEY).status_code == 409


def lose_connection(client: httpx.Client) -> None:
    """Ask as v1 does, with the key, and hang up before the answer is there."""
    pop(client)
    with pytest.raises(httpx.ReadTimeout):
        client.post(SYNC, json=BODY_OF_V1, headers=KEY, timeout=0.5)
    # Calls that came after the end of that connection: the server has seen it when it answers them.
    for _ in range(50):
        client.get("/api/v2/status/heartbeat")


def test_one_sync_call_of_v1_and_its_repetition_make_one_picture(client: httpx.Client) -> None:
    lose_connection(client)
    serve_one(client)
    assert pop(client, models=["another"])["id"] is None  # from now on nobody online could do it
    again = [client.post(SYNC, json=BODY_OF_V1, headers=KEY) for _ in range(2)]

    assert [answer.status_code for answer in again] == [200, 200]
    assert [base64.b64decode(made["img"]) for answer in again for made in answer.json()] == [picture()] * 2
    assert pop(client)["id"] is None


def test_repeated_sync_call_of_v1_waits_for_the_picture_that_is_being_made(
    horde: RunningHorde, client: httpx.Client
) -> None:
    lose_connection(client)
    job = pop(client)
    with horde.client() as other, ThreadPoolExecutor(1) as beside:
        again = beside.submit(other.post, SYNC, json=BODY_OF_V1, headers=KEY)
        deliver(client, job["id"])

    assert (again.result().status_code, len(again.result().json())) == (200, 1)


def test_repeated_sync_call_of_v1_that_was_given_up_says_so_again(client: httpx.Client) -> None:
    lose_connection(client)
    for _ in range(3):
        deliver(client, pop(client)["id"], state="faulted")
    again = [client.post(SYNC, json=BODY_OF_V1, headers=KEY) for _ in range(2)]

    assert [(answer.status_code, answer.json()) for answer in again] == [(500, "Prompt Request Expired")] * 2


@pytest.mark.parametrize(
    ("ended", "words"),
    [("UPDATE requests SET state = 'cancelled', waiting = 0", "cancelled"), ("DELETE FROM requests", "forgotten")],
)
def test_repeated_sync_call_of_v1_says_that_nothing_comes_any_more(
    horde: RunningHorde, client: httpx.Client, ended: str, words: str
) -> None:
    lose_connection(client)
    change(horde, ended)
    again = client.post(SYNC, json=BODY_OF_V1, headers=KEY)

    assert again.status_code == 503
    assert words in again.json()
    assert "Hint: ask again, with a new Idempotency-Key" in again.json()
