"""What the alchemy routes of v2 refuse: the contract's status and rc, a message one can read, and nothing changed."""

import base64
import io
from collections.abc import Iterator

import httpx
import msgspec
import pytest
from PIL import Image

from horde.server.settings import Settings
from tests.api import actors
from tests.api.actors import Json, picture, register
from tests.api.v2.alchemists import PICTURE, ask, deliver, pop, status, take
from tests.plugins.elsewhere import Elsewhere
from tests.plugins.hordes import RunningHorde, running, without_anonymous_workers

ASYNC = "/api/v2/interrogate/async"
POP = "/api/v2/interrogate/pop"
SUBMIT = "/api/v2/interrogate/submit"
STATUS = "/api/v2/interrogate/status"
NOBODY = "00000000-0000-4000-8000-000000000000"
ASKED = {"forms": [{"name": "caption"}], "source_image": PICTURE}
WORKER = {"name": "alchemist", "forms": ["caption"]}
DELIVERED = {"id": NOBODY, "result": {}}


def in_base64(size: tuple[int, int]) -> str:
    buffer = io.BytesIO()
    Image.new("1", size).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


# ------------------------------------------------------------------------------------------ the form of a call
@pytest.mark.parametrize(
    ("path", "body", "fields", "named"),
    [
        (ASYNC, ASKED, {"forms": [{"name": "annotation"}]}, "forms.0.name"),
        (ASYNC, ASKED, {"forms": [{"payload": {}}]}, "forms.0.name"),
        (ASYNC, ASKED, {"forms": [{"name": "caption", "payload": {"x": 1}}]}, "forms.0.payload"),
        (ASYNC, ASKED, {"forms": [{"name": "caption"}] * 301}, "forms"),
        (ASYNC, ASKED, {"forms": None}, "forms"),
        (ASYNC, ASKED, {"source_image": ""}, "source_image"),
        (ASYNC, ASKED, {"trusted_workers": "yes"}, "trusted_workers"),
        (ASYNC, ASKED, {"webhook": "https://x"}, "webhook"),
        (POP, WORKER, {"forms": ["annotation"]}, "forms.0"),
        (POP, WORKER, {"threads": 101}, "threads"),
        (POP, WORKER, {"threads": 0}, "threads"),
        (POP, WORKER, {"max_tiles": 257}, "max_tiles"),
        (POP, WORKER, {"max_tiles": 0}, "max_tiles"),
        (POP, WORKER, {"amount": 0}, "amount"),
        (SUBMIT, DELIVERED, {"result": "a fox"}, "result"),
        (SUBMIT, DELIVERED, {"id": 7}, "id"),
    ],
)
def test_what_is_out_of_bounds_is_named_by_its_path(
    shared_client: httpx.Client, path: str, body: Json, fields: Json, named: str
) -> None:
    answer = shared_client.post(path, json=body | fields)

    assert (answer.status_code, answer.json().keys()) == (400, {"errors", "message"})
    assert list(answer.json()["errors"]) == [named]


@pytest.mark.parametrize(("path", "body"), [(ASYNC, {"forms": []}), (POP, {"forms": []}), (SUBMIT, {"result": {}})])
def test_missing_field_is_named(shared_client: httpx.Client, path: str, body: Json) -> None:
    answer = shared_client.post(path, json=body)

    assert (answer.status_code, answer.json().keys()) == (400, {"errors", "message"})


@pytest.mark.parametrize(("path", "body"), [(ASYNC, ASKED), (POP, WORKER), (SUBMIT, DELIVERED)])
def test_wrong_key_is_refused_and_a_missing_one_named(shared_horde: RunningHorde, path: str, body: Json) -> None:
    with shared_horde.client("no such key") as stranger, shared_horde.client(None) as nobody:
        wrong, missing = stranger.post(path, json=body), nobody.post(path, json=body)

    assert (wrong.status_code, wrong.json()["rc"]) == (401, "InvalidAPIKey")
    assert (missing.status_code, list(missing.json()["errors"])) == (400, ["apikey"])


