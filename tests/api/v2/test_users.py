"""Accounts over HTTP: who sees what of one, and who may change what."""

from typing import Any

import httpx
import pytest

from tests.api.actors import Json, ask, pop, register, serve_one
from tests.api.v2.by_hand import change
from tests.plugins.hordes import RunningHorde

USERS = "/api/v2/users"
SEEN_BY_ALL = {
    "username", "id", "kudos", "concurrency", "worker_invited", "moderator", "trusted", "flagged", "pseudonymous",
    "service", "education", "customizer", "deleted", "worker_count", "account_age", "kudos_details", "records", "usage",
    "contributions", "styles",
}  # fmt: skip
SEEN_BY_ITSELF = SEEN_BY_ALL | {
    "worker_ids", "sharedkey_ids", "vpn", "special", "active_generations", "evaluating_kudos"
}  # fmt: skip
SEEN_BY_MODERATORS = SEEN_BY_ITSELF | {"suspicious"}
LISTED = SEEN_BY_MODERATORS | {"contact", "admin_comment", "proxy_passkey", "monthly_kudos"}
Keys = dict[str, str]


@pytest.fixture
def keys(horde: RunningHorde, client: httpx.Client) -> Keys:
    """Of four accounts, 1 to 4; `nobody` has the anonymous one."""
    made = {name: register(client, name) for name in ("admin", "moderator", "ada", "bob")}
    change(horde, "UPDATE users SET is_admin = true, is_moderator = true, is_trusted = true WHERE id = 1")
    change(horde, "UPDATE users SET is_moderator = true, is_trusted = true WHERE id = 2")
    return made | {"nobody": "0000000000"}


def put(client: httpx.Client, key: str, user_id: object, **fields: Any) -> tuple[int, Any]:
    answer = client.put(f"{USERS}/{user_id}", json=fields, headers={"apikey": key})
    return answer.status_code, answer.json()


def refused(answer: tuple[int, Any]) -> tuple[int, str]:
    status, body = answer
    return status, body["rc"]


def get(client: httpx.Client, user_id: object, key: str | None = None) -> Json:
    answer = client.get(f"{USERS}/{user_id}", headers={} if key is None else {"apikey": key})
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


# ---------------------------------------------------------------------------------------------- reading
def test_each_sees_what_it_may(horde: RunningHorde, keys: Keys) -> None:
    with horde.client(key=None) as client:
        assert set(get(client, 3)) == SEEN_BY_ALL
        assert set(get(client, 3, keys["bob"])) == SEEN_BY_ALL
        assert set(get(client, 3, keys["ada"])) == SEEN_BY_ITSELF
        assert set(get(client, 3, keys["moderator"])) == SEEN_BY_MODERATORS
        mine = client.get("/api/v2/find_user", headers={"apikey": keys["ada"]}).json()
        assert mine == get(client, 3, keys["ada"]) | {"account_age": mine["account_age"]}


def test_what_is_there_is_shown_to_who_may_see_it(horde: RunningHorde, keys: Keys) -> None:
    change(
        horde,
        "UPDATE users SET contact = 'ada@example', admin_comment = 'odd', suspicion = 3, monthly_mk = 5000000,"
        " monthly_since = '2024-01-01T00:00:00Z', monthly_due_at = '2024-02-01T00:00:00Z', has_public_workers = true"
        " WHERE id = 3",
    )
    change(horde, "UPDATE ledger_accounts SET escrow_mk = 7500 WHERE user_id = 3")
    with horde.client(key=None) as client:
        own, seen = get(client, 3, keys["ada"]), get(client, 3, keys["moderator"])

        assert set(get(client, 3)) == SEEN_BY_ALL | {"worker_ids"}
        assert (own["contact"], own["evaluating_kudos"]) == ("ada@example", 7.5)
        assert own["monthly_kudos"] == {"amount": 5000, "last_received": "Mon, 01 Jan 2024 00:00:00 -0000"}
        assert isinstance(own["monthly_kudos"]["amount"], int)
        assert "admin_comment" not in own
        assert (seen["admin_comment"], seen["suspicious"]) == ("odd", 3)


