"""How far jobs are: workers tell it, requestors look, and nobody else can do either."""

import base64
import io
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.api.actors import NOBODYS_ID, ask, deliver, picture, pop, register
from tests.plugins.hordes import RunningHorde

PREVIEW = base64.b64encode(picture(size=(16, 16))).decode()


def tell(client: httpx.Client, job_id: str, **fields: Any) -> httpx.Response:
    return client.post(f"/api/jobs/{job_id}/progress", json={"share": 0.5, **fields})


def look(client: httpx.Client, request_id: str) -> Any:
    answer = client.get(f"/api/requests/{request_id}/progress")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_requestor_sees_what_the_worker_tells(client: httpx.Client) -> None:
    request_id = ask(client)
    assert look(client, request_id) == []
    job = pop(client, "painter")
    (begun,) = look(client, request_id)
    assert (begun["id"], begun["worker_name"], begun["share"]) == (job["id"], "painter", 0.0)

    assert tell(client, job["id"], preview=PREVIEW, text="half").json() == {"is_wanted": True}
    (seen,) = look(client, request_id)

    assert (seen["share"], seen["text"]) == (0.5, "half")
    with Image.open(io.BytesIO(base64.b64decode(seen["preview"]))) as image:
        assert image.size == (16, 16)


def test_what_is_told_late_takes_nothing_back(client: httpx.Client) -> None:
    request_id = ask(client)
    job_id = pop(client)["id"]
    tell(client, job_id, share=0.75, preview=PREVIEW)
    tell(client, job_id, share=0.25)

    (seen,) = look(client, request_id)
    assert (seen["share"], seen["preview"]) == (0.75, PREVIEW)


def test_delivered_job_is_wanted_no_more_and_no_longer_shown(client: httpx.Client) -> None:
    request_id = ask(client)
    job_id = pop(client)["id"]
    tell(client, job_id)
    assert deliver(client, job_id).status_code == 200

    assert tell(client, job_id).json() == {"is_wanted": False}
    assert look(client, request_id) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"share": 1.5}, "share"),
        ({"share": -0.1}, "share"),
        ({"preview": "no base64!"}, "no base64"),
        ({"preview": "üüüü"}, "no base64"),
        ({"preview": base64.b64encode(b"<svg onload=alert(1)>").decode()}, "no webp"),
        ({"preview": "A" * 70_000}, "preview"),
        ({"text": "x" * 100_001}, "text"),
    ],
    ids=["above", "below", "no base64", "beyond ASCII", "no webp", "too big", "too long"],
)
def test_what_cannot_be_shown_is_refused(client: httpx.Client, fields: dict[str, Any], words: str) -> None:
    request_id = ask(client)
    job_id = pop(client)["id"]
    answer = tell(client, job_id, **fields)

    assert answer.status_code == 400
    assert words in answer.text
    assert look(client, request_id)[0]["share"] == 0


def test_only_the_owner_of_the_worker_may_tell(horde: RunningHorde, client: httpx.Client) -> None:
    with horde.client(register(client, "Ada")) as ada:
        request_id = ask(client)
        job_id = pop(client)["id"]
        stranger, nobody = (
            tell(ada, job_id),
            client.post(f"/api/jobs/{job_id}/progress", json={"share": 1}, headers={"apikey": "?"}),
        )

    assert (stranger.status_code, stranger.json()["rc"]) == (403, "WrongCredentials")
    assert (nobody.status_code, nobody.json()["rc"]) == (401, "InvalidAPIKey")
    assert look(client, request_id)[0]["share"] == 0


@pytest.mark.parametrize("job_id", [NOBODYS_ID, "no-id", "%00"])
def test_job_that_there_is_not_is_404(client: httpx.Client, job_id: str) -> None:
    assert tell(client, job_id).status_code in (400, 404)
    assert client.get(f"/api/requests/{job_id}/progress").status_code in (400, 404)
