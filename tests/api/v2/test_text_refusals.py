"""What the text routes of v2 refuse: the contract's status and rc, a message one can read, and nothing changed."""

import httpx
import pytest

from horde.server.settings import Settings
from tests.api import actors
from tests.api.actors import Json, register
from tests.api.v2.scribes import EIGHT, ask, deliver, pop
from tests.plugins.hordes import RunningHorde, running, without_anonymous_workers

ASYNC = "/api/v2/generate/text/async"
POP = "/api/v2/generate/text/pop"
SUBMIT = "/api/v2/generate/text/submit"
STATUS = "/api/v2/generate/text/status"
NOBODY = "00000000-0000-4000-8000-000000000000"
ORDER = [6, 0, 1, 3, 4, 2, 5]
WORKER = {"name": "scribe", "models": [EIGHT]}

OUT_OF_BOUNDS = [
    ("n", 0, 21), ("max_context_length", 79, 1_048_577), ("max_length", 15, 4097), ("rep_pen", 0.9, 3.1),
    ("rep_pen_range", -1, 4097), ("rep_pen_slope", -0.1, 10.1), ("temperature", -0.1, 5.1), ("tfs", -0.1, 1.1),
    ("top_a", -0.1, 1.1), ("top_k", -1, 201), ("top_p", 0, 1.1), ("typical", -0.1, 1.1), ("min_p", -0.1, 1.1),
    ("smoothing_factor", -0.1, 10.1), ("dynatemp_range", -0.1, 5.1), ("dynatemp_exponent", -0.1, 5.1),
]  # fmt: skip
"""Each just below its bounds and just above."""
SWITCHES = ["frmtadsnsp", "frmtrmblln", "frmtrmspch", "frmttriminc", "singleline", "use_default_badwordsids"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name, *values in OUT_OF_BOUNDS for value in (*values, "1", None)),
        *((name, value) for name in SWITCHES for value in (1, "true", None)),
        ("sampler_order", [*ORDER, *[0] * 994]),
        ("stop_sequence", [""] * 1001),
    ],
)
def test_params_out_of_bounds_are_named_by_their_path(shared_client: httpx.Client, name: str, value: object) -> None:
    answer = shared_client.post(ASYNC, json={"prompt": "x", "params": {name: value}})

    assert answer.status_code == 400
    assert answer.json().keys() == {"errors", "message"}
    assert answer.json()["message"] == "Input payload validation failed"
    assert list(answer.json()["errors"]) == [f"params.{name}"]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("n", (1, 20)), ("max_length", (16, 2048)), ("max_context_length", (80, 1_048_576)), ("top_p", (0.001, 1)),
        ("rep_pen", (1, 3)), ("temperature", (0, 5)), ("top_k", (0, 200)), ("rep_pen_range", (0, 4096)),
        ("dynatemp_exponent", (0, 5)), ("sampler_order", (ORDER, [*ORDER, 0, 7])),
        ("stop_sequence", ([f"{number}" for number in range(128)] * 2, ["x" * 2000])),
    ],
)  # fmt: skip
def test_params_at_their_bounds_are_taken(shared_client: httpx.Client, name: str, values: tuple[object, ...]) -> None:
    for value in values:
        answer = shared_client.post(ASYNC, json={"prompt": "x", "dry_run": True, "params": {name: value}})

        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("fields", "rc"),
    [
        ({"prompt": ""}, "MissingPrompt"),
        ({"params": {"max_length": 100, "max_context_length": 99}}, "TokenOverflow"),
        ({"params": {"max_length": 2049}}, "TokenOverflow"),
        ({"params": {"sampler_order": [6, 0, 1, 3, 4, 2, 2]}}, "MissingFullSamplerOrder"),
        ({"params": {"stop_sequence": [str(number) for number in range(129)]}}, "TooManyStopSequences"),
        ({"params": {"stop_sequence": ["x" * 1001, "x" * 1000]}}, "ExcessiveStopSequence"),
        ({"params": {"max_length": 2049, "sampler_order": []}}, "TokenOverflow"),  # the first of them
        ({"extra_source_images": [{"image": "x"}]}, "InvalidExtraSourceImages."),
        ({"proxied_account": "x"}, "OnlyServiceAccountProxy"),
        ({"webhook": "http://x"}, "BadRequest"),
        ({"webhook": "https://127.0.0.1/hook"}, "BadRequest"),
        ({"params": {"n": 2}, "disable_batching": True}, "RequiresTrust"),
    ],
)
def test_request_that_cannot_be_done_is_refused(shared_client: httpx.Client, fields: Json, rc: str) -> None:
    answer = shared_client.post(ASYNC, json={"prompt": "x", **fields})

    assert (answer.status_code, answer.json().keys()) == (400, {"message", "rc"})
    assert answer.json()["rc"] == rc


@pytest.mark.parametrize(
    ("fields", "rc"), [({"style": "noir"}, "StyleNotFound"), ({"workers": [NOBODY]}, "WorkerNotFound")]
)
def test_what_is_named_and_not_there_is_not_found(shared_client: httpx.Client, fields: Json, rc: str) -> None:
    answer = shared_client.post(ASYNC, json={"prompt": "x", **fields})

    assert (answer.status_code, answer.json()["rc"]) == (404, rc)


@pytest.mark.parametrize(
    ("path", "body"), [(ASYNC, {}), (POP, {"models": [EIGHT]}), (SUBMIT, {"generation": "x"}), (SUBMIT, {"id": NOBODY})]
)
def test_missing_field_is_named(shared_client: httpx.Client, path: str, body: Json) -> None:
    answer = shared_client.post(path, json=body)

    assert (answer.status_code, answer.json().keys()) == (400, {"errors", "message"})


