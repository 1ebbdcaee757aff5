"""Alchemy over v2, from both sides."""

import base64
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from horde.server.api.v2 import alchemy_translate
from horde.wire import v2_alchemy
from tests.api import actors
from tests.api.actors import Json, picture, register
from tests.api.v2.alchemists import CAPTION, PICTURE, ask, deliver, pop, status, take
from tests.plugins.hordes import RunningHorde

TAGS = {"interrogation": {"tags": [{"text": "red", "confidence": 0.9}], "sites": []}}


# ------------------------------------------------------------------------------------------ asking
def test_success_is_an_id_alone(client: httpx.Client) -> None:
    pop(client)

    answer = client.post("/api/v2/interrogate/async", json={"forms": [{"name": "caption"}], "source_image": PICTURE})

    assert answer.status_code == 202
    assert answer.json().keys() == {"id"}


def test_request_that_nobody_can_do_all_of_is_taken_with_a_message(client: httpx.Client) -> None:
    pop(client, "caption")
    body = {"forms": [{"name": "caption"}, {"name": "GFPGAN"}], "source_image": PICTURE}

    answer = client.post("/api/v2/interrogate/async", json=body).json()

    assert answer.keys() == {"id", "message"}
    assert "Warning" in answer["message"]


def test_request_without_forms_is_taken_and_reads_as_faulted(client: httpx.Client) -> None:
    answer = client.post("/api/v2/interrogate/async", json={"source_image": PICTURE})

    assert answer.status_code == 202
    assert status(client, answer.json()["id"]) == {"state": "faulted", "forms": []}


def test_form_named_twice_is_done_twice(client: httpx.Client) -> None:
    request_id = ask(client, "caption", "caption")

    assert len(pop(client, amount=5)["forms"]) == 2
    assert status(client, request_id)["state"] == "processing"


def test_examples_of_the_document_work_as_sent(client: httpx.Client) -> None:
    schemas = client.get("/api/openapi.json").json()["components"]["schemas"]

    def example(name: str) -> Json:
        fields = schemas[name]["properties"].items()
        return {field: schema["examples"][0] for field, schema in fields if "examples" in schema}

    asking = client.post("/api/v2/interrogate/async", json=example("InterrogateAsync"))
    popping = client.post("/api/v2/interrogate/pop", json=example("InterrogatePop"))

    assert (asking.status_code, popping.status_code) == (202, 200)
    [form] = popping.json()["forms"]
    delivering = client.post("/api/v2/interrogate/submit", json={**example("InterrogateSubmit"), "id": form["id"]})
    assert delivering.status_code == 200, delivering.text


# ------------------------------------------------------------------------------------------ serving
def test_idle_pop_says_so_with_null(client: httpx.Client) -> None:
    assert pop(client) == {"forms": None, "skipped": {}}


def test_worker_that_offers_no_forms_is_simply_idle(client: httpx.Client) -> None:
    ask(client)

    answer = client.post("/api/v2/interrogate/pop", json={"name": "alchemist"})

    assert (answer.status_code, answer.json()) == (200, {"forms": None, "skipped": {"forms": 1}})


def test_form_has_all_a_worker_needs(client: httpx.Client) -> None:
    ask(client, "caption")

    form = take(client, "caption")

    assert form.keys() == {"id", "form", "source_image"}
    assert form["form"] == "caption"
    assert httpx.get(form["source_image"]).content[:4] == b"RIFF"


def test_payload_comes_as_it_was_sent_and_only_where_there_is_one(client: httpx.Client) -> None:
    forms = [{"name": "caption", "payload": {"style": "short"}}, {"name": "nsfw", "payload": {}}]
    ask(client, forms=forms)

    assert take(client, "caption")["payload"] == {"style": "short"}
    assert "payload" not in take(client, "nsfw")


def test_worker_gets_as_many_forms_as_it_asks_for_also_of_several_requests(client: httpx.Client) -> None:
    ask(client, "caption", "interrogation", "nsfw")
    ask(client, "caption")

    found = pop(client, "caption", "interrogation", amount=10)["forms"]

    assert sorted(form["form"] for form in found) == ["caption", "caption", "interrogation"]
    assert len({form["id"] for form in found}) == 3
    assert pop(client, "caption", "interrogation", amount=10)["forms"] is None


def test_worker_gets_no_more_than_it_asks_for(client: httpx.Client) -> None:
    ask(client, "caption", "caption", "caption")

    assert len(pop(client, amount=2)["forms"]) == 2


def test_forms_come_one_by_one(client: httpx.Client) -> None:
    request_id = ask(client, "caption", "interrogation")
    caption = take(client, "caption")

    assert status(client, request_id) == {
        "state": "processing",
        "forms": [{"form": "caption", "state": "processing"}, {"form": "interrogation", "state": "waiting"}],
    }
    assert deliver(client, caption["id"]).json() == {"reward": 1.0, "credited": 1.0, "escrowed": 0.0}
    found = status(client, request_id)
    assert found["state"] == "waiting"
    worker = client.get("/api/v2/workers", params={"type": "interrogation"}).json()[0]
    assert found["forms"][0] == {
        "form": "caption", "state": "done", "result": CAPTION, "worker_id": worker["id"], "worker_name": "alchemist",
    }  # fmt: skip

    assert deliver(client, take(client, "interrogation")["id"], result=TAGS).json()["reward"] == 3.0

    found = status(client, request_id)
    assert (found["state"], found["forms"][1]["result"]) == ("done", TAGS)


