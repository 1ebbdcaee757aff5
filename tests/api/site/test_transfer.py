"""The form for giving kudos."""

import re

import httpx
import pytest

from tests.api.actors import register
from tests.api.v2.by_hand import change
from tests.plugins.hordes import RunningHorde


def fields(client: httpx.Client, **values: str) -> dict[str, str]:
    page = client.get("/transfer")
    assert page.status_code == 200
    (once,) = re.findall(r'name="once" type="hidden" value="([\w-]+)"', page.text)
    return {"username": "Bob#2", "amount": "30", "once": once, **values}


def kudos(client: httpx.Client, key: str) -> float:
    return float(client.get("/api/v2/find_user", headers={"apikey": key}).json()["kudos"])


def test_form_gives_kudos_once_however_often_it_is_sent(horde: RunningHorde, client: httpx.Client) -> None:
    ada, bob = register(client, "Ada"), register(client, "Bob")
    change(horde, "UPDATE ledger_accounts SET spendable_mk = 100000 WHERE user_id = 1")
    form = fields(client, src_api_key=f" {ada} ")

    pages = [client.post("/transfer", data=form) for _ in range(2)]

    assert [page.status_code for page in pages] == [200, 200]
    assert "Given: 30 kudos" in pages[0].text
    assert "Bob#2" in pages[0].text
    assert (kudos(client, ada), kudos(client, bob)) == (70.0, 44.0)
    # A form that is fetched anew is another gift.
    client.post("/transfer", data=fields(client, src_api_key=ada))
    assert kudos(client, bob) == 74.0


@pytest.mark.parametrize(
    ("values", "status", "words"),
    [
        ({"src_api_key": "unknown"}, 401, "No user matching sent API Key."),
        ({"src_api_key": ""}, 401, "No user matching sent API Key."),
        ({"amount": "-3"}, 400, "The amount must be a whole number of kudos."),
        ({"amount": "1.5"}, 400, "The amount must be a whole number of kudos."),
        ({"amount": "9" * 16}, 400, "The amount must be a whole number of kudos."),
        ({"username": "<b>Bob</b>#2"}, 400, "There is nobody called &#x27;&lt;b&gt;Bob&lt;/b&gt;#2&#x27;."),
        ({"amount": "1000000"}, 400, "1000000 kudos are more than the 0.000 available."),
    ],
)
def test_form_says_what_was_refused_and_never_shows_the_key(
    client: httpx.Client, values: dict[str, str], status: int, words: str
) -> None:
    ada = register(client, "Ada")
    register(client, "Bob")

    page = client.post("/transfer", data=fields(client, **({"src_api_key": ada} | values)))

    assert (page.status_code, page.headers["Content-Type"].split(";")[0]) == (status, "text/html")
    assert words in page.text
    assert ada not in page.text
    assert "<b>" not in page.text
    assert 'name="src_api_key"' in page.text


def test_form_needs_no_script_and_is_not_kept_by_caches(shared_client: httpx.Client) -> None:
    page = shared_client.get("/transfer")

    assert "<script" not in page.text
    assert 'method="post"' in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_key_in_the_address_is_not_taken(client: httpx.Client) -> None:
    ada = register(client, "Ada")
    register(client, "Bob")

    page = client.post("/transfer", params={"src_api_key": ada}, data=fields(client))

    assert page.status_code == 401
