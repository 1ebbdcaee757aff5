"""Accounts in v1."""

from typing import Any

import httpx

from tests.api.actors import ask, register, serve_one
from tests.api.v2.by_hand import change
from tests.plugins.hordes import RunningHorde

USERS = "/api/v1/users"


def test_accounts_show_what_v1_knows_of_them(client: httpx.Client) -> None:
    register(client, "Ada")
    ask(client, params={"width": 512, "height": 512, "steps": 4})
    serve_one(client)

    listed = client.get(USERS).json()

    assert set(listed) == {"Ada#1", "Anonymous#0"}
    assert listed["Ada#1"] == {
        "id": 1,
        "kudos": 14.0,
        "kudos_details": {"accumulated": 14.0, "gifted": 0.0, "admin": 0.0, "received": 0.0},
        "usage": {"megapixelsteps": 0.0, "requests": 0},
        "contributions": {"megapixelsteps": 0.0, "fulfillments": 0},
        "concurrency": 30,
    }
    one = client.get(f"{USERS}/0").json()
    assert set(one) == {"username", "kudos", "usage", "contributions", "concurrency"}
    assert one["usage"] == {"megapixelsteps": 1.05, "requests": 1}
    assert one["contributions"] == {"megapixelsteps": 1.05, "fulfillments": 1}


def test_unknown_account_is_a_bare_text(shared_client: httpx.Client) -> None:
    for user_id in ("99", "x"):
        answer = shared_client.get(f"{USERS}/{user_id}")
        assert (answer.status_code, answer.json()) == (404, "Not found")


def test_admin_changes_kudos_concurrency_and_multiplier(horde: RunningHorde, client: httpx.Client) -> None:
    admin, ada = register(client, "Admin"), register(client, "Ada")
    change(horde, "UPDATE users SET is_admin = true, is_moderator = true WHERE id = 1")

    def put(user_id: object, **fields: Any) -> tuple[int, Any]:
        answer = client.put(f"{USERS}/{user_id}", json=fields)
        return answer.status_code, answer.json()

    assert put(2, api_key=admin, kudos=100, concurrency=40, usage_multiplier=2) == (
        200, {"new_kudos": 114.0, "concurrency": 40, "usage_multiplier": 2.0}
    )  # fmt: skip
    assert put(2, api_key=admin, kudos="-14") == (200, {"new_kudos": 100.0})
    assert put(99, api_key="unknown", kudos=1)[0] == 400
    assert put(2, api_key="unknown", kudos=1)[0] == 401
    assert put(2, api_key=ada, kudos=1) == (401, "Only admins may do this.")
    assert put(2, api_key=ada, concurrency=31)[0] == 401
    status, told = put(2, api_key=admin, kudos=0, concurrency=0)
    assert (status, type(told)) == (400, str)
    assert client.put(f"{USERS}/2", json={"kudos": 1}).json()["errors"].keys() == {"api_key"}