def test_post_processed_picture_is_uploaded_and_linked(client: httpx.Client) -> None:
    request_id = ask(client, "GFPGAN")
    form = take(client, "GFPGAN")

    assert httpx.put(form["r2_upload"], content=picture(size=(128, 128))).status_code == 200
    assert deliver(client, form["id"], result={"GFPGAN": "R2"}).json()["reward"] == 3.0

    [done] = status(client, request_id)["forms"]
    assert httpx.get(done["result"]["GFPGAN"]).content == picture(size=(128, 128))


def test_picture_that_was_not_uploaded_is_refused_and_the_form_can_still_be_done(client: httpx.Client) -> None:
    ask(client, "GFPGAN")
    form = take(client, "GFPGAN")

    answer = deliver(client, form["id"], result={"GFPGAN": "R2"})

    assert (answer.status_code, answer.json()["rc"]) == (400, "ImageValidationFailed")
    httpx.put(form["r2_upload"], content=picture())
    assert deliver(client, form["id"], result={"GFPGAN": "R2"}).status_code == 200


def test_caption_of_a_picture_that_says_r2_stays_a_caption(client: httpx.Client) -> None:
    request_id = ask(client)

    assert deliver(client, take(client)["id"], result={"caption": "R2"}).status_code == 200
    assert status(client, request_id)["forms"][0]["result"] == {"caption": "R2"}


def test_post_processing_is_paid_by_the_tile(client: httpx.Client) -> None:
    large = base64.b64encode(picture(size=(1024, 513))).decode()
    ask(client, "GFPGAN", source_image=large)

    assert pop(client, "GFPGAN", max_tiles=3) == {"forms": None, "skipped": {"max_tiles": 1}}
    form = take(client, "GFPGAN", max_tiles=4)
    httpx.put(form["r2_upload"], content=picture())
    assert deliver(client, form["id"], result={"GFPGAN": "R2"}).json()["reward"] == 12.0


def test_pop_may_wait_for_a_form(horde: RunningHorde, client: httpx.Client) -> None:
    pop(client)
    with horde.client() as other, ThreadPoolExecutor(1) as beside:
        waiting = beside.submit(pop, other, wait_s=20)
        ask(client)

        assert waiting.result()["forms"][0]["form"] == "caption"


# ------------------------------------------------------------------------------------------ what goes wrong
def test_faulted_form_waits_again_and_its_report_is_taken_once(client: httpx.Client) -> None:
    request_id = ask(client)
    form = take(client)

    assert deliver(client, form["id"], state="faulted", result={}).json()["reward"] == 0.0

    assert status(client, request_id)["state"] == "waiting"
    again = deliver(client, form["id"], state="faulted", result={})
    assert (again.status_code, again.json()["rc"]) == (400, "DuplicateGen")


def test_alchemist_may_report_a_fault_as_it_does_for_pictures(client: httpx.Client) -> None:
    """Without a result (contract/clients.md, section 3)."""
    request_id = ask(client)
    body = {"id": take(client)["id"], "generation": "faulted", "state": "faulted", "seed": -1}

    assert client.post("/api/v2/interrogate/submit", json=body).status_code == 200

    assert status(client, request_id)["state"] == "waiting"


def test_fourth_fault_ends_the_form_and_leaves_the_others(client: httpx.Client) -> None:
    request_id = ask(client, "caption", "nsfw")
    for state in ("waiting", "waiting", "waiting", "faulted"):
        deliver(client, take(client)["id"], state="faulted", result={})
        assert status(client, request_id)["forms"][0]["state"] == state

    assert status(client, request_id)["state"] == "waiting"
    deliver(client, take(client, "nsfw")["id"], result={"nsfw": False})
    assert status(client, request_id)["state"] == "partial"


def test_form_that_was_given_up_tells_what_its_last_worker_said(client: httpx.Client) -> None:
    request_id = ask(client, "caption", "nsfw")

    for reason in ("no model", "", "out of memory", "out of memory"):
        form = take(client, "caption")
        assert deliver(client, form["id"], state="faulted", result={"faulted": reason}).status_code == 200

    given_up, waiting = status(client, request_id)["forms"]
    assert given_up["state"] == "faulted"
    assert given_up["explanation"].endswith("The last worker, alchemist, said: out of memory")
    assert waiting == {"form": "nsfw", "state": "waiting"}


