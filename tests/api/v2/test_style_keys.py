"""Styles that a shared key pays for, over HTTP."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.actors import SMALL, Json, register
from tests.api.v2.by_hand import change
from tests.api.v2.test_sharedkeys import KEYS
from tests.api.v2.test_styles import IMAGE, MODELS, TEXT, Keys, call, made, refused
from tests.plugins.hordes import ANONYMOUS, RunningHorde

ASYNC, TEXT_ASYNC = "/api/v2/generate/async", "/api/v2/generate/text/async"


@pytest.fixture
def client(horde: RunningHorde) -> Iterator[httpx.Client]:
    with horde.client(key=None) as opened:
        yield opened


@pytest.fixture
def keys(horde: RunningHorde, client: httpx.Client) -> Keys:
    """Of Ada who makes styles, and of Bob who asks; both are trusted."""
    made = {name: register(client, name) for name in ("ada", "bob")}
    change(horde, "UPDATE users SET is_trusted = true")
    change(horde, "UPDATE ledger_accounts SET spendable_mk = 1000000 WHERE user_id IN (1, 2)")
    return made | {"nobody": ANONYMOUS}


def shared(client: httpx.Client, owner: str, **fields: Any) -> Json:
    status, answer = call(client, "PUT", KEYS, owner, **fields)
    assert status == 200, answer
    found: Json = answer
    return found


def test_image_style_is_shown_with_its_key_everywhere(client: httpx.Client, keys: Keys) -> None:
    key = shared(client, keys["ada"], name="for all", kudos=70)
    style_id = made(client, keys["ada"], sharedkey=key["id"])

    assert call(client, "GET", f"{KEYS}/{key['id']}") == (200, key)
    for path in (f"{IMAGE}/{style_id}", f"{IMAGE}_by_name/Oil"):
        assert call(client, "GET", path)[1]["shared_key"] == key
    assert [style["shared_key"] for style in call(client, "GET", IMAGE)[1]] == [key]
    plain = made(client, keys["ada"], "Ink")
    assert "shared_key" not in call(client, "GET", f"{IMAGE}/{plain}")[1]


@pytest.mark.parametrize("path", [IMAGE, TEXT])
def test_author_changes_and_takes_away_the_key_and_other_changes_leave_it(
    client: httpx.Client, keys: Keys, path: str
) -> None:
    first, second = shared(client, keys["ada"])["id"], shared(client, keys["ada"])["id"]
    style_id = made(client, keys["ada"], path=path, sharedkey=first)

    def price() -> float:
        body = {"prompt": "fox", "style": "Oil", "dry_run": True}
        status, answer = call(client, "POST", {IMAGE: ASYNC, TEXT: TEXT_ASYNC}[path], keys["bob"], **body)
        assert status == 200, answer
        return float(answer["kudos"])

    paid = price()
    for fields in ({"info": "A long story."}, {"sharedkey": second}):
        assert call(client, "PATCH", f"{path}/{style_id}", keys["ada"], **fields)[0] == 200
        assert price() == paid
    if path == IMAGE:
        assert call(client, "GET", f"{path}/{style_id}")[1]["shared_key"]["id"] == second
    assert call(client, "PATCH", f"{path}/{style_id}", keys["ada"], sharedkey="")[0] == 200
    assert price() == paid + 2
    assert "shared_key" not in call(client, "GET", f"{path}/{style_id}")[1]


@pytest.mark.parametrize("path", [IMAGE, TEXT])
def test_key_that_is_not_the_authors_own_is_refused_before_all_that_comes_after_it(
    horde: RunningHorde, client: httpx.Client, keys: Keys, path: str
) -> None:
    foreign, own = shared(client, keys["bob"])["id"], shared(client, keys["ada"])["id"]
    style_id = made(client, keys["ada"], path=path)
    bad: list[Json] = [{"name": "Ink", "models": MODELS, "sharedkey": text} for text in (foreign, str(uuid4()))]

    for body in bad:
        assert refused(call(client, "POST", path, keys["ada"], **body)) == (400, "BadRequest")
        assert refused(call(client, "PATCH", f"{path}/{style_id}", keys["ada"], **body)) == (400, "BadRequest")
    change(horde, "UPDATE users SET deleted_at = now() WHERE id = 1")
    assert refused(call(client, "POST", path, keys["ada"], **bad[0])) == (400, "BadRequest")
    body = {"name": "Ink", "models": MODELS, "sharedkey": own}
    assert refused(call(client, "POST", path, keys["ada"], **body)) == (403, "DeletedUser")


@pytest.mark.parametrize("caller", ["bob", "nobody"])
def test_key_of_a_style_pays_for_everybody_and_is_none_to_ask_with(
    client: httpx.Client, keys: Keys, caller: str
) -> None:
    key = shared(client, keys["ada"], kudos=100)
    body = {"prompt": "fox", "params": SMALL}
    assert call(client, "POST", ASYNC, key["id"], **body)[0] == 202
    made(client, keys["ada"], sharedkey=key["id"])
    made(client, keys["ada"], "Bard", path=TEXT, sharedkey=key["id"])
    before = call(client, "GET", f"{KEYS}/{key['id']}")[1]

    assert call(client, "POST", ASYNC, keys[caller], style="Oil", **body)[0] == 202
    assert call(client, "POST", TEXT_ASYNC, keys[caller], prompt="fox", style="Bard")[0] == 202

    after = call(client, "GET", f"{KEYS}/{key['id']}")[1]
    assert after["utilized"] == before["utilized"] + 2  # the taxes
    assert call(client, "GET", "/api/v2/find_user", keys["ada"])[1]["records"]["style"]["image"] == 1
    for fields in ({}, {"dry_run": True}, {"allow_downgrade": True}):
        refusal = refused(call(client, "POST", ASYNC, key["id"], **body, **fields))
        assert refusal == (403, "SharedKeyAssignedStyles"), fields
    assert refused(call(client, "POST", TEXT_ASYNC, key["id"], prompt="x")) == (403, "SharedKeyAssignedStyles")


def test_style_outlives_its_key(client: httpx.Client, keys: Keys) -> None:
    key = shared(client, keys["ada"])
    style_id = made(client, keys["ada"], sharedkey=key["id"])

    assert call(client, "DELETE", f"{KEYS}/{key['id']}", keys["ada"]) == (200, {"message": "OK"})

    assert "shared_key" not in call(client, "GET", f"{IMAGE}/{style_id}")[1]
    assert call(client, "POST", ASYNC, keys["bob"], prompt="fox", style="Oil", params=SMALL)[0] == 202