# ------------------------------------------------------------------------------------------ asking
@pytest.mark.parametrize(
    ("fields", "rc"),
    [
        ({"webhook": "http://ada.example"}, "BadRequest"),
        ({"webhook": "https://127.0.0.1/hook"}, "BadRequest"),
        ({"source_image": "no picture"}, "SourceImageUnreadable"),
        ({"source_image": base64.b64encode(b"GIF89a").decode()}, "SourceImageUnreadable"),
        ({"source_image": in_base64((3072, 3136))}, "SourceImageResolutionExceeded"),
        ({"source_image": "http://169.254.169.254/latest/meta-data/"}, "SourceImageUrlInvalid"),
    ],
)
def test_request_that_cannot_be_done_is_refused(shared_client: httpx.Client, fields: Json, rc: str) -> None:
    answer = shared_client.post(ASYNC, json=ASKED | fields)

    assert (answer.status_code, answer.json().keys()) == (400, {"message", "rc"})
    assert answer.json()["rc"] == rc
    if rc.startswith("SourceImage"):
        assert "Image validation failed" in answer.json()["message"]


def test_too_many_forms_are_refused(horde: RunningHorde, client: httpx.Client) -> None:
    with horde.client(register(client)) as robin:
        ask(robin, *["caption"] * 300)

        answer = robin.post(ASYNC, json=ASKED)

        assert (answer.status_code, answer.json()["rc"]) == (429, "TooManyPrompts")
        actors.ask(robin)  # pictures are counted by themselves


@pytest.fixture
def near(settings: Settings) -> Iterator[httpx.Client]:
    """A client of a horde whose operator lets pictures be fetched from this machine."""
    with (
        running(msgspec.structs.replace(settings, source_url_networks="127.0.0.1/32")) as horde,
        horde.client() as client,
    ):
        yield client


def test_workers_get_a_url_as_it_was_sent(near: httpx.Client, elsewhere: Elsewhere) -> None:
    url = elsewhere.put("/fox.png", picture("PNG", (600, 64)))
    ask(near, "GFPGAN", source_image=url)

    assert pop(near, "GFPGAN", max_tiles=1)["forms"] is None
    assert take(near, "GFPGAN", max_tiles=2)["source_image"] == url
    assert [path for path, _ in elsewhere.asked] == ["/fox.png"]


def test_what_lies_at_a_url_and_cannot_be_used_is_refused(near: httpx.Client, elsewhere: Elsewhere) -> None:
    def refused(url: str) -> object:
        answer = near.post(ASYNC, json=ASKED | {"source_image": url})
        assert answer.status_code == 400
        return answer.json()["rc"]

    tall = elsewhere.put("/tall", base64.b64decode(in_base64((512 * 255 + 1, 1))))
    large = elsewhere.put("/large", bytes(6 * 1024 * 1024))

    assert refused(elsewhere.put("/page", b"<!doctype html>")) == "SourceImageUnreadable"
    assert refused(large) == "SourceImageSizeExceeded"
    assert refused(tall) == "SourceImageResolutionExceeded"
    assert refused(elsewhere.url("/nothing")) == "SourceImageUrlInvalid"
    ask(near, source_image=elsewhere.put("/less", base64.b64decode(in_base64((512 * 255, 1)))))


# ------------------------------------------------------------------------------------------ reading
@pytest.mark.parametrize("request_id", [NOBODY, "not-a-uuid"])
def test_unknown_request_is_not_found(shared_client: httpx.Client, request_id: str) -> None:
    for answer in (shared_client.get(f"{STATUS}/{request_id}"), shared_client.delete(f"{STATUS}/{request_id}")):
        assert (answer.status_code, answer.json()["rc"]) == (404, "RequestNotFound")


# ------------------------------------------------------------------------------------------ serving
@pytest.mark.parametrize(
    ("fields", "rc"), [({"priority_usernames": ["Robin"]}, "BadRequest"), ({"name": " "}, "BadRequest")]
)
def test_worker_that_cannot_be_taken_is_refused(shared_client: httpx.Client, fields: Json, rc: str) -> None:
    answer = shared_client.post(POP, json=WORKER | fields)

    assert (answer.status_code, answer.json()["rc"]) == (400, rc)
    assert shared_client.get("/api/v2/workers", params={"type": "interrogation"}).json() == []


def test_name_is_of_one_kind_of_worker(client: httpx.Client) -> None:
    actors.pop(client, "alchemist")

    answer = client.post(POP, json=WORKER)

    assert (answer.status_code, answer.json()["rc"]) == (400, "PolymorphicNameConflict")


