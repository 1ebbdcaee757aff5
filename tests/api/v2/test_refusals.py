"""What v2 refuses: the contract's status and rc, a message one can read, and nothing changed."""

import httpx
import msgspec
import pytest

from horde.server.settings import Settings
from tests.api.actors import Json, ask, deliver, picture, pop, register, status
from tests.plugins.hordes import RunningHorde, running, without_anonymous_workers

ASYNC = "/api/v2/generate/async"
POP = "/api/v2/generate/pop"
SUBMIT = "/api/v2/generate/submit"
NOBODY = "00000000-0000-4000-8000-000000000000"
MEGABYTE = 1024 * 1024
QR = {"workflow": "qr_code", "extra_texts": [{"text": "https://example.org", "reference": "qr_code"}]}


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"width": 65}, "params.width"),
        ({"width": 0}, "params.width"),
        ({"height": 3136}, "params.height"),
        ({"height": 10**30}, "params.height"),
        ({"height": "512"}, "params.height"),
        ({"height": 512.5}, "params.height"),
        ({"steps": 0}, "params.steps"),
        ({"steps": 501}, "params.steps"),
        ({"n": 0}, "params.n"),
        ({"n": 21}, "params.n"),
        ({"n": None}, "params.n"),
        ({"n": True}, "params.n"),
        ({"cfg_scale": -1}, "params.cfg_scale"),
        ({"cfg_scale": 100.5}, "params.cfg_scale"),
        ({"denoising_strength": 0}, "params.denoising_strength"),
        ({"hires_fix_denoising_strength": 1.01}, "params.hires_fix_denoising_strength"),
        ({"seed": 42}, "params.seed"),
        ({"seed_variation": 1001}, "params.seed_variation"),
        ({"clip_skip": 13}, "params.clip_skip"),
        ({"facefixer_strength": 1.5}, "params.facefixer_strength"),
        ({"karras": "true"}, "params.karras"),
        ({"tiling": 1}, "params.tiling"),
        ({"hires_fix": None}, "params.hires_fix"),
        ({"sampler_name": "k_nothing"}, "params.sampler_name"),
        ({"control_type": "mlsd"}, "params.control_type"),
        ({"workflow": "x"}, "params.workflow"),
        ({"loras": [{"name": "x"}, {}]}, "params.loras.1.name"),
        ({"post_processing": ["GFPGAN", "GFPGAN"]}, "params"),
    ],
)  # fmt: skip
def test_params_out_of_bounds_are_named_by_their_path(shared_client: httpx.Client, params: object, path: str) -> None:
    answer = shared_client.post(ASYNC, json={"prompt": "x", "params": params})

    assert answer.status_code == 400
    assert answer.json().keys() == {"errors", "message"}
    assert answer.json()["message"] == "Input payload validation failed"
    assert list(answer.json()["errors"]) == [path]
    assert pop(shared_client)["id"] is None


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b'{"prompt": "\xff"}', "application/json"),
        (b'{"prompt": "\\ud800"}', "application/json"),
        (b"prompt=x", "application/x-www-form-urlencoded"),
        (b'{"prompt": "x"}', "text/plain"),
        (b"[" * 100_000, "application/json"),
    ],
)
def test_body_that_is_no_json_is_refused(shared_client: httpx.Client, content: bytes, content_type: str) -> None:
    answer = shared_client.post(ASYNC, content=content, headers={"Content-Type": content_type})

    assert answer.status_code == 400
    assert "message" in answer.json()


@pytest.mark.parametrize("content", [b"[]", b'"x"', b"3", b"null"])
def test_body_that_is_no_object_is_keyed_by_the_empty_string(shared_client: httpx.Client, content: bytes) -> None:
    answer = shared_client.post(ASYNC, content=content, headers={"Content-Type": "application/json"})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [""])


def test_missing_property_is_keyed_by_its_name(shared_client: httpx.Client) -> None:
    assert list(shared_client.post(ASYNC, json={}).json()["errors"]) == ["prompt"]
    assert list(shared_client.post(POP, json={}).json()["errors"]) == ["name"]
    assert list(shared_client.post(SUBMIT, json={"id": "x", "seed": 1}).json()["errors"]) == ["generation"]


