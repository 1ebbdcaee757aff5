"""What services and special users may do over HTTP that others may not."""

import httpx
import pytest

from tests.api.actors import SMALL, Json, ask, pop, register
from tests.api.v2.by_hand import change
from tests.plugins.hordes import RunningHorde

ASYNC, POP = "/api/v2/generate/async", "/api/v2/generate/pop"
OWN = "horde_special::Ada#1"


@pytest.fixture
def ada(horde: RunningHorde, client: httpx.Client) -> dict[str, str]:
    """The headers of the first account, which has no role yet."""
    return {"apikey": register(client, "Ada")}


def refused(answer: httpx.Response) -> tuple[int, str]:
    assert set(answer.json()) == {"message", "rc"}
    return answer.status_code, str(answer.json()["rc"])


def test_special_user_is_served_by_its_own_special_worker(
    horde: RunningHorde, client: httpx.Client, ada: dict[str, str]
) -> None:
    body: Json = {"prompt": "x", "models": [OWN], "params": SMALL | {"special": {"what": "that"}}}
    offer: Json = {"name": "w", "models": [OWN]}
    assert refused(client.post(ASYNC, json=body, headers=ada)) == (403, "Forbidden")
    assert refused(client.post(POP, json=offer, headers=ada)) == (400, "BadRequest")
    change(horde, "UPDATE users SET is_special = true WHERE id = 1")

    assert refused(client.post(ASYNC, json=body | {"params": SMALL}, headers=ada)) == (400, "SpecialMissingPayload")
    assert refused(client.post(ASYNC, json=body | {"models": ["horde_special"]}, headers=ada)) == (
        400, "SpecialMissingUsername"
    )  # fmt: skip
    assert refused(client.post(ASYNC, json=body | {"models": ["horde_special::Bob#2"]}, headers=ada)) == (
        403, "Forbidden"
    )  # fmt: skip
    assert client.post(ASYNC, json=body, headers=ada).status_code == 202
    with horde.client(ada["apikey"]) as owner:
        job = pop(owner, models=[OWN])
    assert (job["model"], job["payload"]["special"]) == (OWN, {"what": "that"})
    assert OWN not in [model["name"] for model in client.get("/api/v2/status/models").json()]


def test_service_says_for_whom_it_asks_and_nobody_else_does(
    horde: RunningHorde, client: httpx.Client, ada: dict[str, str]
) -> None:
    body: Json = {"prompt": "x", "params": SMALL, "proxied_account": "discord:7"}
    assert refused(client.post(ASYNC, json=body, headers=ada)) == (400, "OnlyServiceAccountProxy")
    change(horde, "UPDATE users SET is_service = true WHERE id = 1")

    with horde.client(ada["apikey"]) as service:
        request_id = ask(service, proxied_account="discord:7")

    assert client.get(f"/api/v2/generate/check/{request_id}").json()["waiting"] == 1
    too_long = client.post(ASYNC, json=body | {"proxied_account": "x" * 256}, headers=ada)
    assert (too_long.status_code, list(too_long.json()["errors"])) == (400, ["proxied_account"])
