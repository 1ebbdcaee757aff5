"""/api/webhooks: an account's own secret and log, and another try by hand."""

from collections.abc import Iterator

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from horde.server.settings import Settings
from tests.api.actors import NOBODYS_ID, Json, ask, deliver, pop, register, serve_one
from tests.end_to_end.several_nodes import until
from tests.plugins.hordes import RunningHorde
from tests.server.webhooks.receiver import Receiver, receiver
from tests.server.webhooks.scene import for_loopback

PATH = "/api/webhooks"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return for_loopback(settings)


@pytest.fixture
def target() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
def ada(horde: RunningHorde, client: httpx.Client) -> Iterator[httpx.Client]:
    with horde.client(register(client, "Ada")) as opened:
        yield opened


def log(client: httpx.Client, **query: object) -> Json:
    answer = client.get(f"{PATH}/deliveries", params=query)  # type: ignore[arg-type]  # httpx takes str and int
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def are_settled(client: httpx.Client, count: int, state: str = "delivered") -> bool:
    """Whether so many of an account's messages are in that state."""
    return len(log(client, state=state)["deliveries"]) == count


def test_webhook_is_called_with_what_the_owner_can_check(
    ada: httpx.Client, client: httpx.Client, target: Receiver, horde: RunningHorde
) -> None:
    request_id = ask(ada, webhook=target.url, webhook_events=["job.done", "request.done"])
    job = serve_one(client)
    until(lambda: are_settled(ada, 2), "both messages were heard")

    found = Webhook(ada.get(f"{PATH}/secret").json()["secret"])
    bodies = {heard.headers["horde-event"]: found.verify(heard.content, heard.headers) for heard in target.heard}
    assert bodies["job.done"].keys() == {
        "img", "seed", "worker_id", "worker_name", "model", "id", "censored", "gen_metadata", "request", "kudos",
    }  # fmt: skip
    assert (bodies["job.done"]["id"], bodies["job.done"]["request"]) == (job["id"], request_id)
    assert bodies["request.done"]["data"] == {"request": request_id}
    assert httpx.get(bodies["job.done"]["img"]).headers["content-type"] == "image/webp"


def test_log_tells_what_became_of_each_message_in_pages(
    ada: httpx.Client, client: httpx.Client, target: Receiver
) -> None:
    target.then(500, b"oops")
    first = ask(ada, webhook=target.url)
    serve_one(client)
    until(lambda: are_settled(ada, 1, "waiting") and target.heard, "the first message failed")
    until(lambda: log(ada)["deliveries"][0]["failure"], "the failure is in the log")
    ask(ada, webhook=target.url)
    serve_one(client)
    until(lambda: are_settled(ada, 1), "the second message was heard")

    page = ada.get(f"{PATH}/deliveries", params={"limit": 1})
    [newest], before = page.json()["deliveries"], page.json()["next_before"]
    assert (newest["state"], newest["answer_status"], newest["next_try"]) == ("delivered", 200, None)
    assert ada.get(page.links["next"]["url"]).json() == log(ada, limit=1, before=before)

    [oldest] = log(ada, before=before)["deliveries"]
    assert oldest.keys() == {
        "id", "event", "request", "url", "state", "attempts", "created_at", "tried_at", "next_try", "answer_status",
        "answer_body", "failure",
    }  # fmt: skip
    assert (oldest["request"], oldest["attempts"], oldest["failure"]) == (first, 1, "The answer was 500.")
    assert (oldest["answer_status"], oldest["answer_body"]) == (500, "oops")
    assert oldest["next_try"] > oldest["tried_at"]
    assert [found["id"] for found in log(ada, request=first)["deliveries"]] == [oldest["id"]]
    assert log(ada, event="request.done") == {"deliveries": [], "next_before": None}


def test_owner_alone_can_read_and_retry(
    horde: RunningHorde, ada: httpx.Client, client: httpx.Client, target: Receiver
) -> None:
    target.then(410)
    ask(ada, webhook=target.url)
    serve_one(client)
    until(lambda: are_settled(ada, 1, "dead"), "the receiver said gone")
    [dead] = log(ada)["deliveries"]
    retry = f"{PATH}/deliveries/{dead['id']}/retry"

    with horde.client(register(client, "Eve")) as eve:
        assert log(eve)["deliveries"] == []
        assert (eve.post(retry).status_code, eve.post(retry).json()["rc"]) == (404, "WebhookDeliveryNotFound")
    assert log(ada)["deliveries"] == [dead]

    answer = ada.post(retry)

    assert (answer.status_code, answer.json()["state"], answer.json()["id"]) == (202, "waiting", dead["id"])
    # Ten seconds after the attempt before.
    assert answer.json()["next_try"] > dead["tried_at"]


@pytest.mark.parametrize("delivery_id", ["nonsense", NOBODYS_ID, "%00"])
def test_unknown_delivery_is_not_found(ada: httpx.Client, delivery_id: str) -> None:
    answer = ada.post(f"{PATH}/deliveries/{delivery_id}/retry")

    assert (answer.status_code, answer.json()["rc"]) == (404, "WebhookDeliveryNotFound")


def test_rotation_gives_another_secret(ada: httpx.Client) -> None:
    first = ada.get(f"{PATH}/secret").json()
    second = ada.post(f"{PATH}/secret/rotate").json()
    third = ada.post(f"{PATH}/secret/rotate", params={"keep_previous": "false"}).json()

    assert len({first["secret"], second["secret"], third["secret"]}) == 3
    assert first["secret"].startswith("whsec_")
    assert [found["previous_until"] is None for found in (first, second, third)] == [True, False, True]
    assert ada.get(f"{PATH}/secret").json() == third


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "secret"), ("POST", "secret/rotate"), ("GET", "deliveries"), ("POST", f"deliveries/{NOBODYS_ID}/retry")],
)
def test_anonymous_and_unknown_keys_are_refused(shared_horde: RunningHorde, method: str, path: str) -> None:
    with shared_horde.client() as nobody, shared_horde.client("unknown") as stranger:
        for caller, expected in ((nobody, (403, "AnonForbidden")), (stranger, (401, "InvalidAPIKey"))):
            answer = caller.request(method, f"{PATH}/{path}")
            assert (answer.status_code, answer.json()["rc"]) == expected


def test_anonymous_requests_are_told_too(client: httpx.Client, target: Receiver) -> None:
    ask(client, webhook=target.url)
    assert deliver(client, pop(client)["id"]).status_code == 200

    until(lambda: target.heard, "the message arrived")
