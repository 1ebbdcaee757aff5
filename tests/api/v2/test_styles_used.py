"""Requests in styles over HTTP: what workers get, what is counted, and who is paid."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.actors import SMALL, Json, ask, pop, register
from tests.api.v2.by_hand import change
from tests.api.v2.test_collections import COLLECTIONS, collected
from tests.api.v2.test_styles import IMAGE, TEXT, Keys, call, made, refused
from tests.plugins.hordes import ANONYMOUS, RunningHorde

ASYNC, TEXT_ASYNC = "/api/v2/generate/async", "/api/v2/generate/text/async"


@pytest.fixture
def client(horde: RunningHorde) -> Iterator[httpx.Client]:
    with horde.client() as opened:
        yield opened


@pytest.fixture
def keys(horde: RunningHorde, client: httpx.Client) -> Keys:
    """Of Ada who makes styles, and of Bob who asks and has kudos to pay with."""
    made = {name: register(client, name) for name in ("ada", "bob")}
    change(horde, "UPDATE users SET is_trusted = true WHERE id = 1")
    change(horde, "UPDATE ledger_accounts SET spendable_mk = 100000 WHERE user_id = 2")
    return made | {"nobody": ANONYMOUS}


def as_served(client: httpx.Client, **fields: Any) -> Json:
    """What a worker gets of the request in a style."""
    ask(client, **fields)
    found = pop(client, models=["stable_diffusion", "sdxl"], allow_lora=True, max_pixels=2048 * 2048, amount=20)
    assert found["id"], found["skipped"]
    return found


def about(client: httpx.Client, key: str) -> Json:
    found: Json = client.get("/api/v2/find_user", headers={"apikey": key}).json()
    return found


def test_request_in_a_style_is_made_as_the_style_says(client: httpx.Client, keys: Keys) -> None:
    params = {"steps": 9, "width": 128, "cfg_scale": 3, "sampler_name": "k_euler", "tiling": False}
    made(client, keys["ada"], prompt="oil painting of {p} {x}###photo{np}", params=params, models=["sdxl"])

    wanted = {"n": 2, "seed": "5", "steps": 3, "width": 192, "height": 192, "cfg_scale": 9, "clip_skip": 2}
    job = as_served(client, prompt="a fox###a wolf", style="Oil", models=["stable_diffusion"], params=wanted)

    payload = job["payload"]
    assert (job["model"], payload["prompt"]) == ("sdxl", "oil painting of a fox {x}###photoa wolf")
    assert (payload["ddim_steps"], payload["sampler_name"], payload["cfg_scale"]) == (9, "k_euler", 3)
    assert (payload["width"], payload["height"]) == (128, 192)
    assert (payload["n_iter"], payload["seed"], "clip_skip" in payload) == (2, "5", False)


@pytest.mark.parametrize("form", ["{id}", "style::Oil", "ada#1::Oil", "style::ada#1::Oil", "ada#1::style::Oil"])
def test_style_is_meant_by_its_id_and_every_form_of_its_name(client: httpx.Client, keys: Keys, form: str) -> None:
    style_id = made(client, keys["ada"], prompt="oil {p}{np}")

    assert as_served(client, prompt="fox", style=form.format(id=style_id))["payload"]["prompt"] == "oil fox"


def test_text_in_a_style_is_written_as_the_style_says(client: httpx.Client, keys: Keys) -> None:
    made(client, keys["ada"], "Bard", path=TEXT, models=["llama"], prompt="Sing of {p}! {np} {x}",
         params={"temperature": 2, "max_context_length": 1000})  # fmt: skip
    wanted = {"n": 2, "max_length": 33, "max_context_length": 300, "top_k": 4}

    answer = client.post(TEXT_ASYNC, json={"prompt": "foxes", "style": "Bard", "models": ["gpt"], "params": wanted})

    assert answer.status_code == 202, answer.text
    body = {"name": "scribe", "models": ["gpt", "llama"], "amount": 5}
    job = client.post("/api/v2/generate/text/pop", json=body).json()
    payload = job["payload"]
    assert (job["model"], len(job["ids"]), payload["prompt"]) == ("llama", 2, "Sing of foxes! {np} {x}")
    assert (payload["temperature"], payload["max_context_length"], payload["max_length"]) == (2, 1000, 33)
    assert "top_k" not in payload


def test_use_is_counted_and_paid_to_the_author_by_requests_of_others_alone(client: httpx.Client, keys: Keys) -> None:
    style_id = made(client, keys["ada"])
    before = about(client, keys["ada"])
    body = {"prompt": "fox", "style": "Oil", "params": SMALL}

    for key, fields in ((keys["bob"], {}), (keys["nobody"], {}), (keys["ada"], {}), (keys["bob"], {"dry_run": True})):
        assert client.post(ASYNC, headers={"apikey": key}, json=body | fields).status_code in (200, 202)

    assert client.get(f"{IMAGE}/{style_id}").json()["use_count"] == 4
    after = about(client, keys["ada"])
    # The anonymous account pays no author (docs/decisions/deviations.md).
    assert after["kudos_details"]["styled"] - before["kudos_details"]["styled"] == 2
    assert after["records"]["style"] == {"image": 2, "text": 0, "interrogation": 0}


def test_style_of_somebody_else_costs_two_kudos_more(client: httpx.Client, keys: Keys) -> None:
    made(client, keys["ada"], params={"width": 64, "height": 64, "steps": 1})
    bob, ada = {"apikey": keys["bob"]}, {"apikey": keys["ada"]}

    def price(headers: dict[str, str], **fields: Any) -> float:
        body = {"prompt": "fox", "params": SMALL, "dry_run": True, **fields}
        return float(client.post(ASYNC, headers=headers, json=body).json()["kudos"])

    assert price(bob, style="Oil") == price(bob) + 2
    assert price(ada, style="Oil") == price(ada)


def test_collection_picks_one_of_its_styles_and_both_are_counted(client: httpx.Client, keys: Keys) -> None:
    styles = [made(client, keys["ada"], name, prompt=f"{name} {{p}}{{np}}") for name in ("Oil", "Ink")]
    collection_id = collected(client, keys["bob"], styles)

    prompts = {as_served(client, prompt="fox", style=form)["payload"]["prompt"]
               for form in (collection_id, "Paintings", "collection::bob#2::Paintings")}  # fmt: skip

    assert prompts <= {"Oil fox", "Ink fox"}
    assert client.get(f"{COLLECTIONS}/{collection_id}").json()["use_count"] == 3
    assert sum(client.get(f"{IMAGE}/{style}").json()["use_count"] for style in styles) == 3


def test_style_that_cannot_be_used_is_refused(client: httpx.Client, keys: Keys) -> None:
    made(client, keys["ada"])
    made(client, keys["ada"], "Bard", path=TEXT)
    emptied = made(client, keys["ada"], "Gone")
    collected(client, keys["bob"], ["Oil"])
    collected(client, keys["bob"], ["Gone"], "Emptied")
    call(client, "DELETE", f"{IMAGE}/{emptied}", keys["ada"])

    for dry_run in (True, False):
        body = {"prompt": "fox", "dry_run": dry_run}
        for name in ("none", str(uuid4()), "a::b::c", "Emptied", "collection::Oil", "style::Paintings"):
            assert refused(call(client, "POST", ASYNC, ANONYMOUS, style=name, **body)) == (404, "StyleNotFound"), name
        assert refused(call(client, "POST", ASYNC, ANONYMOUS, style="Bard", **body)) == (400, "BadRequest")
        assert refused(call(client, "POST", TEXT_ASYNC, ANONYMOUS, style="Oil", **body)) == (400, "BadRequest")
        assert refused(call(client, "POST", TEXT_ASYNC, ANONYMOUS, style="Paintings", **body)) == (400, "BadRequest")
    assert client.get(f"{IMAGE}_by_name/Oil").json()["use_count"] == 0


def test_repeated_call_with_a_key_uses_the_style_once(client: httpx.Client, keys: Keys) -> None:
    style_id = made(client, keys["ada"])
    headers = {"apikey": keys["bob"], "Idempotency-Key": "once"}
    body = {"prompt": "fox", "style": "Oil", "params": SMALL}

    answers = [client.post(ASYNC, headers=headers, json=body).json()["id"] for _ in range(2)]

    assert answers[0] == answers[1]
    assert client.get(f"{IMAGE}/{style_id}").json()["use_count"] == 1
    assert about(client, keys["ada"])["kudos_details"]["styled"] == 2