def test_records_tell_what_was_asked_for_and_given(client: httpx.Client, keys: Keys) -> None:
    size = {"width": 512, "height": 512, "steps": 4}
    with httpx.Client(base_url=client.base_url, headers={"apikey": keys["ada"]}) as ada:
        ask(ada, params=size | {"n": 2})
    with httpx.Client(base_url=client.base_url, headers={"apikey": keys["bob"]}) as bob:
        serve_one(bob, name="one")
        serve_one(bob, name="one")

    none = {"image": 0, "text": 0, "interrogation": 0}
    asked, gave = get(client, 3)["records"], get(client, 4)["records"]
    assert asked == {
        "usage": {"megapixelsteps": 2.1, "tokens": 0}, "contribution": {"megapixelsteps": 0, "tokens": 0},
        "request": none | {"image": 2}, "fulfillment": none, "style": none,
    }  # fmt: skip
    assert gave == {
        "usage": {"megapixelsteps": 0, "tokens": 0}, "contribution": {"megapixelsteps": 2.1, "tokens": 0},
        "request": none, "fulfillment": none | {"image": 2}, "style": none,
    }  # fmt: skip
    assert get(client, 3)["usage"] == {"megapixelsteps": None, "requests": None}
    assert get(client, 4)["worker_count"] == 1


@pytest.mark.parametrize("user_id", ["99", "x", "-1", "1.5", "9" * 30, "²"])
def test_unknown_account_is_not_found(shared_client: httpx.Client, user_id: str) -> None:
    answer = shared_client.get(f"{USERS}/{user_id}")

    assert (answer.status_code, answer.json()["rc"]) == (404, "UserNotFound")


def test_unknown_key_is_refused(shared_client: httpx.Client) -> None:
    answer = shared_client.get(f"{USERS}/0", headers={"apikey": "unknown"})

    assert (answer.status_code, answer.json()["rc"]) == (401, "InvalidAPIKey")


def test_list_is_by_kudos_or_by_age_and_has_pages(horde: RunningHorde, client: httpx.Client, keys: Keys) -> None:
    for number in range(24):
        register(client, f"more {number}")
    change(horde, "UPDATE ledger_accounts SET spendable_mk = 90000 WHERE user_id = 3")
    change(horde, "UPDATE ledger_accounts SET held_mk = 90000 WHERE user_id = 4")
    assert keys

    def ids(**query: Any) -> list[int]:
        return [found["id"] for found in client.get(USERS, params=query).json()]

    assert ids()[:3] == [4, 3, 1]
    assert (len(ids()), ids(page=2)[-1], ids(page=3)) == (25, 0, [])
    assert ids(sort="age")[:4] == [0, 1, 2, 3]
    assert ids(page=10_001) == ids(page=0) == ids(page=-5) == []


def test_list_shows_what_all_may_see_and_keeps_its_nulls(client: httpx.Client, keys: Keys) -> None:
    first = client.get(USERS, params={"sort": "age"}, headers={"apikey": keys["moderator"]}).json()[0]

    assert set(first) == LISTED
    assert {name: first[name] for name in LISTED - SEEN_BY_ALL} == dict.fromkeys(LISTED - SEEN_BY_ALL) | {
        "active_generations": {}, "monthly_kudos": {}
    }  # fmt: skip


def test_page_that_is_no_number_breaks_the_schema(shared_client: httpx.Client) -> None:
    answer = shared_client.get(USERS, params={"page": "x"})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["page"])


# --------------------------------------------------------------------------------------------- changing
def test_admin_changes_money_and_moderators(client: httpx.Client, keys: Keys) -> None:
    assert put(client, keys["admin"], 3, kudos=100) == (200, {"new_kudos": 114.0})
    assert put(client, keys["admin"], 3, kudos=-50.9) == (200, {"new_kudos": 64.0})
    assert put(client, keys["admin"], 3, kudos=-1000) == (200, {"new_kudos": 14.0})  # its floor
    assert put(client, keys["admin"], 3, monthly_kudos=500) == (200, {"monthly_kudos": 500.0})
    assert put(client, keys["admin"], 3, monthly_kudos=-600) == (200, {"monthly_kudos": 0.0})
    assert put(client, keys["admin"], 3, usage_multiplier=2.5) == (200, {"usage_multiplier": 2.5})
    assert put(client, keys["admin"], 3, moderator=True) == (200, {"moderator": True})

    found = get(client, 3)
    assert (found["kudos_details"]["admin"], found["moderator"], found["trusted"]) == (0.0, True, True)


def test_moderator_changes_roles_and_limits(horde: RunningHorde, client: httpx.Client, keys: Keys) -> None:
    change(horde, "UPDATE users SET suspicion = 4 WHERE id = 3")
    roles = dict.fromkeys(("trusted", "flagged", "customizer", "vpn", "service", "special"), True)
    wanted = roles | {"concurrency": 50, "worker_invited": 3, "admin_comment": "odd one", "reset_suspicion": True}

    status, done = put(client, keys["moderator"], 3, **wanted)

    del wanted["reset_suspicion"]
    assert (status, done) == (200, wanted | {"new_suspicion": 0})
    found = get(client, 3, keys["moderator"])
    assert {name: found[name] for name in wanted} == wanted