@pytest.mark.parametrize(
    ("path", "name"), [(ASYNC, "prompt"), ("/api/v2/kudos/transfer", "username"), ("/api/v2/interrogate/submit", "id")]
)
def test_missing_argument_is_told_in_the_words_that_clients_know(
    shared_client: httpx.Client, path: str, name: str
) -> None:
    told = shared_client.post(path, json={}).json()["errors"][name]

    assert told.endswith("Missing required parameter in the JSON body")


@pytest.mark.parametrize("path", [ASYNC, POP, SUBMIT])
def test_missing_key_is_a_missing_argument(shared_horde: RunningHorde, path: str) -> None:
    body = {"prompt": "x", "name": "x", "models": ["abc"], "id": NOBODY, "generation": "R2", "seed": 1}
    with shared_horde.client(key=None) as stranger:
        answer = stranger.post(path, json=body)

    assert answer.status_code == 400
    assert answer.json()["errors"]["apikey"].endswith("Missing required parameter in the HTTP headers")


@pytest.mark.parametrize("path", [ASYNC, POP, SUBMIT])
@pytest.mark.parametrize("key", ["nobody has it", "", "x" * 5000, "\u00e4"])
def test_unknown_key_is_refused(shared_horde: RunningHorde, path: str, key: str) -> None:
    body = {"prompt": "x", "name": "x", "models": ["abc"], "id": NOBODY, "generation": "R2", "seed": 1}
    with shared_horde.client(key=None) as stranger:
        answer = stranger.post(path, json=body, headers={b"apikey": key.encode()})

    assert (answer.status_code, answer.json()["rc"]) == (401, "InvalidAPIKey")


@pytest.mark.parametrize(
    ("body", "status_code", "rc"),
    [
        ({"prompt": "   "}, 400, "MissingPrompt"),
        ({"prompt": "word " * 7501}, 400, "InvalidPromptSize"),
        ({"prompt": "nul \x00 byte"}, 400, "NulByteInPayload"),
        ({"workers": [NOBODY]}, 404, "WorkerNotFound"),
        ({"workers": ["string"]}, 404, "WorkerNotFound"),
        ({"style": "anything"}, 404, "StyleNotFound"),
        ({"proxied_account": "x"}, 400, "OnlyServiceAccountProxy"),
        ({"webhook": "http://example.org"}, 400, "BadRequest"),
        ({"webhook": "https://:8080/"}, 400, "BadRequest"),
        ({"webhook": "https://127.0.0.1/hook"}, 400, "BadRequest"),
        ({"webhook": "https://[::1]/hook"}, 400, "BadRequest"),
        ({"webhook": "https://[fe80::1/hook"}, 400, "BadRequest"),
        ({"webhook": "https://169.254.169.254/latest"}, 400, "BadRequest"),
        ({"webhook": "https://localhost/hook"}, 400, "BadRequest"),
        ({"webhook": "https://ada:secret@example.org"}, 400, "BadRequest"),
        ({"webhook": "https://example.org:99999/"}, 400, "BadRequest"),
        ({"disable_batching": True, "params": {"n": 2}}, 400, "RequiresTrust"),
        ({"params": {"cfg_scale": 7.123}}, 400, "BadCFGDecimals"),
        ({"params": {"control_type": "canny"}}, 400, "ControlNetSourceMissing"),
        ({"params": {"loras": [{"name": "x", "is_version": True}]}}, 400, "BadLoraVersion"),
        ({"params": {"loras": [{"name": "x"}] * 6}}, 400, "TooManyLoras"),
        ({"params": {"tis": [{"name": "x"}] * 21}}, 400, "TooManyTIs"),
        ({"models": ["Flux.1"], "params": {"hires_fix": True}}, 400, "HiResMismatch"),
        ({"models": ["Flux.1"], "params": {"transparent": True}}, 400, "InvalidTransparencyModel"),
        ({"models": ["Flux.1"], "params": QR}, 400, "ControlNetMismatch."),
        ({"models": ["GFPGAN"]}, 400, "UnexpectedModelName"),
        ({"params": {"post_processing": ["NMKD_Siax", "RealESRGAN_x4plus"]}}, 400, "TooManyUpscalers"),
        ({"params": {"special": {}}}, 400, "BadRequest"),
        ({"params": {"workflow": "qr_code"}}, 400, "MissingExtraTexts."),
        ({"params": {"extra_texts": [{"text": "x", "reference": "abc"}]}}, 400, "InvalidExtraTexts."),
    ],
)  # fmt: skip
def test_request_that_cannot_be_met_is_refused(
    shared_client: httpx.Client, body: Json, status_code: int, rc: str
) -> None:
    answer = shared_client.post(ASYNC, json={"prompt": "x", **body})

    assert (answer.status_code, answer.json()["rc"]) == (status_code, rc)
    assert answer.json().keys() == {"message", "rc"}
    assert pop(shared_client)["id"] is None


