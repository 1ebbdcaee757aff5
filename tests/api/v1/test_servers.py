"""Servers in v1, and who may change them."""

from typing import Any

import httpx

from tests.api import actors as v2
from tests.api.actors import register
from tests.api.v1.actors import ask, deliver, pop
from tests.api.v2.by_hand import change
from tests.plugins.hordes import RunningHorde

SERVERS = "/api/v1/servers"
NOBODY = "6f1c7a52-66b7-4a35-9d0e-7d3f1a1c0b2a"


def put(client: httpx.Client, server_id: str, **fields: Any) -> tuple[int, Any]:
    """Change a server."""
    answer = client.put(f"{SERVERS}/{server_id}", json=fields)
    return answer.status_code, answer.json()


def test_servers_are_listed_with_what_they_did(client: httpx.Client) -> None:
    key = register(client)
    pop(client, api_key=key, max_pixels=65536)
    idle = client.get(SERVERS).json()
    ask(client)
    deliver(client, pop(client, api_key=key, max_pixels=65536)["id"], api_key=key)

    (found,) = client.get(SERVERS).json()

    assert [server["performance"] for server in idle] == ["No requests fulfilled yet"]
    assert found.pop("performance").endswith(" megapixelsteps per second")
    earned = found["kudos_rewards"]
    assert earned > 0
    assert found == {
        "name": "server", "id": found["id"], "max_pixels": 65536, "megapixelsteps_generated": 0.0,
        "requests_fulfilled": 1, "kudos_rewards": earned, "kudos_details": {"generated": earned, "uptime": 0.0},
        "uptime": 0, "maintenance_mode": False,
    }  # fmt: skip


def test_one_server_is_shown_and_an_unknown_one_is_not(client: httpx.Client) -> None:
    v2.pop(client, "Atlas")
    (listed,) = client.get(SERVERS).json()

    found = client.get(f"{SERVERS}/{listed['id']}").json()

    assert found == {
        "name": "Atlas", "id": listed["id"], "max_pixels": 512 * 512, "megapixelsteps_generated": 0.0,
        "requests_fulfilled": 0, "latest_performance": "No requests fulfilled yet", "maintenance_mode": False,
    }  # fmt: skip
    for server_id in (NOBODY, "nonsense"):
        answer = client.get(f"{SERVERS}/{server_id}")
        assert (answer.status_code, answer.json()) == (404, "Not found")


def test_owner_puts_a_server_into_maintenance_and_moderators_pause_it(
    horde: RunningHorde, client: httpx.Client
) -> None:
    keeper, ada, bob = register(client, "Keeper"), register(client, "Ada"), register(client, "Bob")
    change(horde, "UPDATE users SET is_moderator = true WHERE id = 1")
    pop(client, api_key=ada)
    server_id = client.get(SERVERS).json()[0]["id"]

    assert put(client, server_id, api_key=ada, maintenance=True) == (200, {"maintenance": True})
    assert client.get(f"{SERVERS}/{server_id}").json()["maintenance_mode"] is True
    assert put(client, server_id, api_key=keeper, maintenance=False, paused=True) == (
        200, {"maintenance": False, "paused": True}
    )  # fmt: skip

    def refusal(server_id: str, **fields: Any) -> tuple[int, type]:
        status, told = put(client, server_id, **fields)
        return status, type(told)

    assert refusal(NOBODY, api_key="nobody", maintenance=True) == (404, str)
    assert refusal(server_id, api_key="nobody", maintenance=True) == (401, str)
    assert refusal(server_id, api_key=bob, maintenance=True) == (401, str)
    assert refusal(server_id, api_key=ada, paused=False) == (401, str)
    assert refusal(server_id, api_key="0000000000", maintenance=True) == (401, str)
    assert refusal(server_id, api_key=ada) == (400, str)
    assert put(client, server_id, maintenance=True)[1]["errors"].keys() == {"api_key"}
