"""Accounts that tests of clients make for themselves, where the operator lets them."""

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from horde.server.settings import Settings
from tests.plugins.hordes import running

TEST_USER = "/api/v2/dev/test-user"
WANTED = {"username": "tester", "oauth_id": "t_1"}


@pytest.fixture
def dev(settings: Settings) -> Iterator[httpx.Client]:
    """A client of a horde on which accounts for tests are made."""
    with running(msgspec.structs.replace(settings, test_apikeys=True)) as horde, horde.client(key=None) as opened:
        yield opened


def me(client: httpx.Client, key: str) -> dict[str, Any]:
    answer = client.get("/api/v2/find_user", headers={"apikey": key})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_account_for_tests_has_the_roles_and_kudos_that_were_wished(dev: httpx.Client) -> None:
    answer = dev.post(TEST_USER, json=WANTED)

    made = answer.json()
    assert answer.status_code == 201
    assert made == {
        "api_key": made["api_key"], "user_id": "1", "username": "tester", "alias": "tester#1", "kudos": 10000.0,
        "trusted": True, "moderator": True, "created": True,
    }  # fmt: skip
    found = me(dev, made["api_key"])
    assert (found["username"], found["kudos"], found["moderator"], found["trusted"]) == (
        "tester#1",
        10000.0,
        True,
        True,
    )


def test_same_name_of_a_sign_in_is_the_same_account_with_another_key(dev: httpx.Client) -> None:
    first = dev.post(TEST_USER, json=WANTED).json()

    plain = {"username": "other", "moderator": False, "trusted": False}
    answer = dev.post(TEST_USER, json=WANTED | plain | {"kudos": 50})
    kept = dev.post(TEST_USER, json=WANTED | plain | {"kudos": None}).json()

    second = answer.json()
    assert (answer.status_code, second["created"], second["alias"], second["kudos"]) == (200, False, "other#1", 50.0)
    assert (second["moderator"], second["trusted"], kept["kudos"]) == (False, False, 50.0)
    assert dev.get("/api/v2/find_user", headers={"apikey": first["api_key"]}).status_code == 404
    assert me(dev, kept["api_key"])["username"] == "other#1"
    assert dev.post(TEST_USER, json=WANTED | {"oauth_id": "t_2"}).status_code == 201


@pytest.mark.parametrize(
    "wrong", [{"username": 1}, {"username": "x" * 31}, {"username": " "}, {"kudos": -1}, {"moderator": "yes"}]
)
def test_wrong_wish_is_refused_in_one_sentence(dev: httpx.Client, wrong: dict[str, object]) -> None:
    answer = dev.post(TEST_USER, json=WANTED | wrong)

    assert answer.status_code == 400
    assert answer.json().keys() == {"message"}


@pytest.mark.parametrize("header", [{"X-Forwarded-For": "203.0.113.5"}, {"Forwarded": "for=203.0.113.5"}])
def test_nobody_from_elsewhere_gets_an_account_for_tests(dev: httpx.Client, header: dict[str, str]) -> None:
    answer = dev.post(TEST_USER, json=WANTED, headers=header)

    assert answer.status_code == 403


def test_horde_makes_no_accounts_for_tests_by_itself(shared_client: httpx.Client) -> None:
    assert shared_client.post(TEST_USER, json=WANTED).status_code == 404
