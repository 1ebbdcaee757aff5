"""Which doors moderators close, and what then happens at them."""

from typing import Any

import httpx
import msgspec
import pytest

from horde.server.settings import Settings
from tests.api.actors import SMALL, ask, deliver, pop, register, serve_one
from tests.api.v2.by_hand import change
from tests.plugins.hordes import RunningHorde, running

MODES = "/api/v2/status/modes"
CLOSED = "invite_only_mode"


def role(horde: RunningHorde, client: httpx.Client, *roles: str) -> str:
    """The key of a new account with these roles."""
    key = register(client, "keeper")
    change(horde, f"UPDATE users SET {', '.join(f'{name} = true' for name in roles)} WHERE name = 'keeper'")
    return key


def put(client: httpx.Client, key: str, **fields: Any) -> httpx.Response:
    """Change modes with that key."""
    return client.put(MODES, headers={"apikey": key}, json=fields)


def test_modes_are_told_to_everybody(settings: Settings) -> None:
    with running(msgspec.structs.replace(settings, invite_only=True)) as closed, closed.client(key=None) as nobody:
        assert nobody.get(MODES).json() == {"maintenance_mode": False, "invite_only_mode": True}


def test_moderator_sees_all_modes_and_no_other_key_is_taken(horde: RunningHorde, client: httpx.Client) -> None:
    key = register(client)

    def modes(key: str) -> httpx.Response:
        return client.get(MODES, headers={"apikey": key})

    assert (modes("unknown").status_code, modes("unknown").json()["rc"]) == (401, "InvalidAPIKey")
    assert (modes(key).status_code, modes(key).json()["rc"]) == (403, "NotModerator")
    change(horde, "UPDATE users SET is_moderator = true WHERE id > 0")
    assert modes(key).json() == {"maintenance_mode": False, "invite_only_mode": False, "raid_mode": False}


def test_changed_modes_are_answered_and_stay(horde: RunningHorde, client: httpx.Client) -> None:
    key = role(horde, client, "is_moderator", "is_admin")

    answer = put(client, key, maintenance_mode=True, raid_mode="any truth")

    assert (answer.status_code, answer.json()) == (200, {"maintenance_mode": True, "raid_mode": True})
    assert client.get(MODES, headers={"apikey": key}).json() == {
        "maintenance_mode": True, "invite_only_mode": False, "raid_mode": True
    }  # fmt: skip
    with running(horde.settings) as other, other.client(key=None) as elsewhere:
        assert elsewhere.get(MODES).json()["maintenance_mode"] is True
    assert put(client, key, maintenance_mode=0).json() == {"maintenance_mode": False}


def test_who_may_not_is_refused_and_nothing_changes(horde: RunningHorde, client: httpx.Client) -> None:
    moderator = role(horde, client, "is_moderator")
    stranger = register(client)

    def refusal(key: str, **fields: Any) -> tuple[int, str]:
        answer = put(client, key, **fields)
        return answer.status_code, answer.json()["rc"]

    assert refusal("unknown", raid_mode=True) == (401, "InvalidAPIKey")
    assert refusal(stranger, raid_mode=True) == (403, "NotModerator")
    assert refusal(moderator, raid_mode=True, maintenance_mode=True) == (403, "NotAdmin")
    assert refusal(moderator) == (400, "NoHordeModSelected")
    assert refusal(moderator, raid_mode=None) == (400, "NoHordeModSelected")
    assert put(client, moderator, raid_mode=[]).json()["errors"].keys() == {"raid_mode"}
    without_key = client.put(MODES, headers={"apikey": ""}, json={"raid_mode": True})
    assert without_key.status_code == 401
    assert client.get(MODES, headers={"apikey": moderator}).json()["raid_mode"] is False


