"""Shared keys over HTTP: made, read, changed, used and refused."""

from typing import Any

import httpx
import pytest

from tests.api.actors import MODEL, SMALL, Json, ask, deliver, pop, register, serve_one
from tests.api.v2.by_hand import change
from tests.plugins.hordes import ANONYMOUS, RunningHorde

KEYS = "/api/v2/sharedkeys"
ASYNC, TEST_USER = "/api/v2/generate/async", "/api/v2/find_user"
NOBODYS = "00000000-0000-4000-8000-000000000000"
NO_LIMITS = {"max_image_pixels": -1, "max_image_steps": -1, "max_text_tokens": -1}


@pytest.fixture
def ada(client: httpx.Client) -> dict[str, str]:
    """The headers of the first account."""
    return {"apikey": register(client, "Ada")}


def made(client: httpx.Client, owner: dict[str, str], **fields: Any) -> Json:
    answer = client.put(KEYS, json=fields, headers=owner)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def refused(answer: httpx.Response) -> tuple[int, str]:
    assert set(answer.json()) == {"message", "rc"}
    return answer.status_code, str(answer.json()["rc"])


def test_new_key_is_shown_as_everybody_who_has_it_reads_it(client: httpx.Client, ada: dict[str, str]) -> None:
    key = made(client, ada)
    limited = made(
        client,
        ada,
        kudos=70,
        name="for Bob",
        expiry=2,
        max_image_pixels=1000,
        max_image_steps="30",
        max_text_tokens=9.5,
    )

    assert key == {"id": key["id"], "username": "Ada#1", "kudos": 5000, "utilized": 0} | NO_LIMITS
    limits = {"max_image_pixels": 1000, "max_image_steps": 30, "max_text_tokens": 9}
    assert limited == {"id": limited["id"], "username": "Ada#1", "kudos": 70, "utilized": 0, "name": "for Bob",
                       "expiry": limited["expiry"]} | limits  # fmt: skip
    assert limited["expiry"].endswith(" -0000")
    assert client.get(f"{KEYS}/{limited['id']}").json() == limited
    assert client.get(TEST_USER, headers=ada).json()["sharedkey_ids"] == [key["id"], limited["id"]]


def test_owner_changes_and_deletes(client: httpx.Client, ada: dict[str, str]) -> None:
    key = made(client, ada, name="for Bob")
    one = f"{KEYS}/{key['id']}"

    changed = client.patch(one, json={"kudos": -1, "max_image_steps": 20}, headers=ada)

    assert changed.status_code == 200
    assert changed.json() == client.get(one).json() == key | {"kudos": -1, "max_image_steps": 20}
    answer = client.delete(one, headers=ada)
    assert (answer.status_code, answer.json()) == (200, {"message": "OK"})
    assert client.get(TEST_USER, headers=ada).json()["sharedkey_ids"] == []
    assert refused(client.get(one)) == (401, "InvalidAPIKey")


def test_only_the_owner_may_and_only_so_many(client: httpx.Client, ada: dict[str, str]) -> None:
    key, bob = made(client, ada), {"apikey": register(client, "Bob")}
    one = f"{KEYS}/{key['id']}"

    assert refused(client.put(KEYS, json={}, headers={"apikey": "unknown"})) == (401, "InvalidAPIKey")
    assert refused(client.put(KEYS, json={}, headers={"apikey": ANONYMOUS})) == (403, "AnonForbidden")
    assert refused(client.put(KEYS, json={}, headers={"apikey": key["id"]})) == (401, "InvalidAPIKey")
    for headers, refusal in ((bob, (403, "Forbidden")), ({"apikey": "unknown"}, (401, "InvalidAPIKey"))):
        assert refused(client.patch(one, json={"name": "mine"}, headers=headers)) == refusal
        assert refused(client.delete(one, headers=headers)) == refusal
    assert refused(client.patch(one, json={"unknown": 1}, headers=ada)) == (400, "NoSharedKeyModSelected")
    for _ in range(2):
        made(client, ada)
    assert refused(client.put(KEYS, json={}, headers=ada)) == (403, "Forbidden")


@pytest.mark.parametrize("key_id", ["x", NOBODYS, "%00", "0" * 36])
def test_key_that_is_not_there_is_refused_as_a_key(shared_client: httpx.Client, key_id: str) -> None:
    one = f"{KEYS}/{key_id}"

    assert refused(shared_client.get(one)) == (401, "InvalidAPIKey")
    assert refused(shared_client.patch(one, json={"name": "x"})) == (401, "InvalidAPIKey")
    assert refused(shared_client.delete(one)) == (401, "InvalidAPIKey")


