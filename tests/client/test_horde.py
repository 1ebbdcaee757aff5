"""The client that waits, against a real server."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from horde.client import Horde, RequestFaulted, RequestHandle, Retries, Unreachable, WaitedTooLong
from horde.errors import BadInput, InvalidAPIKey, RequestNotFound
from horde.wire.v2 import CheckAnswer, GenerateAsync
from tests.api.actors import deliver, picture, pop, serve_one
from tests.plugins.hordes import RunningHorde
from tests.worker.shifts import demo_worker


class Stopwatch:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def requestor(horde: RunningHorde, stopwatch: Stopwatch) -> Iterator[Horde]:
    with Horde(horde.url, sleep=stopwatch.sleep, clock=stopwatch.clock) as opened:
        yield opened


def asked(requestor: Horde, n: int = 1) -> RequestHandle:
    return requestor.generate("a red square", width=64, height=64, steps=1, n=n)


def test_pictures_come_back_with_what_made_them(horde: RunningHorde) -> None:
    looks: list[CheckAnswer] = []
    with demo_worker(horde.url), Horde(horde.url) as requestor:
        request = requestor.generate("a stable", width=64, height=64, n=2, seed=7)
        images = request.wait(looks.append).images()

    assert {image.seed for image in images} == {"9", "10"}
    assert {image.worker_name for image in images} == {"tested worker"}
    assert all(image.content[8:12] == b"WEBP" for image in images)
    assert looks[-1].done


def test_pictures_of_one_seed_differ_although_they_are_made_in_several_batches(horde: RunningHorde) -> None:
    with demo_worker(horde.url), Horde(horde.url) as requestor:
        images = requestor.generate("a stable", width=64, height=64, n=9, seed=7).wait().images()

    assert len({image.seed for image in images}) == 9
    assert len({image.content for image in images}) == 9


def test_pictures_that_are_ready_can_be_read_before_all_are(requestor: Horde, client: httpx.Client) -> None:
    request = asked(requestor, n=2)
    serve_one(client)

    (image,) = request.images()

    assert image.content == picture()
    assert not request.check().done


def test_price_and_warning_are_told_at_once(requestor: Horde) -> None:
    request = asked(requestor)

    assert request.price >= 0
    assert [warning.code for warning in request.warnings] == ["NoAvailableWorker"]


def test_looks_come_soon_at_first_and_then_once_a_second(requestor: Horde, stopwatch: Stopwatch) -> None:
    with pytest.raises(WaitedTooLong, match=r"is not done after 10 s: 0 ready, 0 in work, 1 waiting"):
        asked(requestor).wait(timeout_s=10)

    assert stopwatch.pauses[0] == 0.25
    assert stopwatch.pauses == sorted(stopwatch.pauses)
    assert stopwatch.pauses[-1] == 1.0
    assert 9 < stopwatch.now <= 10


def test_request_that_workers_cannot_make_ends_the_wait(requestor: Horde, client: httpx.Client) -> None:
    request = asked(requestor)
    for _ in range(3):
        deliver(client, pop(client)["id"], state="faulted", generation="faulted").raise_for_status()

    with pytest.raises(RequestFaulted, match=f"gave the request {request.id} up"):
        request.wait()


def test_error_of_the_listener_ends_the_wait(requestor: Horde) -> None:
    def refuse(progress: CheckAnswer) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asked(requestor).wait(refuse)


def test_cancelled_request_no_longer_waits(requestor: Horde, client: httpx.Client) -> None:
    request = asked(requestor)

    request.cancel()
    request.cancel()

    assert request.check().waiting == 0
    assert pop(client)["id"] is None


def test_request_of_another_program_is_taken_up_by_its_id(requestor: Horde, client: httpx.Client) -> None:
    request_id = asked(requestor).id
    serve_one(client)

    assert len(requestor.request(request_id).wait().images()) == 1


def test_request_that_nobody_knows_is_not_found_but_can_be_cancelled(requestor: Horde) -> None:
    unknown = requestor.request("00000000-0000-0000-0000-000000000000")

    with pytest.raises(RequestNotFound):
        unknown.check()
    unknown.cancel()


def test_everything_that_a_horde_takes_can_be_asked_for(requestor: Horde, client: httpx.Client) -> None:
    request = requestor.submit(GenerateAsync(prompt="a stable", r2=False, models=["stable_diffusion"]))
    serve_one(client)

    (image,) = request.wait().images()

    assert image.content == picture()


def test_dry_run_costs_something_and_asks_for_nothing(requestor: Horde, client: httpx.Client) -> None:
    assert requestor.price(GenerateAsync(prompt="a stable")) > 0
    assert pop(client)["id"] is None


def test_new_account_can_be_read_by_its_key(horde: RunningHorde, requestor: Horde) -> None:
    account = requestor.register("Ann")

    with Horde(horde.url, account.api_key) as ann:
        assert ann.account().username == account.username


def test_statement_tells_what_moved_and_what_is_there(horde: RunningHorde, requestor: Horde) -> None:
    with Horde(horde.url, requestor.register("Ann").api_key) as ann:
        asked(ann)
        told = ann.statement(limit=1)
        rest = ann.statement(before=told.next_before)

    assert [entry.kind for entry in (*told.entries, *rest.entries)] == ["ask", "opening"]
    assert told.balance.spendable == told.entries[0].after.spendable == 14.0


def test_horde_tells_of_its_workers_models_and_health(horde: RunningHorde, requestor: Horde) -> None:
    with horde.client() as client:
        pop(client, "one of many")

    assert requestor.heartbeat().message == "OK"
    assert [worker.name for worker in requestor.workers()] == ["one of many"]
    assert isinstance(requestor.models(), list)


def test_wrong_key_is_refused_with_a_hint(horde: RunningHorde) -> None:
    with Horde(horde.url, "nonsense") as stranger, pytest.raises(InvalidAPIKey) as refusal:
        asked(stranger)

    assert "register" in refusal.value.hint


def test_wrong_values_never_leave_the_program() -> None:
    with Horde("http://127.0.0.1:9") as nowhere, pytest.raises(BadInput):
        nowhere.generate("a stable", width=100)


def test_address_where_nobody_listens_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    with Horde(url, retries=Retries(attempts=1)) as nowhere, pytest.raises(Unreachable, match=f"{url} does not answer"):
        nowhere.heartbeat()


def test_proxy_of_the_environment_is_not_asked_for_a_horde_on_this_machine(
    horde: RunningHorde, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://192.0.2.1:3128")

    with Horde(horde.url, retries=Retries(attempts=1)) as requestor:
        assert requestor.heartbeat().message == "OK"
