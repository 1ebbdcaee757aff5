"""Text requests over v2, from both sides."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from horde.server.settings import Settings
from tests.api import actors
from tests.api.actors import Json, register
from tests.api.v2.by_hand import change
from tests.api.v2.scribes import AGENT, EIGHT, STORY, ask, deliver, pop, serve_one, status
from tests.plugins.hordes import RunningHorde, running

SEVENTY = "aphrodite/Meta-Llama-3.1-70B"
STATUS_KEYS = {
    "finished", "processing", "restarted", "waiting", "done", "faulted", "wait_time", "queue_position", "kudos",
    "is_possible", "generations",
}  # fmt: skip
DEFAULTS = {
    "max_context_length": 2048, "max_length": 80, "min_p": 0.0, "smoothing_factor": 0.0, "dynatemp_range": 0.0,
    "dynatemp_exponent": 1.0,
}  # fmt: skip


# ------------------------------------------------------------------------------------------ asking
def test_success_is_an_id_and_no_price(client: httpx.Client) -> None:
    pop(client)

    answer = client.post("/api/v2/generate/text/async", json={"prompt": "Tell me"})

    assert answer.status_code == 202
    assert answer.json() == {"id": answer.json()["id"], "kudos": 0.0}


def test_lite_may_send_what_it_always_sends(client: httpx.Client) -> None:
    """What KoboldAI Lite posts (contract/clients.md, section 4), with a key that a user has typed."""
    pop(client)
    params = {
        "n": 1, "max_context_length": 4096, "max_length": 240, "rep_pen": 1.07, "rep_pen_range": 360,
        "rep_pen_slope": 0.7, "temperature": 0.75, "top_p": 0.92, "top_k": 100, "top_a": 0, "typical": 1, "tfs": 1,
        "sampler_order": [6, 0, 1, 3, 4, 2, 5], "use_default_badwordsids": False, "stop_sequence": ["You:"],
        "min_p": 0, "dynatemp_range": 0, "dynatemp_exponent": 1, "smoothing_factor": 0,
    }  # fmt: skip

    ask(client, models=[EIGHT], workers=[], worker_blacklist=False, params=params | {"xtc_threshold": 0.1})

    assert pop(client)["payload"] == params | {"prompt": "Tell me"}


def test_request_that_nobody_can_serve_is_taken_with_a_message(client: httpx.Client) -> None:
    pop(client)

    answer = client.post("/api/v2/generate/text/async", json={"prompt": "x", "models": ["nobody has it"]}).json()

    assert answer.keys() == {"id", "kudos", "message"}
    assert "Warning" in answer["message"]
    found = status(client, answer["id"])
    assert found["is_possible"] is False
    assert found["explanation"] == "No worker online offers model nobody has it."


@pytest.mark.parametrize(
    ("fields", "total"),
    [({}, 37.0), ({"models": [EIGHT]}, 24.0), ({"params": {"n": 2}}, 74.0)],  # tests/kinds/test_text_price.py
)
def test_dry_run_prices_and_leaves_nothing_behind(client: httpx.Client, fields: Json, total: float) -> None:
    answer = client.post("/api/v2/generate/text/async", json={"prompt": "x", "dry_run": True, **fields})

    assert (answer.status_code, answer.json()) == (200, {"kudos": total})
    assert pop(client)["id"] is None


# ------------------------------------------------------------------------------------------ serving
def test_idle_pop_answers_the_full_default_payload(client: httpx.Client) -> None:
    assert pop(client) == {
        "payload": DEFAULTS, "id": None, "ids": [], "messages": [], "ttl": None, "extra_source_images": None,
        "skipped": {}, "softprompt": None, "model": None,
    }  # fmt: skip


def test_job_has_all_a_worker_needs(client: httpx.Client) -> None:
    ask(client, params={"max_length": 100, "temperature": 0.5, "singleline": True, "unknown": "key"})

    job = pop(client)

    assert job == {
        "payload": DEFAULTS | {"max_length": 100, "temperature": 0.5, "singleline": True, "prompt": "Tell me", "n": 1},
        "id": job["id"], "ids": [job["id"]], "messages": [], "ttl": 150, "extra_source_images": None, "skipped": {},
        "softprompt": None, "model": EIGHT,
    }  # fmt: skip


def test_batch_is_as_big_as_it_was_asked_for(client: httpx.Client) -> None:
    ask(client, params={"n": 5})

    job = pop(client, amount=3)

    assert (len(job["ids"]), job["payload"]["n"]) == (3, 1)


def test_text_comes_with_the_status(client: httpx.Client) -> None:
    request_id = ask(client)
    job = pop(client)

    assert deliver(client, job["id"]).json() == {"reward": 1.55, "credited": 1.55, "escrowed": 0.0}

    found = status(client, request_id)
    assert found.keys() == STATUS_KEYS
    assert (found["done"], found["finished"], found["waiting"], found["faulted"]) == (True, 1, 0, False)
    assert found["generations"] == [
        {
            "worker_id": client.get("/api/v2/workers", params={"type": "text"}).json()[0]["id"],
            "worker_name": "scribe",
            "model": EIGHT,
            "state": "ok",
            "text": STORY,
            "seed": 0,
            "gen_metadata": [],
        }
    ]


def test_every_stage_can_be_seen(client: httpx.Client) -> None:
    request_id = ask(client, params={"n": 2})
    waiting = status(client, request_id)
    first = pop(client)
    running = status(client, request_id)
    deliver(client, first["id"], generation="The end.", seed=7)
    half = status(client, request_id)

    assert (waiting["waiting"], waiting["processing"], waiting["queue_position"]) == (2, 0, 1)
    assert (running["waiting"], running["processing"], running["is_possible"]) == (1, 1, True)
    assert (half["waiting"], half["finished"], half["done"]) == (1, 1, False)
    assert [(text["text"], text["seed"]) for text in half["generations"]] == [("The end.", 7)]


def test_waiting_pop_gets_what_is_asked_for_meanwhile(horde: RunningHorde, client: httpx.Client) -> None:
    with ThreadPoolExecutor(1) as beside, horde.client() as worker:
        waiting = beside.submit(pop, worker, wait_s=30)
        ask(client)

        assert waiting.result()["id"]


def test_faulted_job_goes_to_the_next_worker(client: httpx.Client) -> None:
    request_id = ask(client)
    job = pop(client)

    answer = deliver(client, job["id"], state="faulted", generation="faulted")

    assert answer.json() == {"reward": 0.0, "credited": 0.0, "escrowed": 0.0}
    assert deliver(client, job["id"], state="faulted", generation="faulted").status_code == 200  # nor does it count
    assert pop(client, name="another")["id"] not in (None, job["id"])
    assert pop(client, name="a third")["id"] is None
    assert status(client, request_id)["restarted"] == 1


def test_third_fault_ends_the_request(client: httpx.Client) -> None:
    request_id = ask(client)
    for _ in range(3):
        deliver(client, pop(client)["id"], state="faulted", generation="faulted")

    found = status(client, request_id)

    assert (found["faulted"], found["done"], found["is_possible"], found["generations"]) == (True, True, False, [])
    assert pop(client)["id"] is None


def test_reason_of_the_last_fault_is_told_when_the_request_is_given_up(client: httpx.Client) -> None:
    request_id = ask(client)
    said = ["faulted: no <b>ink</b>\n& no\tpen", "faulted: " + "x" * 9_999, "not for us"]
    for words in [said[1], said[0]]:
        deliver(client, pop(client)["id"], state="faulted", generation=words)
        assert not status(client, request_id)["faulted"]
    deliver(client, pop(client)["id"], state="faulted", generation=said[2])

    assert status(client, request_id)["explanation"] == (
        "It failed too often, so nobody tries it again."
        " The last worker, scribe, said: no &lt;b&gt;ink&lt;/b&gt; &amp; no pen"
    )


def test_request_that_was_given_up_without_a_word_has_no_explanation(client: httpx.Client) -> None:
    request_id = ask(client)
    for _ in range(3):
        deliver(client, pop(client)["id"], state="faulted", generation="faulted")

    assert "explanation" not in status(client, request_id)


def test_cancelled_request_is_handed_to_nobody_and_what_runs_is_paid(client: httpx.Client) -> None:
    request_id = ask(client, params={"n": 2})
    job = pop(client)

    before = client.delete(f"/api/v2/generate/text/status/{request_id}")

    assert (before.status_code, before.json()["waiting"], before.json()["processing"]) == (200, 1, 1)
    assert pop(client)["id"] is None
    assert deliver(client, job["id"]).json()["reward"] == 1.55
    found = status(client, request_id)
    assert (found["done"], len(found["generations"])) == (True, 1)


@pytest.mark.parametrize(
    ("said", "state", "remarks"),
    [
        ({"state": "censored"}, "censored", []),
        ({"state": "csam"}, "csam", [{"type": "censorship", "value": "csam"}]),
        (
            {"gen_metadata": [{"type": "censorship", "value": "csam"}]},
            "csam",
            [{"type": "censorship", "value": "csam"}],
        ),
    ],
)
def test_censored_text_says_so_and_costs_next_to_nothing(
    client: httpx.Client, said: Json, state: str, remarks: list[Json]
) -> None:
    request_id = ask(client)

    assert deliver(client, pop(client)["id"], **said).json()["reward"] == 1.55

    found = status(client, request_id)
    assert [(text["state"], text["gen_metadata"]) for text in found["generations"]] == [(state, remarks)]
    assert found["kudos"] == 1 + 1


def test_requests_of_one_kind_are_not_found_among_the_other(client: httpx.Client) -> None:
    written, painted = ask(client), actors.ask(client)
    text_job, picture_job = pop(client), actors.pop(client)

    assert client.get(f"/api/v2/generate/check/{written}").json()["rc"] == "RequestNotFound"
    assert client.delete(f"/api/v2/generate/text/status/{painted}").json()["rc"] == "RequestNotFound"
    for answer in (
        deliver(client, picture_job["id"]),
        deliver(client, picture_job["id"], state="faulted"),
        actors.deliver(client, text_job["id"]),
        actors.deliver(client, text_job["id"], state="faulted"),
    ):
        assert (answer.status_code, answer.json()["rc"]) == (404, "InvalidJobID")
    assert deliver(client, text_job["id"]).status_code == 200
    assert actors.deliver(client, picture_job["id"]).status_code == 200


def test_texts_and_leases_outlive_the_server(settings: Settings) -> None:
    with running(settings) as first, first.client() as client:
        request_id = ask(client, params={"n": 2})
        deliver(client, pop(client)["id"])
        job = pop(client)

    with running(settings) as again, again.client() as client:
        assert deliver(client, job["id"], generation="The end.").status_code == 200
        assert [text["text"] for text in status(client, request_id)["generations"]] == [STORY, "The end."]


# ------------------------------------------------------------------------------------------ matching
@pytest.mark.parametrize(
    ("asked", "offered", "key"),
    [
        ({"models": ["other"]}, {}, "models"),
        ({"params": {"max_length": 513}}, {}, "max_length"),
        ({"params": {"max_context_length": 8193}}, {}, "max_context_length"),
        ({"params": {"max_context_length": 2049}}, {"max_context_length": 2048}, "max_context_length"),
        ({"trusted_workers": True}, {}, "untrusted"),
        ({"validated_backends": True}, {"bridge_agent": "mine:1:x"}, "bridge_version"),
    ],
)
def test_idle_worker_learns_why(client: httpx.Client, asked: Json, offered: Json, key: str) -> None:
    ask(client, **asked)

    job = pop(client, **offered)

    assert (job["id"], job["skipped"]) == (None, {key: 1})


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ({"params": {"max_length": 512, "max_context_length": 8192}}, {}),
        ({"validated_backends": True}, {}),
        ({"nsfw": True}, {"nsfw": False}),  # has no effect
        ({}, {"extra_slow_worker": True}),
        ({"softprompt": "a voice"}, {}),
    ],
)
def test_worker_gets_what_it_can_do(client: httpx.Client, asked: Json, offered: Json) -> None:
    ask(client, **asked)

    assert pop(client, **offered)["id"]


def test_each_worker_gets_what_is_short_enough_for_it(client: httpx.Client) -> None:
    long, short = ask(client, params={"max_length": 400}), ask(client, params={"max_length": 100})

    for limit, name in ((100, "small"), (1024, "big")):
        deliver(client, pop(client, name=name, max_length=limit)["id"])

    assert [status(client, request)["generations"][0]["worker_name"] for request in (short, long)] == ["small", "big"]


def test_requestor_learns_that_all_contexts_are_too_short(client: httpx.Client) -> None:
    request_id = ask(client, params={"max_context_length": 16_384})
    pop(client)

    assert status(client, request_id)["explanation"] == (
        "No worker online takes 16,384 tokens of context; the most is 8,192 tokens of context."
    )


@pytest.mark.parametrize(
    ("speed", "model", "is_fast"),
    [(2.9, SEVENTY, False), (3.0, SEVENTY, True), (3.9, "x-13b", False), (4.0, "x-13b", True), (4.9, EIGHT, False),
     (5.0, EIGHT, True), (4.9, "mystery", False)],
)  # fmt: skip
def test_big_models_may_be_slower(
    horde: RunningHorde, client: httpx.Client, speed: float, model: str, is_fast: bool
) -> None:
    with horde.client(register(client)) as requestor:
        ask(requestor, slow_workers=False)
        pop(client, models=[model])
        change(horde, f"UPDATE workers SET speeds = '{{{speed}}}', changed_at = clock_timestamp()")

        job = pop(client, models=[model])

    assert (bool(job["id"]), job["skipped"]) == (is_fast, {} if is_fast else {"performance": 1})


# ------------------------------------------------------------------------------------------ who is there
def test_worker_is_shown_with_what_texts_have(client: httpx.Client) -> None:
    pop(client, threads=2)
    actors.pop(client)

    before = client.get("/api/v2/workers", params={"type": "text"}).json()
    ask(client)
    serve_one(client, threads=2)
    [after] = client.get("/api/v2/workers", params={"type": "text"}).json()

    assert [(worker["name"], worker["performance"]) for worker in before] == [("scribe", "No requests fulfilled yet")]
    assert after["performance"].endswith(" tokens per second")
    assert float(after["performance"].removesuffix(" tokens per second")) > 0
    shown = after | {"id": "", "performance": "", "uptime": 0}
    assert shown == {
        "name": "scribe", "id": "", "type": "text", "online": True, "requests_fulfilled": 1, "uncompleted_jobs": 0,
        "kudos_rewards": 1.55, "kudos_details": {"generated": 1.55, "uptime": None}, "performance": "", "threads": 2,
        "uptime": 0, "maintenance_mode": False, "trusted": False, "flagged": False,
        "team": {"name": None, "id": None}, "bridge_agent": AGENT, "nsfw": True, "models": [EIGHT], "max_length": 512,
        "max_context_length": 8192,
    }  # fmt: skip


def test_worker_of_pictures_is_shown_without_lengths(client: httpx.Client) -> None:
    actors.pop(client)

    [worker] = client.get("/api/v2/workers").json()

    assert worker.keys().isdisjoint({"max_length", "max_context_length"})
    assert worker["max_pixels"] == 512 * 512


def test_status_counts_texts_in_tokens(client: httpx.Client) -> None:
    ask(client, models=[EIGHT], params={"n": 2, "max_length": 100})
    serve_one(client, threads=3)

    told = client.get("/api/v2/status/performance").json()
    beat = client.get("/api/v2/status/heartbeat").json()
    [model] = client.get("/api/v2/status/models", params={"type": "text"}).json()

    assert {name: told[name] for name in told if "text" in name or "tokens" in name} == {
        "queued_text_requests": 1, "text_worker_count": 1, "text_thread_count": 3, "queued_tokens": 100.0,
        "past_minute_tokens": 100.0,
    }  # fmt: skip
    assert (told["queued_requests"], told["worker_count"], told["past_minute_megapixelsteps"]) == (0, 0, 0.0)
    assert (beat["queue"], beat["threads"], beat["active_count"]) == (1, 3, 1)
    assert (model["name"], model["count"], model["queued"], model["jobs"], model["type"]) == (EIGHT, 3, 100, 1, "text")
    assert model["performance"] > 0
    assert client.get("/api/v2/status/models").json() == []


def test_accounts_count_tokens_and_list_requests(horde: RunningHorde, client: httpx.Client) -> None:
    with horde.client(register(client)) as requestor:
        request_id = ask(requestor, params={"max_length": 100})
        serve_one(client)

        found = requestor.get("/api/v2/find_user").json()

    assert found["active_generations"] == {"text": [request_id]}
    assert found["records"]["usage"] == {"megapixelsteps": 0, "tokens": 100}
    assert found["records"]["request"] == {"image": 0, "text": 1, "interrogation": 0}
    assert client.get("/api/v2/users/0").json()["records"]["contribution"] == {"megapixelsteps": 0, "tokens": 100}
