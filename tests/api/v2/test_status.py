"""What v2 tells of the horde as a whole: numbers, models, modes."""

from urllib.parse import quote

import httpx
import msgspec
import pytest
from structlog.testing import capture_logs

from horde.server.settings import Settings
from tests.api.actors import MODEL, ask, pop, serve_one
from tests.plugins.hordes import running

PERFORMANCE = "/api/v2/status/performance"
NONE_OF_IT = {
    "queued_requests": 0, "queued_text_requests": 0, "worker_count": 0, "text_worker_count": 0, "thread_count": 0,
    "text_thread_count": 0, "queued_megapixelsteps": 0.0, "past_minute_megapixelsteps": 0.0, "queued_forms": 0.0,
    "interrogator_count": 0, "interrogator_thread_count": 0, "queued_tokens": 0.0, "past_minute_tokens": 0.0,
}  # fmt: skip
"""Every documented field."""


def test_empty_horde_shows_every_field(client: httpx.Client) -> None:
    assert client.get(PERFORMANCE).json() == NONE_OF_IT


def test_numbers_count_what_waits_who_serves_and_what_was_done(client: httpx.Client) -> None:
    size = {"width": 512, "height": 512, "steps": 4}
    ask(client, params=size)
    serve_one(client, threads=2)
    ask(client, params=size | {"n": 3})

    assert client.get(PERFORMANCE).json() == NONE_OF_IT | {
        "queued_requests": 3, "queued_megapixelsteps": 3.15, "worker_count": 1, "thread_count": 2,
        "past_minute_megapixelsteps": 1.05,
    }  # fmt: skip


@pytest.mark.parametrize("name", [MODEL, "maker/model 1.5 + more", "ünï?#%"])
def test_one_model_is_found_by_its_name(client: httpx.Client, name: str) -> None:
    pop(client, models=[name, "other"], threads=3)

    (found,) = client.get(f"/api/v2/status/models/{quote(name, safe='')}").json()

    assert found == {
        "name": name, "count": 3, "performance": 0.0, "queued": 0.0, "jobs": 0.0, "eta": 0, "type": "image"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["busy", "idle"]),
        ("type=image", ["busy", "idle"]),
        ("type=text", []),
        ("min_count=3", ["busy"]),
        ("max_count=3", ["idle"]),
        ("min_count=1&max_count=4", ["busy", "idle"]),
        ("model_state=all", ["busy", "idle"]),
        ("model_state=known", ["busy", "idle"]),
        ("model_state=custom", []),
    ],
)
def test_models_are_chosen_by_kind_count_and_state(client: httpx.Client, query: str, names: list[str]) -> None:
    pop(client, models=["busy"], threads=4)
    pop(client, "second", models=["idle"], threads=1)

    assert [model["name"] for model in client.get(f"/api/v2/status/models?{query}").json()] == names


@pytest.mark.parametrize("query", ["type=video", "model_state=any", "min_count=x", "max_count=-1"])
def test_query_about_models_that_means_nothing_is_refused(shared_client: httpx.Client, query: str) -> None:
    answer = shared_client.get(f"/api/v2/status/models?{query}")

    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == {query.partition("=")[0]}


def test_model_that_is_not_there_is_an_empty_list(shared_client: httpx.Client) -> None:
    answer = shared_client.get("/api/v2/status/models/nothing")

    assert (answer.status_code, answer.json()) == (200, [])


def test_performance_of_a_model_is_what_was_done_with_it(client: httpx.Client) -> None:
    ask(client)
    serve_one(client)

    (found,) = client.get("/api/v2/status/models").json()

    assert found["performance"] > 0


def test_server_without_rate_limits_says_so_once_at_its_start(settings: Settings) -> None:
    with capture_logs() as quiet, running(msgspec.structs.replace(settings, rate_limits="on")):
        pass
    with capture_logs() as warned, running(settings):
        pass

    found = [line for line in warned if "rate limits are off" in line["event"]]
    assert [line["log_level"] for line in found] == ["warning"]
    assert not [line for line in quiet if "rate limits" in line["event"]]
