"""Giving kudos in v1: the key among the arguments, refusals as bare texts."""

from typing import Any

import httpx
import pytest

from tests.api.actors import register
from tests.api.v2.by_hand import change
from tests.plugins.hordes import RunningHorde

TRANSFER = "/api/v1/kudos/transfer"


@pytest.mark.parametrize("way", ["json", "data", "params"])
def test_gift_arrives_however_it_is_said(horde: RunningHorde, client: httpx.Client, way: str) -> None:
    ada, bob = register(client, "Ada"), register(client, "Bob")
    change(horde, "UPDATE ledger_accounts SET spendable_mk = 100000 WHERE user_id = 1")
    said: Any = {way: {"username": "Bob#2", "api_key": ada, "amount": "30"}}

    answer = client.post(TRANSFER, **said)

    assert (answer.status_code, answer.json()) == (200, {"transfered": 30.0})
    assert client.get("/api/v2/find_user", headers={"apikey": bob}).json()["kudos"] == 44.0


def test_refusals_are_bare_texts(client: httpx.Client) -> None:
    ada = register(client, "Ada")
    register(client, "Bob")

    def give(username: str, key: str = ada, amount: int = 1) -> tuple[int, bool]:
        answer = client.post(TRANSFER, json={"username": username, "api_key": key, "amount": amount})
        return answer.status_code, isinstance(answer.json(), str)

    assert give("Bob#2", "unknown") == (401, True)
    assert give("Bob#2", "0000000000") == (400, True)
    assert give("Bob#3") == (400, True)
    assert give("Anonymous#0") == (400, True)
    assert give("Ada#1") == (400, True)
    assert give("Bob#2") == (400, True)
    assert give("Bob#2", amount=-5) == (400, True)


@pytest.mark.parametrize("missing", ["username", "api_key"])
def test_missing_argument_is_named(shared_client: httpx.Client, missing: str) -> None:
    body = {"username": "Bob#2", "api_key": "0000000000"}
    del body[missing]

    answer = shared_client.post(TRANSFER, json=body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [missing])