def test_education_comes_with_room_for_a_class_and_goes_with_it(client: httpx.Client, keys: Keys) -> None:
    def education(is_one: bool) -> tuple[int, Any]:
        return put(client, keys["moderator"], 3, education=is_one)

    assert education(True) == (200, {"education": True, "concurrency": 200})
    assert education(False) == (200, {"education": False, "concurrency": 30})
    put(client, keys["moderator"], 3, concurrency=300)
    assert education(True) == (200, {"education": True, "concurrency": 300})
    assert education(False) == (200, {"education": False, "concurrency": 300})


def test_who_becomes_trusted_gets_what_was_in_escrow(horde: RunningHorde, client: httpx.Client, keys: Keys) -> None:
    change(horde, "UPDATE ledger_accounts SET escrow_mk = 7500 WHERE user_id = 3")

    put(client, keys["moderator"], 3, trusted=True)

    found = get(client, 3, keys["ada"])
    assert (found["kudos"], found["evaluating_kudos"]) == (21.5, 0.0)


def test_what_is_told_of_an_account_is_harmless_in_pages_whoever_changes_it(client: httpx.Client, keys: Keys) -> None:
    for key in (keys["ada"], keys["moderator"]):
        _, done = put(client, key, 3, username="<i>Ada</i> & Co", contact=" <b>me@example</b>")
        assert done == {"username": "&lt;i&gt;Ada&lt;/i&gt; &amp; Co", "contact": "&lt;b&gt;me@example&lt;/b&gt;"}
    put(client, keys["moderator"], 3, admin_comment="<script>odd</script>")

    found = get(client, 3, keys["moderator"])
    assert (found["username"], found["contact"], found["admin_comment"]) == (
        "&lt;i&gt;Ada&lt;/i&gt; &amp; Co#3", "&lt;b&gt;me@example&lt;/b&gt;", "&lt;script&gt;odd&lt;/script&gt;"
    )  # fmt: skip


def test_everybody_changes_oneself(horde: RunningHorde, client: httpx.Client, keys: Keys) -> None:
    wanted = {"username": " Countess  Ada ", "contact": "ada@example", "public_workers": True}

    assert put(client, keys["ada"], 3, **wanted) == (200, wanted | {"username": "Countess Ada"})
    assert get(client, 3)["username"] == "Countess Ada#3"
    assert refused(put(client, keys["ada"], 3, undelete=True)) == (400, "UserNotDeleted")
    change(horde, "UPDATE users SET deleted_at = now() WHERE id = 3")
    assert get(client, 3)["deleted"] is True
    assert put(client, keys["moderator"], 3, undelete=True) == (200, {"undeleted": True})
    assert get(client, 3)["deleted"] is False


@pytest.mark.parametrize(
    ("caller", "user_id", "fields", "refusal"),
    [
        ("unknown", 99, {"kudos": 1}, (404, "UserNotFound")),
        ("unknown", "x", {"kudos": 1}, (404, "UserNotFound")),
        ("unknown", 3, {"kudos": 1}, (401, "InvalidAPIKey")),
        ("moderator", 3, {"kudos": 1}, (403, "NotAdmin")),
        ("moderator", 3, {"monthly_kudos": 1}, (403, "NotAdmin")),
        ("moderator", 2, {"usage_multiplier": 1}, (403, "NotAdmin")),
        ("moderator", 3, {"moderator": False}, (403, "NotAdmin")),
        ("ada", 3, {"trusted": True, "kudos": 1}, (403, "NotAdmin")),
        ("ada", 3, {"trusted": True}, (403, "NotModerator")),
        ("ada", 3, {"flagged": False}, (403, "NotModerator")),
        ("ada", 3, {"concurrency": 0}, (403, "NotModerator")),
        ("ada", 3, {"reset_suspicion": True}, (403, "NotModerator")),
        ("bob", 3, {"contact": "bob@example"}, (403, "NotModerator")),
        ("nobody", 0, {"contact": "bob@example"}, (403, "AnonForbiddenUserMod")),
        ("nobody", 3, {"contact": "bob@example"}, (403, "AnonForbiddenUserMod")),
        ("ada", 3, {}, (400, "NoUserModSelected")),
        ("ada", 3, {"filtered": True, "unknown": 7, "undelete": False}, (400, "NoUserModSelected")),
        ("ada", 3, {"username": "x" * 31}, (400, "TooLongUserName")),
        ("ada", 3, {"username": "     "}, (400, "BadRequest")),
        ("ada", 3, {"generate_proxy_passkey": True}, (403, "NonServiceForbidden")),
        # All or nothing: what is allowed is not done either.
        ("moderator", 3, {"flagged": True, "kudos": 1}, (403, "NotAdmin")),
        ("moderator", 3, {"flagged": True, "undelete": True}, (400, "UserNotDeleted")),
    ],
)
def test_refused_change_changes_nothing(
    client: httpx.Client, keys: Keys, caller: str, user_id: object, fields: Json, refusal: tuple[int, str]
) -> None:
    before = get(client, 3, keys["moderator"])

    assert refused(put(client, keys.get(caller, "unknown"), user_id, **fields)) == refusal

    after = get(client, 3, keys["moderator"])
    assert after == before | {"account_age": after["account_age"]}