def test_worker_and_form_of_somebody_else_are_refused(horde: RunningHorde, client: httpx.Client) -> None:
    ask(client)
    form = take(client)

    with horde.client(register(client)) as stranger:
        answers = [
            stranger.post(POP, json=WORKER),
            deliver(stranger, form["id"]),
            deliver(stranger, form["id"], state="faulted"),
        ]

    assert [(answer.status_code, answer.json()["rc"]) for answer in answers] == [(403, "WrongCredentials")] * 3


def test_anonymous_workers_can_be_switched_off(settings: Settings) -> None:
    with running(without_anonymous_workers(settings)) as horde, horde.client() as client:
        answer = client.post(POP, json=WORKER)

    assert (answer.status_code, answer.json()["rc"]) == (403, "AnonForbiddenWorker")


def test_worker_nobody_invited_is_refused(settings: Settings) -> None:
    with running(msgspec.structs.replace(settings, invite_only=True)) as horde, horde.client() as client:
        answer = client.post(POP, json=WORKER)

    assert (answer.status_code, answer.json()["rc"]) == (403, "WorkerInviteOnly")


def test_worker_in_maintenance_is_told_so_and_its_late_deliveries_are_no_fault(
    horde: RunningHorde, client: httpx.Client
) -> None:
    with horde.client(register(client)) as robin:
        ask(client, "caption", "caption")
        done, given_back = (form["id"] for form in pop(robin, amount=2)["forms"])
        deliver(robin, done)
        deliver(robin, given_back, state="faulted")
        [worker] = client.get("/api/v2/workers", params={"type": "interrogation"}).json()
        robin.put(f"/api/v2/workers/{worker['id']}", json={"maintenance": True})

        popping = robin.post(POP, json=WORKER)
        late = [deliver(robin, done), deliver(robin, given_back), deliver(robin, given_back, state="faulted")]

    assert (popping.status_code, popping.json()["rc"]) == (403, "WorkerMaintenance")
    assert [(answer.status_code, answer.json()["reward"]) for answer in late] == [(200, 0.0)] * 3


# ------------------------------------------------------------------------------------------ delivering
@pytest.mark.parametrize("form_id", [NOBODY, "not-a-uuid"])
@pytest.mark.parametrize("state", ["ok", "faulted"])
def test_unknown_form_is_not_found(shared_client: httpx.Client, form_id: str, state: str) -> None:
    answer = deliver(shared_client, form_id, state=state)

    assert (answer.status_code, answer.json()["rc"]) == (404, "InvalidJobID")
    assert "does not exist" in answer.json()["message"]


def test_whatever_comes_too_late_is_refused_as_a_duplicate(client: httpx.Client) -> None:
    request_id = ask(client, "caption", "caption")
    done, given_back = (form["id"] for form in pop(client, amount=2)["forms"])
    deliver(client, done)
    deliver(client, given_back, state="faulted")

    late = [
        deliver(client, done, result={"caption": "another"}),
        deliver(client, done, state="faulted"),
        deliver(client, given_back),
        deliver(client, given_back, state="faulted"),
    ]

    assert [(answer.status_code, answer.json()["rc"]) for answer in late] == [(400, "DuplicateGen")] * 4
    assert all("already submitted" in answer.json()["message"] for answer in late)
    forms = status(client, request_id)["forms"]
    assert sorted(form["state"] for form in forms) == ["done", "waiting"]
    assert {"caption": "another"} not in [form.get("result") for form in forms]


@pytest.mark.parametrize("body", [{}, {"result": {"caption": "x" * 200_000}}])
def test_result_that_is_missing_or_cannot_be_kept_is_refused(client: httpx.Client, body: Json) -> None:
    ask(client)

    answer = client.post(SUBMIT, json={"id": take(client)["id"], **body})

    assert (answer.status_code, answer.json()["rc"]) == (400, "BadRequest")


def test_nul_is_refused_in_payload_and_result(shared_client: httpx.Client) -> None:
    asking = shared_client.post(ASYNC, json=ASKED | {"forms": [{"name": "caption", "payload": {"x": "a\x00b"}}]})
    delivering = deliver(shared_client, NOBODY, result={"caption": "a\x00b"})

    assert [answer.json()["rc"] for answer in (asking, delivering)] == ["NulByteInPayload"] * 2


def test_delivery_with_the_same_key_is_answered_again(client: httpx.Client) -> None:
    ask(client)
    body = {"id": take(client)["id"], "result": {"caption": "a fox"}}

    answers = [client.post(SUBMIT, json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
