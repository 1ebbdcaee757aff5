"""Every call as data: what is sent, and whether it may be sent twice."""

from datetime import UTC, datetime

import msgspec
import pytest

from horde.client import _calls, work
from horde.errors import BadInput
from horde.wire import v2, v2_alchemy, v2_text

POP = v2.Pop(name="worker")
STATEMENT = _calls.statement(
    kind="job", since=datetime(2026, 1, 31, 12, tzinfo=UTC), until=None, request_id=None, before=7, limit=50
)


@pytest.mark.parametrize(
    ("call", "method", "path"),
    [
        (_calls.submit(v2.GenerateAsync(prompt="a")), "POST", "/api/v2/generate/async"),
        (_calls.price(v2.GenerateAsync(prompt="a")), "POST", "/api/v2/generate/async"),
        (_calls.check("some-id"), "GET", "/api/v2/generate/check/some-id"),
        (_calls.status("some-id"), "GET", "/api/v2/generate/status/some-id"),
        (_calls.cancel("some-id"), "DELETE", "/api/v2/generate/status/some-id"),
        (work.pop_images(POP, 0), "POST", "/api/v2/generate/pop"),
        (work.deliver_image(v2.Submit(id="a", generation="R2", seed=1)), "POST", "/api/v2/generate/submit"),
        (work.pop_texts(v2_text.TextPop(name="worker"), 0), "POST", "/api/v2/generate/text/pop"),
        (work.deliver_text(v2_text.TextSubmit(id="a", generation="b")), "POST", "/api/v2/generate/text/submit"),
        (work.pop_forms(v2_alchemy.InterrogatePop(name="worker"), 0), "POST", "/api/v2/interrogate/pop"),
        (work.deliver_form(v2_alchemy.InterrogateSubmit(id="a")), "POST", "/api/v2/interrogate/submit"),
        (_calls.register("Ann"), "POST", "/register"),
        (_calls.account(), "GET", "/api/v2/find_user"),
        (STATEMENT, "GET", "/api/kudos/statement?kind=job&since=2026-01-31T12%3A00%3A00%2B00%3A00&before=7&limit=50"),
        (_calls.transfer("Bob#2", 5, "once"), "POST", "/api/v2/kudos/transfer"),
        (_calls.workers(), "GET", "/api/v2/workers"),
        (_calls.models(), "GET", "/api/v2/status/models"),
        (_calls.heartbeat(), "GET", "/api/v2/status/heartbeat"),
    ],
)
def test_call_goes_where_the_contract_says(call: _calls.Call[object], method: str, path: str) -> None:
    assert (call.method, call.path) == (method, path)


@pytest.mark.parametrize(
    ("call", "may_repeat"),
    [
        (_calls.submit(v2.GenerateAsync(prompt="a")), False),
        (_calls.register("Ann"), False),
        (work.pop_images(POP, 0), False),
        (work.pop_images(msgspec.structs.replace(POP, held_jobs=[]), 0), True),
        (work.deliver_image(v2.Submit(id="a", generation="R2", seed=1)), True),
        (_calls.price(v2.GenerateAsync(prompt="a")), True),
        (_calls.check("a"), True),
        (_calls.cancel("a"), True),
        (_calls.transfer("Bob#2", 5, "once"), True),
    ],
)
def test_only_calls_that_do_no_harm_twice_are_repeatable(call: _calls.Call[object], may_repeat: bool) -> None:
    assert call.is_repeatable is may_repeat


def test_pop_asks_the_server_to_hold_it_and_waits_as_long() -> None:
    call = work.pop_images(POP, 25)

    assert call.headers == {"Prefer": "wait=25"}
    assert call.hold_s == 25


def test_price_is_a_dry_run_and_leaves_the_request_alone() -> None:
    request = v2.GenerateAsync(prompt="a")

    body = msgspec.json.decode(_calls.price(request).content or b"")

    assert body["dry_run"] is True
    assert request.dry_run is False


def test_bodies_are_json_and_calls_without_one_say_no_type() -> None:
    assert _calls.register("Ann").all_headers == {"Content-Type": "application/json"}
    assert _calls.register("Ann").content == b'{"username":"Ann"}'
    assert _calls.check("a").all_headers == {}
    assert _calls.check("a").content is None


def test_id_cannot_leave_its_place_in_the_path() -> None:
    assert _calls.check("../../users?x=1").path == "/api/v2/generate/check/..%2F..%2Fusers%3Fx%3D1"


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:7001",
        "http://127.0.0.1:7001/",
        " http://127.0.0.1:7001/api ",
        "http://127.0.0.1:7001/api/",
        "http://127.0.0.1:7001/api/v2",
    ],
)
def test_address_is_taken_as_other_clients_write_it(address: str) -> None:
    assert _calls.base_url(address) == "http://127.0.0.1:7001"


@pytest.mark.parametrize("address", ["", "127.0.0.1:7001", "ftp://host", "http://", "http://host:port", "http://[::1"])
def test_what_is_no_address_is_refused_before_anything_is_sent(address: str) -> None:
    with pytest.raises(BadInput, match="is not the address of a horde") as refusal:
        _calls.base_url(address)
    assert "http://127.0.0.1:7001" in refusal.value.hint