def test_agent_of_the_example_is_refused(shared_client: httpx.Client) -> None:
    answer = shared_client.post(ASYNC, json={"prompt": "x"}, headers={"Client-Agent": "My-Project:v0.0.1:My-Contact"})

    assert (answer.status_code, answer.json()["rc"]) == (403, "BannedClientAgent")
    assert pop(shared_client)["id"] is None


def test_account_may_have_so_many_images_waiting(horde: RunningHorde, client: httpx.Client) -> None:
    with horde.client(register(client)) as user:
        ask(user, params={"n": 20})
        answer = user.post(ASYNC, json={"prompt": "x", "params": {"n": 11}})

        assert (answer.status_code, answer.json()["rc"]) == (429, "TooManyPrompts")
        assert "20" in answer.json()["message"]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (ASYNC, {"params": {"steps": 50, "n": 20}}),
        ("/api/v2/generate/text/async", {"slow_workers": False, "params": {"n": 20}}),
    ],
)
def test_much_is_refused_to_who_lacks_its_kudos_as_a_dry_run_too(settings: Settings, path: str, fields: Json) -> None:
    as_in_public = msgspec.structs.replace(settings, upfront_kudos="on")
    with running(as_in_public) as horde, horde.client() as client:
        for dry_run in (False, True):
            answer = client.post(path, json={"prompt": "x", "dry_run": dry_run, **fields})

            assert (answer.status_code, answer.json()["rc"]) == (403, "KudosUpfront")


def test_body_of_ten_megabytes_is_refused_or_taken_but_never_a_bug(shared_client: httpx.Client) -> None:
    text = shared_client.post(ASYNC, json={"prompt": "x" * 10 * MEGABYTE})
    nested = shared_client.post(ASYNC, json={"prompt": "x", "params": {"special": {"x": "y" * 10 * MEGABYTE}}})

    assert (text.status_code, list(text.json()["errors"])) == (400, ["prompt"])
    assert (nested.status_code, nested.json()["rc"]) == (400, "BadRequest")


def test_body_above_the_limit_is_cut_off(shared_client: httpx.Client) -> None:
    answer = shared_client.post(ASYNC, content=b" " * 31 * MEGABYTE, headers={"Content-Type": "application/json"})

    assert answer.status_code == 413


@pytest.mark.parametrize("request_id", ["string", NOBODY, "%00", "\u00e4"])
@pytest.mark.parametrize(("method", "verb"), [("GET", "check"), ("GET", "status"), ("DELETE", "status")])
def test_unknown_request_is_not_found(shared_client: httpx.Client, method: str, verb: str, request_id: str) -> None:
    answer = shared_client.request(method, f"/api/v2/generate/{verb}/{request_id}")

    assert (answer.status_code, answer.json()["rc"]) == (404, "RequestNotFound")


@pytest.mark.parametrize("job_id", ["string", NOBODY])
def test_unknown_job_is_refused_in_the_words_that_workers_look_for(shared_client: httpx.Client, job_id: str) -> None:
    answer = deliver(shared_client, job_id)

    assert (answer.status_code, answer.json()["rc"]) == (404, "InvalidJobID")
    assert "Processing Job with ID" in answer.json()["message"]
    assert "does not exist" in answer.json()["message"]


def test_job_of_somebody_else_cannot_be_delivered(horde: RunningHorde, client: httpx.Client) -> None:
    request_id = ask(client)
    job = pop(client)
    with horde.client(register(client)) as stranger:
        for state in ("ok", "faulted"):
            answer = deliver(stranger, job["id"], state=state)
            assert (answer.status_code, answer.json()["rc"]) == (403, "WrongCredentials")

    assert status(client, request_id)["processing"] == 1
    assert deliver(client, job["id"]).status_code == 200