@pytest.mark.parametrize(
    "fields",
    [
        {"kudos": "1"}, {"kudos": 1e13}, {"usage_multiplier": 0.05}, {"usage_multiplier": 11}, {"moderator": "yes"},
        {"concurrency": 501}, {"concurrency": -1}, {"worker_invited": 2**31}, {"admin_comment": "odd"},
        {"username": "ab"}, {"username": "x" * 101}, {"contact": "abcd"}, {"trusted": None},
    ],
)  # fmt: skip
def test_field_out_of_its_bounds_breaks_the_schema(shared_client: httpx.Client, fields: Json) -> None:
    answer = shared_client.put(f"{USERS}/0", json=fields)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, list(fields))


def test_roles_of_the_anonymous_account_stay_as_they_are(client: httpx.Client, keys: Keys) -> None:
    assert put(client, keys["admin"], 0, trusted=True, moderator=True, education=True, concurrency=400) == (
        200,
        {"trusted": False, "moderator": False, "education": False, "concurrency": 400},
    )


def test_workers_of_an_account_are_named_where_it_wants_so(client: httpx.Client, keys: Keys) -> None:
    with httpx.Client(base_url=client.base_url, headers={"apikey": keys["ada"]}) as ada:
        pop(ada, name="Adas")
    assert "worker_ids" not in get(client, 3)
    put(client, keys["ada"], 3, public_workers=True)

    assert len(get(client, 3)["worker_ids"]) == 1


# ---------------------------------------------------------------------------------------------- leaving
def test_account_is_deleted_comes_back_and_is_wiped_in_the_end(
    horde: RunningHorde, client: httpx.Client, keys: Keys
) -> None:
    def delete(caller: str, user_id: object = 3) -> httpx.Response:
        return client.delete(f"{USERS}/{user_id}", headers={"apikey": keys.get(caller, "unknown")})

    assert (delete("ada").status_code, delete("ada").json()["rc"]) == (200, "CannotWipeActiveUser")
    assert get(client, 3)["deleted"] is True
    assert put(client, keys["ada"], 3, undelete=True) == (200, {"undeleted": True})
    assert delete("moderator").json() == {"message": "OK"}
    change(horde, "UPDATE users SET deleted_at = now() - interval '30 days' WHERE id = 3")
    assert delete("moderator").json() == {"message": "OK"}
    for answer in (client.get(f"{USERS}/3"), delete("moderator")):
        assert (answer.status_code, answer.json()["rc"]) == (404, "UserNotFound")
    assert client.get("/api/v2/find_user", headers={"apikey": keys["ada"]}).status_code == 404


@pytest.mark.parametrize(
    ("caller", "user_id", "refusal"),
    [
        ("unknown", 99, (404, "UserNotFound")),
        ("unknown", "x", (404, "UserNotFound")),
        ("unknown", 3, (401, "InvalidAPIKey")),
        (None, 3, (401, "InvalidAPIKey")),
        ("nobody", 3, (403, "AnonForbiddenUser")),
        ("moderator", 0, (403, "AnonForbiddenUser")),
        ("bob", 3, (403, "NotUserOrMod")),
        ("admin", 2, (403, "CannotDeleteMod")),
        ("moderator", 2, (403, "CannotDeleteMod")),
    ],
)
def test_who_may_not_delete_an_account_is_refused(
    horde: RunningHorde, keys: Keys, caller: str | None, user_id: object, refusal: tuple[int, str]
) -> None:
    headers = {"apikey": keys.get(caller, "unknown")} if caller else {}
    with horde.client(key=None) as client:
        answer = client.delete(f"{USERS}/{user_id}", headers=headers)

        assert refused((answer.status_code, answer.json())) == refusal
        assert get(client, 3)["deleted"] is False
