"""Kudos that are given and awarded, over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.api.actors import register
from tests.api.v2.by_hand import change
from tests.plugins.hordes import ANONYMOUS, RunningHorde, running

TRANSFER, AWARD = "/api/v2/kudos/transfer", "/api/v2/kudos/award"
GIVE_ALL = "UPDATE ledger_accounts SET spendable_mk = {} WHERE user_id = 1"


def who(client: httpx.Client, key: str) -> Any:
    return client.get("/api/v2/find_user", headers={"apikey": key}).json()


def refused(answer: httpx.Response) -> tuple[int, str]:
    assert set(answer.json()) == {"message", "rc"}
    return answer.status_code, str(answer.json()["rc"])


def test_gift_arrives(horde: RunningHorde, client: httpx.Client) -> None:
    ada, bob = register(client, "Ada"), register(client, "Bob")
    change(horde, GIVE_ALL.format(100_000))

    answer = client.post(TRANSFER, json={"username": "Bob#2", "amount": 30}, headers={"apikey": ada})

    assert (answer.status_code, answer.json()) == (200, {"transferred": 30.0})
    assert (who(client, ada)["kudos"], who(client, bob)["kudos"]) == (70.0, 44.0)
    assert (who(client, ada)["kudos_details"]["gifted"], who(client, bob)["kudos_details"]["received"]) == (-30, 30)


@pytest.mark.parametrize(("amount", "given"), [("3", 3), (1.5, 1), ("17", 17), (True, 1)])
def test_amount_is_cast(horde: RunningHorde, client: httpx.Client, amount: Any, given: int) -> None:
    ada = register(client, "Ada")
    register(client, "Bob")
    change(horde, GIVE_ALL.format(1_000_000))

    answer = client.post(TRANSFER, json={"username": "Bob#2", "amount": amount}, headers={"apikey": ada})

    assert answer.json() == {"transferred": float(given)}


def test_hundred_is_given_when_no_amount_is_said_and_a_number_names_an_id(
    horde: RunningHorde, client: httpx.Client
) -> None:
    ada = register(client, "Ada")
    register(client, "Bob")
    change(horde, GIVE_ALL.format(1_000_000))

    answer = client.post(TRANSFER, json={"username": 2}, headers={"apikey": ada})

    assert answer.json() == {"transferred": 100.0}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"amount": 5}, "username"),
        ({"username": None}, "username"),
        ({"username": "Bob#2", "amount": "many"}, "amount"),
        ({"username": "Bob#2", "amount": ""}, "amount"),
        ({"username": "Bob#2", "amount": [1]}, "amount"),
        ({"username": "Bob#2", "amount": None}, "amount"),
        ({"username": "Bob#2", "amount": 1e300}, "amount"),
        ({"username": "Bob#2", "amount": "9" * 5000}, "amount"),
    ],
)
@pytest.mark.parametrize("route", [TRANSFER, AWARD])
def test_body_that_cannot_be_cast_breaks_the_schema(
    shared_client: httpx.Client, route: str, body: dict[str, Any], path: str
) -> None:
    answer = shared_client.post(route, json=body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [path])
    assert "rc" not in answer.json()


def test_refusals_have_their_codes(client: httpx.Client) -> None:
    ada = register(client, "Ada")
    register(client, "Bob")

    def give(username: str, amount: int = 1, apikey: str = ANONYMOUS) -> tuple[int, str]:
        return refused(client.post(TRANSFER, json={"username": username, "amount": amount}, headers={"apikey": apikey}))

    assert give("Bob#2", apikey="unknown") == (401, "InvalidAPIKey")
    assert give("Bob#2") == (400, "KudosTransferFromAnon")
    assert give("Bob#3", apikey=ada) == (400, "InvalidTargetUsername")
    assert give("Anonymous#0", apikey=ada) == (400, "KudosTransferToAnon")
    assert give("Ada#1", apikey=ada) == (400, "KudosTransferToSelf")
    assert give("Bob#2", -1, apikey=ada) == (400, "NegativeKudosTransfer")
    assert give("Bob#2", 0, apikey=ada) == (400, "InvalidKudosTransferAmount")
    assert give("Bob#2", 1, apikey=ada) == (400, "KudosTransferNotEnough")


def test_key_makes_a_gift_once_and_another_gift_with_it_a_conflict(horde: RunningHorde, client: httpx.Client) -> None:
    ada = register(client, "Ada")
    register(client, "Bob")
    change(horde, GIVE_ALL.format(100_000))
    headers = {"apikey": ada, "Idempotency-Key": "8d0f"}

    first = client.post(TRANSFER, json={"username": "Bob#2", "amount": 60}, headers=headers)
    again = client.post(TRANSFER, json={"username": "Bob#2", "amount": 60}, headers=headers)
    other = client.post(TRANSFER, json={"username": "Bob#2", "amount": 61}, headers=headers)

    assert first.json() == again.json() == {"transferred": 60.0}
    assert refused(other) == (409, "IdempotencyKeyConflict")
    assert who(client, ada)["kudos"] == 40.0


def test_of_a_thousand_gifts_over_two_nodes_as_many_succeed_as_can_be_afforded(horde: RunningHorde) -> None:
    with running(horde.settings) as second, horde.client() as one, second.client() as other:
        ada = register(one, "Ada")
        register(other, "Bob")
        change(horde, GIVE_ALL.format(14_000 + 321_000 + 500))

        def give(number: int) -> httpx.Response:
            body = {"username": "Bob#2", "amount": 1}
            return (one, other)[number % 2].post(TRANSFER, json=body, headers={"apikey": ada})

        with ThreadPoolExecutor(24) as callers:
            answers = list(callers.map(give, range(1000)))

        codes = [answer.json().get("rc", "given") for answer in answers]
        assert (codes.count("given"), codes.count("KudosTransferNotEnough")) == (321, 679)
        assert who(one, ada)["kudos"] == 14.5


def test_award_is_for_who_runs_the_horde(horde: RunningHorde, client: httpx.Client) -> None:
    boss, bob = {"apikey": register(client, "Boss")}, register(client, "Bob")
    body = {"username": "Bob#2", "amount": "50"}
    # The first account registered by itself: it is not the operator's.
    assert refused(client.post(AWARD, json=body, headers=boss)) == (403, "NotAllowedAwards")
    change(horde, "UPDATE users SET is_admin = true WHERE id = 1")

    answer = client.post(AWARD, json=body, headers=boss)

    assert (answer.status_code, answer.json()) == (200, {"awarded": 50.0})
    assert (who(client, bob)["kudos"], who(client, bob)["kudos_details"]["awarded"]) == (64.0, 50.0)
    assert refused(client.post(AWARD, json=body, headers={"apikey": "unknown"})) == (401, "InvalidAPIKey")
    assert refused(client.post(AWARD, json=body | {"username": "x"}, headers=boss)) == (400, "InvalidAwardUsername")
    assert refused(client.post(AWARD, json=body | {"username": "0"}, headers=boss)) == (400, "KudosAwardToAnon")
    change(horde, "UPDATE users SET is_flagged = true WHERE id = 2")
    assert refused(client.post(AWARD, json=body, headers=boss)) == (400, "TargetAccountFlagged")
    change(horde, "UPDATE users SET deleted_at = now() WHERE id = 1")
    assert refused(client.post(AWARD, json=body, headers=boss)) == (403, "DeletedUser")