def test_second_delivery_is_refused_and_changes_nothing(client: httpx.Client) -> None:
    request_id = ask(client)
    job = pop(client)
    deliver(client, job["id"], seed=1)

    for state in ("ok", "faulted"):
        answer = deliver(client, job["id"], seed=2, state=state)
        assert (answer.status_code, answer.json()["rc"]) == (400, "DuplicateGen")
        assert "already submitted" in answer.json()["message"]
    (found,) = status(client, request_id)["generations"]
    assert found["seed"] == "1"


@pytest.mark.parametrize("generation", ["R2", "no base64!", "aGFsbG8=", ""])
def test_delivery_without_a_picture_is_refused_and_the_job_stays(client: httpx.Client, generation: str) -> None:
    ask(client)
    job = pop(client)

    answer = deliver(client, job["id"], generation=generation)

    assert (answer.status_code, answer.json()["rc"]) == (400, "ImageValidationFailed")
    assert deliver(client, job["id"]).status_code == 200


@pytest.mark.parametrize("seed", [10**30, -(10**30)])
def test_seed_of_any_size_does_no_harm(client: httpx.Client, seed: int) -> None:
    ask(client)

    answer = deliver(client, pop(client)["id"], seed=seed)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["seed"])


@pytest.mark.parametrize(
    ("fields", "status_code", "rc"),
    [
        ({"models": []}, 400, "BadRequest"),
        ({"name": "  "}, 400, "BadRequest"),
        ({"name": "nul \x00"}, 400, "NulByteInPayload"),
        ({"priority_usernames": ["no number"]}, 400, "InvalidPriorityUsername"),
        ({"priority_usernames": ["robin#x"]}, 400, "InvalidPriorityUsername"),
        ({"priority_usernames": ["robin#" + "9" * 40]}, 400, "InvalidPriorityUsername"),
    ],
)
def test_pop_that_cannot_be_met_is_refused(client: httpx.Client, fields: Json, status_code: int, rc: str) -> None:
    answer = client.post(POP, json={"name": "w", "models": ["abc"], **fields})

    assert (answer.status_code, answer.json()["rc"]) == (status_code, rc)
    assert client.get("/api/v2/workers").json() == []


def test_pop_that_names_too_many_priority_users_is_refused(shared_client: httpx.Client) -> None:
    names = [f"robin#{number}" for number in range(101)]
    answer = shared_client.post(POP, json={"name": "w", "models": ["abc"], "priority_usernames": names})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["priority_usernames"])


def test_worker_without_models_reads_the_words_it_knows(shared_client: httpx.Client) -> None:
    answer = shared_client.post(POP, json={"name": "w", "models": []})

    assert "we cannot accept workers serving" in answer.json()["message"]


def test_name_of_a_worker_belongs_to_one_account(horde: RunningHorde, client: httpx.Client) -> None:
    pop(client, name="mine")
    with horde.client(register(client)) as stranger:
        answer = stranger.post(POP, json={"name": "mine", "models": ["abc"]})

    assert (answer.status_code, answer.json()["rc"]) == (403, "WrongCredentials")
    assert "wrong credentials" in answer.json()["message"].lower()


def test_anonymous_serves_only_where_the_operator_lets_it(settings: Settings) -> None:
    with running(without_anonymous_workers(settings)) as horde, horde.client() as client:
        answer = client.post(POP, json={"name": "w", "models": ["abc"]})

        assert (answer.status_code, answer.json()["rc"]) == (403, "AnonForbiddenWorker")
        assert client.get("/api/v2/workers").json() == []


def test_wrong_method_and_unknown_path_are_told_plainly(shared_client: httpx.Client) -> None:
    assert shared_client.put(ASYNC).status_code == 405
    assert "message" in shared_client.put(ASYNC).json()
    assert shared_client.get("/api/v2/nothing").status_code == 404


def test_upload_needs_the_link(horde: RunningHorde, client: httpx.Client) -> None:
    ask(client)
    link = str(pop(client)["r2_upload"])
    without_signature = link.partition("&signature")[0]

    assert httpx.put(without_signature + "&signature=0", content=picture()).status_code == 403
    assert httpx.put(without_signature, content=picture()).status_code == 400
    assert httpx.get(link).status_code == 403, "the right to put is not the right to get"
    assert httpx.put(link.replace(".webp", ".exe"), content=picture()).status_code == 403
    assert httpx.put(link, content=b"not a picture").status_code == 400
