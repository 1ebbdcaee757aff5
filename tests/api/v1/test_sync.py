"""The oldest client there is: one curl line, one answer with the pictures in it."""

import base64
import json
import shlex
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.api.actors import deliver, picture, pop
from tests.plugins.hordes import RunningHorde

SYNC = "/api/v1/generate/sync"
CURL = (
    """curl -sS -H "Content-Type: application/json" -d '{"prompt":"A horde of stable robots", """
    """"params":{"n":1, "width": 256, "height": 256}, "api_key":"0000000000"}' """
)
ARGUMENTS = {"prompt": "x", "api_key": "0000000000", "params": {"width": 64, "height": 64}}


@contextmanager
def serving(horde: RunningHorde, jobs: int = 1) -> Iterator[None]:
    """A worker that takes and hands in so many jobs while the block runs."""

    def serve() -> None:
        with horde.client() as client:
            for _ in range(jobs):
                deliver(client, pop(client, wait_s=20)["id"], seed=7)

    with horde.client() as client:
        pop(client)  # from now on it is online
    thread = threading.Thread(target=serve)
    thread.start()
    yield
    thread.join()


def test_the_curl_line_of_2022_answers_with_its_pictures(horde: RunningHorde) -> None:
    with serving(horde):
        answer = subprocess.run(shlex.split(CURL + horde.url + SYNC), capture_output=True, check=True).stdout

    (found,) = json.loads(answer)
    assert base64.b64decode(found["img"]) == picture()
    assert found["seed"] == "7"
    assert found["server_name"] == found["worker_name"] == "worker"
    assert found["server_id"] == found["worker_id"]


@pytest.mark.parametrize("place", ["json", "data", "params"])
def test_arguments_come_as_json_form_or_query(horde: RunningHorde, place: str) -> None:
    arguments = {"prompt": "x", "api_key": "0000000000"}
    with serving(horde), horde.client(key=None) as client:
        answer = client.post(SYNC, **{place: arguments})  # type: ignore[arg-type]

    assert (answer.status_code, len(answer.json())) == (200, 1)


def test_several_pictures_come_in_one_answer(horde: RunningHorde, client: httpx.Client) -> None:
    with serving(horde, jobs=3):
        answer = client.post(SYNC, json=ARGUMENTS | {"params": {"n": 3, "width": 64, "height": 64, "any": "key"}})

    assert len(answer.json()) == 3


@pytest.mark.parametrize(
    ("change", "status_code", "words"),
    [
        ({"api_key": "nobody"}, 401, "API Key"),
        ({"prompt": ""}, 400, "empty prompt"),
        ({"params": {"width": 65}}, 400, "multiple of 64"),
        ({"params": {"height": 65}}, 400, "multiple of 64"),
        ({"params": {"steps": 101}}, 400, "Too many steps"),
    ],
)
def test_refusal_is_a_bare_json_string(
    shared_client: httpx.Client, change: object, status_code: int, words: str
) -> None:
    answer = shared_client.post(SYNC, json=ARGUMENTS | change)  # type: ignore[operator]

    assert answer.status_code == status_code
    assert isinstance(answer.json(), str)
    assert words in answer.json()


def test_request_for_which_nobody_is_there_is_refused_at_once(client: httpx.Client) -> None:
    # On a horde of its own: others may leave a worker on the shared one, for which this would wait.
    answer = client.post(SYNC, json=ARGUMENTS)

    assert answer.status_code == 503
    assert answer.json().startswith("No active server")


@pytest.mark.parametrize("name", ["prompt", "api_key"])
def test_missing_argument_is_named(shared_client: httpx.Client, name: str) -> None:
    answer = shared_client.post(SYNC, json={key: value for key, value in ARGUMENTS.items() if key != name})

    assert answer.status_code == 400
    assert "Missing required parameter" in answer.json()["errors"][name]


def test_request_that_faults_is_told_and_not_left_behind(horde: RunningHorde, client: httpx.Client) -> None:
    def fail() -> None:
        with horde.client() as worker:
            for _ in range(3):
                deliver(worker, pop(worker, wait_s=20)["id"], state="faulted")

    pop(client)
    thread = threading.Thread(target=fail)
    thread.start()
    answer = client.post(SYNC, json=ARGUMENTS)
    thread.join()

    assert (answer.status_code, answer.json()) == (500, "Prompt Request Expired")
    assert pop(client)["id"] is None


def test_caller_who_hangs_up_leaves_no_request_behind(horde: RunningHorde, client: httpx.Client) -> None:
    pop(client)
    with pytest.raises(httpx.ReadTimeout):
        client.post(SYNC, json=ARGUMENTS, timeout=0.5)

    # The next call that reaches the queue finds it empty as soon as the server has seen the end of the connection.
    for _ in range(100):
        if client.get("/api/v2/status/heartbeat").json()["queue"] == 0:
            break
    else:
        pytest.fail("the request still waits")