def test_cancelling_pays_for_what_is_being_made(horde: RunningHorde, client: httpx.Client) -> None:
    with horde.client(register(client)) as robin, horde.client(register(client, "marian")) as marian:
        request_id = ask(robin, "caption", "nsfw", "interrogation")
        deliver(marian, take(marian, "nsfw")["id"], result={"nsfw": False})
        form = take(marian, "interrogation")

        answer = robin.delete(f"/api/v2/interrogate/status/{request_id}")

        assert answer.status_code == 200
        assert [form["state"] for form in answer.json()["forms"]] == ["cancelled", "done", "cancelled"]
        assert answer.json()["state"] == "partial"
        late = deliver(marian, form["id"], result=TAGS)
        assert (late.status_code, late.json()["rc"]) == (400, "DuplicateGen")
        [worker] = client.get("/api/v2/workers", params={"type": "interrogation"}).json()
        assert worker["kudos_rewards"] == 4.0
        assert robin.delete(f"/api/v2/interrogate/status/{request_id}").json() == answer.json()


# ------------------------------------------------------------------------------------------ where else it shows
def test_worker_says_its_forms(client: httpx.Client) -> None:
    pop(client, "caption", "GFPGAN", threads=3)

    [worker] = client.get("/api/v2/workers", params={"type": "interrogation"}).json()

    assert worker.keys() >= {"id", "name", "online", "kudos_details", "team"}
    assert not worker.keys() & {"models", "max_pixels", "max_length"}
    assert (worker["type"], worker["forms"], worker["nsfw"]) == ("interrogation", ["caption", "GFPGAN"], False)
    assert worker["performance"].lower() == "no requests fulfilled yet"
    assert client.get("/api/v2/workers", params={"type": "image"}).json() == []


def test_worker_says_its_seconds_per_form_and_hides_what_it_earned_by_them(client: httpx.Client) -> None:
    ask(client)
    deliver(client, take(client)["id"])

    [worker] = client.get("/api/v2/workers", params={"type": "interrogation"}).json()

    assert worker["performance"].endswith(" seconds per form")
    assert (worker["requests_fulfilled"], worker["kudos_rewards"]) == (1, 1.0)
    assert worker["kudos_details"] == {"generated": None, "uptime": None}


def test_forms_and_alchemists_show_in_performance_and_not_among_models(client: httpx.Client) -> None:
    ask(client, "caption", "nsfw", "nsfw")
    take(client, threads=4)

    found = client.get("/api/v2/status/performance").json()

    assert (found["queued_forms"], found["interrogator_count"], found["interrogator_thread_count"]) == (2.0, 1, 4)
    assert (found["queued_requests"], found["worker_count"]) == (0, 0)
    assert client.get("/api/v2/status/models/caption").json() == []
    assert client.get("/api/v2/status/models").json() == []


def test_records_tell_of_forms_by_their_own_name(horde: RunningHorde, client: httpx.Client) -> None:
    with horde.client(register(client)) as robin:
        ask(robin)
        deliver(robin, take(robin)["id"])

        found = robin.get("/api/v2/find_user").json()

    assert found["records"]["request"] == {"image": 0, "text": 0, "interrogation": 1}
    assert found["records"]["fulfillment"]["interrogation"] == 1


def test_other_kinds_know_nothing_of_it(client: httpx.Client) -> None:
    request_id = ask(client)
    form = take(client)
    image_id = actors.ask(client)

    assert client.get(f"/api/v2/generate/status/{request_id}").json()["rc"] == "RequestNotFound"
    assert client.get(f"/api/v2/interrogate/status/{image_id}").json()["rc"] == "RequestNotFound"
    assert actors.deliver(client, form["id"]).json()["rc"] == "InvalidJobID"
    assert deliver(client, form["id"]).status_code == 200


@pytest.mark.parametrize(("times", "answer"), [(1, {"state": "waiting"}), (3, {"state": "waiting"})])
def test_call_that_is_made_again_with_its_key_asks_once(
    horde: RunningHorde, client: httpx.Client, times: int, answer: Json
) -> None:
    body = {"forms": [{"name": "caption"}, {"name": "nsfw"}], "source_image": PICTURE}
    with horde.client(register(client)) as robin, ThreadPoolExecutor(times) as beside:
        calls = [
            beside.submit(robin.post, "/api/v2/interrogate/async", json=body, headers={"Idempotency-Key": "once"})
            for _ in range(times)
        ]
        ids = {call.result().json()["id"] for call in calls}

    assert len(ids) == 1
    assert status(client, ids.pop())["state"] == answer["state"]
    assert len(pop(client, "caption", "nsfw", amount=10)["forms"]) == 2


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"faulted": "no model"}, "no model"),
        ({"faulted": ["no", "model"]}, ""),
        ({"caption": "a stable"}, ""),
        ({}, ""),
    ],
)
def test_reason_of_a_fault_stands_where_the_result_would(result: dict[str, object], reason: str) -> None:
    body = v2_alchemy.InterrogateSubmit(id="a", result=result, state="faulted")

    assert alchemy_translate.fault_reason(body) == reason
    assert alchemy_translate.fault_reason(v2_alchemy.InterrogateSubmit(id="a", state="faulted")) == ""