@pytest.mark.parametrize(
    "fields",
    [
        {"kudos": "many"}, {"kudos": -2}, {"kudos": 50_000_001}, {"expiry": -2}, {"expiry": None}, {"name": 7},
        {"name": "x" * 256}, {"max_image_pixels": 2**31}, {"max_image_steps": []}, {"max_text_tokens": 1e300},
    ],
)  # fmt: skip
def test_field_out_of_its_bounds_breaks_the_schema(shared_client: httpx.Client, fields: Json) -> None:
    for answer in (
        shared_client.put(KEYS, json=fields),
        shared_client.patch(f"{KEYS}/{NOBODYS}", json=fields),
    ):
        assert (answer.status_code, list(answer.json()["errors"])) == (400, list(fields))


def test_who_has_the_key_asks_at_its_owners_cost(
    horde: RunningHorde, client: httpx.Client, ada: dict[str, str]
) -> None:
    key = made(client, ada, kudos=100)
    with horde.client(key["id"]) as friend:
        request_id = ask(friend)
        estimate = friend.post(ASYNC, json={"prompt": "x", "dry_run": True, "params": SMALL})
        assert (estimate.status_code, list(estimate.json())) == (200, ["kudos"])
    with horde.client(register(client, "Bob")) as bob:
        serve_one(bob)

    paid = client.get(f"/api/v2/generate/status/{request_id}").json()["kudos"]
    after = client.get(f"{KEYS}/{key['id']}").json()
    assert after["kudos"] == int(100 - paid)
    assert after["kudos"] + after["utilized"] == 100
    assert client.get(TEST_USER, headers=ada).json()["records"]["request"]["image"] == 1


def test_refusals_of_a_key_have_their_codes(horde: RunningHorde, client: httpx.Client, ada: dict[str, str]) -> None:
    key = made(client, ada, kudos=100, max_image_steps=5)

    def asks(**fields: Any) -> httpx.Response:
        body = {"prompt": "x", **fields, "params": SMALL | fields.get("params", {})}
        return client.post(ASYNC, json=body, headers={"apikey": key["id"]})

    def set_to(what: str) -> None:
        change(horde, f"UPDATE shared_keys SET {what}")

    assert refused(asks(params={"steps": 6})) == (400, "BadRequest")
    assert refused(asks(proxied_account="x")) == (400, "OnlyServiceAccountProxy")
    set_to("left_mk = 1")
    assert refused(asks()) == (403, "SharedKeyInsufficientKudos")
    assert refused(asks(dry_run=True)) == (403, "SharedKeyInsufficientKudos")
    set_to("left_mk = 0")
    assert refused(asks()) == (403, "SharedKeyEmpty")
    assert asks(allow_downgrade=True).status_code == 202
    set_to("left_mk = 100000, expires_at = now()")
    assert refused(asks()) == (403, "SharedKeyExpired")
    set_to("expires_at = NULL")
    change(horde, "UPDATE users SET deleted_at = now() WHERE id = 1")
    assert refused(asks()) == (403, "DeletedUser")


def test_shared_key_is_a_key_for_asking_alone(client: httpx.Client, ada: dict[str, str]) -> None:
    key = {"apikey": made(client, ada)["id"]}
    body = {"name": "w", "models": [MODEL], "id": NOBODYS, "generation": "R2", "seed": 1, "username": "x#1"}

    for method, path in (
        ("POST", "/api/v2/generate/pop"), ("POST", "/api/v2/generate/submit"), ("POST", "/api/v2/kudos/transfer"),
        ("PUT", "/api/v2/users/1"), ("GET", "/api/v2/users/1"),
    ):  # fmt: skip
        answer = client.request(method, path, json=None if method == "GET" else body, headers=key)
        assert refused(answer) == (401, "InvalidAPIKey"), path


def test_find_user_shows_whose_key_it_is_and_no_more_than_everybody_sees(
    client: httpx.Client, ada: dict[str, str]
) -> None:
    named, unnamed = made(client, ada, name="for Bob"), made(client, ada)

    seen = client.get("/api/v2/users/1").json()
    found = client.get(TEST_USER, headers={"apikey": named["id"]}).json()

    assert found == seen | {"username": "Ada#1 (Shared Key: for Bob)", "account_age": found["account_age"]}
    found = client.get(TEST_USER, headers={"apikey": unnamed["id"]}).json()
    assert found["username"] == "Ada#1 (Shared Key)"
    assert refused(client.get(TEST_USER, headers={"apikey": NOBODYS})) == (404, "UserNotFound")


def test_job_of_a_shared_key_is_delivered_as_any_other(horde: RunningHorde, client: httpx.Client) -> None:
    owner = {"apikey": register(client, "Ada")}
    with horde.client(made(client, owner)["id"]) as friend:
        ask(friend)

    assert deliver(client, pop(client)["id"]).json()["reward"] > 0