@pytest.mark.parametrize(
    ("path", "body"), [(ASYNC, {"prompt": "x"}), (POP, WORKER), (SUBMIT, {"id": NOBODY, "generation": "x"})]
)
def test_wrong_key_is_refused(shared_horde: RunningHorde, path: str, body: Json) -> None:
    with shared_horde.client("no such key") as stranger:
        answer = stranger.post(path, json=body)

    assert (answer.status_code, answer.json()["rc"]) == (401, "InvalidAPIKey")


@pytest.mark.parametrize("request_id", [NOBODY, "not-a-uuid"])
def test_unknown_request_is_not_found(shared_client: httpx.Client, request_id: str) -> None:
    for answer in (shared_client.get(f"{STATUS}/{request_id}"), shared_client.delete(f"{STATUS}/{request_id}")):
        assert (answer.status_code, answer.json()["rc"]) == (404, "RequestNotFound")


@pytest.mark.parametrize(
    ("fields", "rc"),
    [
        ({"models": []}, "BadRequest"),
        ({"models": [EIGHT, "mine::Robin#4711"]}, "BadRequest"),
        ({"priority_usernames": ["Robin"]}, "InvalidPriorityUsername"),
        ({"name": " "}, "BadRequest"),
    ],
)
def test_worker_that_cannot_be_taken_is_refused(shared_client: httpx.Client, fields: Json, rc: str) -> None:
    answer = shared_client.post(POP, json=WORKER | fields)

    assert (answer.status_code, answer.json()["rc"]) == (400, rc)
    assert shared_client.get("/api/v2/workers", params={"type": "text"}).json() == []


def test_own_model_may_be_offered(horde: RunningHorde, client: httpx.Client) -> None:
    with horde.client(register(client)) as owner:
        alias = owner.get("/api/v2/find_user").json()["username"]

        assert pop(owner, models=[f"mine::{alias}"])["id"] is None
        assert owner.get("/api/v2/workers").json()[0]["models"] == [f"mine::{alias}"]


def test_name_is_of_one_kind_of_worker(client: httpx.Client) -> None:
    pop(client)

    answer = client.post("/api/v2/generate/pop", json={"name": "scribe", "models": [actors.MODEL]})

    assert (answer.status_code, answer.json()["rc"]) == (400, "PolymorphicNameConflict")


def test_worker_of_somebody_else_is_refused(horde: RunningHorde, client: httpx.Client) -> None:
    ask(client)
    job = pop(client)

    with horde.client(register(client)) as stranger:
        popping, delivering = stranger.post(POP, json=WORKER), deliver(stranger, job["id"])

    assert [(answer.status_code, answer.json()["rc"]) for answer in (popping, delivering)] == [
        (403, "WrongCredentials")
    ] * 2


def test_anonymous_workers_can_be_switched_off(settings: Settings) -> None:
    with running(without_anonymous_workers(settings)) as horde, horde.client() as client:
        answer = client.post(POP, json=WORKER)

    assert (answer.status_code, answer.json()["rc"]) == (403, "AnonForbiddenWorker")


def test_second_delivery_is_refused_in_words_that_workers_know(client: httpx.Client) -> None:
    request_id = ask(client, params={"n": 2})
    done, given_back = pop(client), pop(client)
    deliver(client, done["id"])
    deliver(client, given_back["id"], state="faulted")

    twice, late = deliver(client, done["id"], generation="Another."), deliver(client, given_back["id"])

    assert (twice.status_code, twice.json()["rc"]) == (400, "DuplicateGen")
    assert "already submitted" in twice.json()["message"]
    assert (late.status_code, late.json()["rc"]) == (400, "AbortedGen")
    assert "Please check your worker speed" in late.json()["message"]
    [text] = client.get(f"{STATUS}/{request_id}").json()["generations"]
    assert text["text"] != "Another."


@pytest.mark.parametrize("job_id", [NOBODY, "not-a-uuid"])
def test_unknown_job_is_not_found(shared_client: httpx.Client, job_id: str) -> None:
    answer = deliver(shared_client, job_id)

    assert (answer.status_code, answer.json()["rc"]) == (404, "InvalidJobID")
    assert "does not exist" in answer.json()["message"]


def test_unknown_remark_is_refused(shared_client: httpx.Client) -> None:
    answer = deliver(shared_client, NOBODY, gen_metadata=[{"type": "lora", "value": "parse_failed"}])

    assert list(answer.json()["errors"]) == ["gen_metadata.0.type"]


def test_more_than_fifty_remarks_are_refused(shared_client: httpx.Client) -> None:
    answer = deliver(shared_client, NOBODY, gen_metadata=[{"type": "censorship", "value": "csam"}] * 51)

    assert (answer.status_code, answer.json()["rc"]) == (400, "BadRequest")


def test_nul_is_refused_in_prompt_and_text(shared_client: httpx.Client) -> None:
    asking = shared_client.post(ASYNC, json={"prompt": "a\x00b"})
    delivering = deliver(shared_client, NOBODY, generation="a\x00b")

    assert [answer.json()["rc"] for answer in (asking, delivering)] == ["NulByteInPayload"] * 2


def test_delivery_with_the_same_key_is_answered_again(client: httpx.Client) -> None:
    ask(client)
    body = {"id": pop(client)["id"], "generation": "The end."}

    answers = [client.post(SUBMIT, json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