def test_maintenance_takes_no_request_and_serves_what_waits(horde: RunningHorde, client: httpx.Client) -> None:
    key = role(horde, client, "is_moderator", "is_admin")
    ask(client)
    job = pop(client)
    ask(client)
    body = {"prompt": "x", "params": SMALL}
    headers = {"Idempotency-Key": "once"}
    first = client.post("/api/v2/generate/async", json=body, headers=headers).json()
    put(client, key, maintenance_mode=True)

    refused = client.post("/api/v2/generate/async", json=body)
    estimate = client.post("/api/v2/generate/async", json=body | {"dry_run": True})
    again = client.post("/api/v2/generate/async", json=body, headers=headers)
    oldest = client.post("/api/v1/generate/sync", json=body | {"api_key": "0000000000"})

    assert (refused.status_code, refused.json()["rc"]) == (400, "MaintenanceMode")
    assert (estimate.status_code, estimate.json()["rc"]) == (400, "MaintenanceMode")
    assert (again.status_code, again.json()) == (202, first)
    assert (oldest.status_code, "maintenance mode" in oldest.json()) == (503, True)
    assert deliver(client, job["id"]).status_code == 200
    assert serve_one(client)["id"]
    put(client, key, maintenance_mode=False)
    assert client.post("/api/v2/generate/async", json=body).status_code == 202


def test_new_worker_needs_an_invitation_while_the_door_is_closed(horde: RunningHorde, client: httpx.Client) -> None:
    key = role(horde, client, "is_moderator")
    pop(client, name="known")
    put(client, key, **{CLOSED: True})

    new = client.post("/api/v2/generate/pop", json={"name": "new", "models": ["stable_diffusion"]})

    assert (new.status_code, new.json()["rc"]) == (403, "WorkerInviteOnly")
    assert pop(client, name="known")["id"] is None
    assert put(client, key, **{CLOSED: False}).json() == {CLOSED: False}
    assert pop(client, name="new")["id"] is None


def test_door_that_the_operator_closed_stays_closed(settings: Settings) -> None:
    closed = msgspec.structs.replace(settings, invite_only=True)
    with running(closed) as horde, horde.client() as client:
        key = role(horde, client, "is_moderator")

        answer = put(client, key, **{CLOSED: False, "raid_mode": True})

        assert (answer.status_code, answer.json()["rc"]) == (400, "BadRequest")
        assert "HORDE_INVITE_ONLY" in answer.json()["message"]
        assert client.get(MODES, headers={"apikey": key}).json()["raid_mode"] is False


def test_nobody_registers_in_a_raid_and_no_warning_tells_that_nobody_serves(
    horde: RunningHorde, client: httpx.Client
) -> None:
    key = role(horde, client, "is_moderator")
    body = {"prompt": "x", "params": SMALL}
    assert "warnings" in client.post("/api/v2/generate/async", json=body).json()
    put(client, key, raid_mode=True)

    answer = client.post("/register", json={"username": "stranger"})

    assert (answer.status_code, answer.json()["rc"]) == (403, "Forbidden")
    assert client.post("/api/v2/generate/async", json=body).json().keys() == {"id", "kudos"}
    put(client, key, raid_mode=False)
    assert register(client, "stranger")


@pytest.mark.parametrize("state", ["waits", "unknown", "no id"])
def test_request_that_is_not_done_cannot_be_rated(client: httpx.Client, state: str) -> None:
    ids = {"waits": ask(client), "unknown": "6f1c7a52-66b7-4a35-9d0e-7d3f1a1c0b2a", "no id": "nonsense"}

    answer = client.post(f"/api/v2/generate/rate/{ids[state]}", json={"ratings": []}, headers={"apikey": ""})

    expected = (400, "AestheticsNotCompleted") if state == "waits" else (404, "RequestNotFound")
    assert (answer.status_code, answer.json()["rc"]) == expected


def test_nothing_is_shared_so_nothing_can_be_rated(client: httpx.Client) -> None:
    request_id = ask(client)
    picture = serve_one(client)["id"]

    def rate(**rating: Any) -> httpx.Response:
        return client.post(f"/api/v2/generate/rate/{request_id}", json={"ratings": [{"id": picture, **rating}]})

    assert (rate(rating=7).status_code, rate(rating=7).json()["rc"]) == (400, "AestheticsNotPublic")
    assert rate(rating=11).json()["errors"].keys() == {"ratings.0.rating"}
