"""The horde in numbers, and its maintenance, in v1."""

import httpx

from tests.api.actors import register
from tests.api.v1.actors import SMALL, ask, deliver, pop, post
from tests.api.v2.by_hand import change
from tests.plugins.hordes import RunningHorde

PERFORMANCE = "/api/v1/status/performance"
MAINTENANCE = "/api/v1/admin/maintenance"


def test_numbers_count_what_waits_who_serves_and_what_was_done(client: httpx.Client) -> None:
    size = {"width": 512, "height": 512, "steps": 4}
    pop(client)
    ask(client, params=size)
    deliver(client, pop(client)["id"])
    ask(client, params=size | {"n": 3})

    assert client.get(PERFORMANCE).json() == {
        "queued_requests": 3, "queued_megapixelsteps": 3.15, "megapixelsteps_per_min": 1.05, "server_count": 1,
        "maintenance_mode": False,
    }  # fmt: skip


def test_admin_has_no_request_taken_and_what_waits_is_served(horde: RunningHorde, client: httpx.Client) -> None:
    admin, ada = register(client, "Admin"), register(client, "Ada")
    change(horde, "UPDATE users SET is_admin = true, is_moderator = true WHERE id = 1")
    pop(client)
    ask(client)

    answer = client.put(MAINTENANCE, json={"api_key": admin, "active": True})

    assert (answer.status_code, answer.json()) == (200, {"maintenance_mode": True})
    assert client.get(PERFORMANCE).json()["maintenance_mode"] is True
    refused = post(client, "generate/async", prompt="x", params=SMALL)
    assert (refused.status_code, type(refused.json())) == (503, str)
    assert deliver(client, pop(client)["id"]).status_code == 200
    for key in (ada, "nobody"):
        answer = client.put(MAINTENANCE, json={"api_key": key, "active": False})
        assert (answer.status_code, type(answer.json())) == (401, str)
    assert client.put(MAINTENANCE, json={"api_key": admin}).json()["errors"].keys() == {"active"}
    assert client.put(MAINTENANCE, data={"api_key": admin, "active": "false"}).json() == {"maintenance_mode": False}
