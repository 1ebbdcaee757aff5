"""Who calls too often is told so, and when to come again; nobody else is kept."""

import msgspec
import pytest
from litestar import Litestar, get

from horde.server.api.edge.counters import Call, Counters
from horde.server.api.edge.endpoints import Endpoints
from horde.server.api.edge.limits import RateLimits
from horde.server.api.edge.limits_table import DEFAULT, NO_LIMIT, OWN, SECOND, Limit, limits_of
from horde.server.app import create_app
from horde.server.settings import Settings
from tests.api.actors import register
from tests.api.v2.by_hand import change
from tests.plugins.hordes import running

ASKING = "/api/v2/generate/async"
CHECK = "/api/v2/generate/check/one"
NOON = 1_700_000_000.0


class StandingClock:
    """Seconds since the epoch, moved by the test."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def call(address: str = "192.0.2.1", key: bytes = b"0000000000", method: str = "GET", path: str = CHECK) -> Call:
    return Call(address, method, path, key)


def left(counters: Counters, limit: Limit, made: Call, endpoint: str = "e") -> int:
    counted = counters.count(endpoint, (limit,), made)
    assert counted is not None
    return counted.left


def test_window_begins_with_the_first_call_and_ends_whole() -> None:
    clock = StandingClock()
    counters = Counters(now=clock)
    limit = Limit(2, SECOND)
    seen = [left(counters, limit, call())]
    clock.now += 0.9
    seen += [left(counters, limit, call()), left(counters, limit, call())]
    clock.now += 0.1

    assert [*seen, left(counters, limit, call())] == [1, 0, -1, 1]


@pytest.mark.parametrize(
    ("by", "others"),
    [
        ("address", [call(address="192.0.2.2")]),
        ("path", [call(address="192.0.2.2"), call(method="DELETE"), call(path="/other")]),
        ("key", [call(key=b"x"), call(method="DELETE"), call(path="/other")]),
    ],
)
def test_each_kind_of_limit_counts_what_it_says(by: str, others: list[Call]) -> None:
    counters = Counters()
    limit = Limit(1, SECOND, by)  # type: ignore[arg-type]
    same = [
        call(),
        *{
            "address": [call(path="/other", key=b"x", method="PUT")],
            "path": [call(key=b"x")],
            "key": [call(address="192.0.2.9")],
        }[by],
    ]

    assert [left(counters, limit, made) for made in same] == [0, -1]
    assert [left(counters, limit, made) for made in others] == [0] * len(others)


def test_endpoints_are_counted_apart() -> None:
    counters = Counters()

    assert [left(counters, DEFAULT[0], call(), endpoint) for endpoint in "ab"] == [89, 89]


def test_privileged_address_and_the_anonymous_key_have_their_own_amounts() -> None:
    clock = StandingClock()
    counters = Counters(now=clock)
    limit = Limit(2, SECOND, "key", privileged=60, anonymous=40)
    own = call(key=b"mine")
    counters.privilege("192.0.2.7")

    assert left(counters, limit, call()) == 39
    assert left(counters, limit, own) == 1
    assert left(counters, limit, call(address="192.0.2.7", key=b"other")) == 59
    clock.now += 24 * 3600 + 1
    assert left(counters, limit, call(address="192.0.2.7", key=b"other")) == 1


def test_window_that_became_old_goes_on_and_is_not_counted_from_anew() -> None:
    clock = StandingClock()
    counters = Counters(now=clock)
    limit = Limit(5, SECOND)
    left(counters, limit, call(address="first"))
    clock.now += 0.8
    left(counters, limit, call())
    clock.now += 0.3
    left(counters, limit, call(address="who makes the halves turn"))
    seen = [left(counters, limit, call())]
    clock.now += 0.7

    assert [*seen, left(counters, limit, call())] == [3, 4]


def test_factor_multiplies_every_limit_and_never_to_nothing() -> None:
    assert left(Counters(factor=2), Limit(10, SECOND), call()) == 19
    assert left(Counters(factor=0.001), Limit(10, SECOND), call()) == 0


def test_millions_of_addresses_take_bounded_memory() -> None:
    counters = Counters(size=100)
    for number in range(1000):
        counters.count("e", DEFAULT, call(address=str(number), path="x" * 10_000))

    assert len(counters) <= 100


def test_every_limit_of_a_call_is_kept_and_the_nearest_is_told() -> None:
    counters = Counters()
    limits = limits_of("POST", ASKING)
    made = call(key=b"mine", method="POST", path=ASKING)
    told = [counters.count(ASKING, limits, made) for _ in range(3)]

    assert [(found.limit.text(found.amount), found.left) for found in told if found] == [
        ("2 per 1 second", 1),
        ("2 per 1 second", 0),
        ("2 per 1 second", -1),
    ]


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/api/v2/generate/async", "/api/v2/generate/async"),
        (CHECK, "/api/v2/generate/check/{}"),
        ("/api/v2/status/models/with/slashes", "/api/v2/status/models/{}"),
        ("/api/v2/workers/name/some one", "/api/v2/workers/name/{}"),
        ("/api/v2/workers/x/y", None),
        ("/nowhere/at/all", None),
    ],
)
def test_address_finds_its_route(path: str, endpoint: str | None) -> None:
    assert Endpoints(create_app(Settings()).routes).of(path) == endpoint


def test_heartbeat_and_signed_links_are_never_limited() -> None:
    assert limits_of("GET", "/api/v2/status/heartbeat") == NO_LIMIT
    assert limits_of("PUT", "/api/files/{}") == NO_LIMIT
    assert limits_of("GET", "/api/v1/users") == limits_of("GET", "/api/v2/find_user") == DEFAULT


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("GET /api/v1/generate/check/{}", "10 per 1 second"),
        ("GET /api/v1/generate/prompt/{}", "2 per 1 minute"),
        ("POST /api/v1/generate/pop", "45 per 1 second"),
        ("GET /api/v1/users/{}", "30 per 1 minute"),
        ("PUT /api/v1/users/{}", "30 per 1 minute"),
        ("GET /api/v1/servers/{}", "30 per 1 minute"),
        ("PUT /api/v1/servers/{}", "30 per 1 minute"),
        ("PUT /api/v1/admin/maintenance", "30 per 1 minute"),
        ("POST /api/v1/generate/async", "90 per 1 minute"),
        ("POST /api/v1/generate/submit", "90 per 1 minute"),
    ],
)
def test_limits_of_v1_are_those_of_its_time(call: str, words: str) -> None:
    (limit,) = limits_of(*call.split(" "))

    assert limit.text(limit.amount) == words


def test_every_limit_can_be_worded() -> None:
    assert {limit.text(1).rpartition(" ")[2] for limits in OWN.values() for limit in limits} == {
        "second",
        "minute",
        "hour",
    }


class Answers:
    """A caller of an ASGI application who keeps what is answered."""

    def __init__(self, address: str = "192.0.2.1") -> None:
        self.clock = StandingClock()
        self.address = address

        @get("/api/v2/status/modes")
        async def modes() -> None: ...

        app = Litestar([modes], openapi_config=None, logging_config=None)
        self._limits = RateLimits(app.asgi_handler, app, factor=1, now=self.clock)
        self._app = app

    async def get(self, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        sent: list[dict[str, object]] = []

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, object]) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": method, "path": path, "headers": [], "client": (self.address, 1),
            "query_string": b"", "app": self._app, "litestar_app": self._app, "state": {}, "http_version": "1.1",
            "scheme": "http", "server": ("h", 1), "root_path": "", "raw_path": path.encode(), "extensions": {},
        }  # fmt: skip
        await self._limits(scope, receive, send)  # type: ignore[arg-type]
        start, body = sent
        headers = {name.decode(): value.decode() for name, value in start["headers"]}  # type: ignore[attr-defined]
        return start["status"], headers, body["body"]  # type: ignore[return-value]


async def test_refused_call_is_told_when_to_come_again() -> None:
    answers = Answers()
    first = await answers.get("/api/v2/status/modes")
    answers.clock.now += 20.5
    for _ in range(29):
        await answers.get("/api/v2/status/modes")
    status, headers, body = await answers.get("/api/v2/status/modes")

    assert (first[0], first[1]["x-ratelimit-remaining"], first[1]["retry-after"]) == (200, "29", "60")
    assert (status, msgspec.json.decode(body)) == (429, {"message": "30 per 1 minute"})
    told = {name: value for name, value in headers.items() if name.startswith(("x-", "retry"))}
    assert told == {
        "x-ratelimit-limit": "30",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": str(int(NOON) + 60),
        "retry-after": "40",
    }
    answers.clock.now += 39.5
    assert (await answers.get("/api/v2/status/modes"))[0] == 200


async def test_neighbours_in_one_ipv6_site_are_one_caller() -> None:
    answers = Answers("2001:db8:0:1::1")
    await answers.get("/api/v2/status/modes")
    answers.address = "2001:db8:0:1:ffff::2"
    neighbour = await answers.get("/api/v2/status/modes")
    answers.address = "2001:db8:0:2::1"
    other = await answers.get("/api/v2/status/modes")

    assert [answer[1]["x-ratelimit-remaining"] for answer in (neighbour, other)] == ["28", "29"]


async def test_preflights_and_unknown_addresses_are_not_counted() -> None:
    answers = Answers()
    for method, path in (("OPTIONS", "/api/v2/status/modes"), ("GET", "/nowhere")):
        assert "x-ratelimit-limit" not in (await answers.get(path, method))[1]


def test_server_refuses_and_tells_over_http(settings: Settings) -> None:
    status = "/api/v2/generate/status/00000000-0000-4000-8000-000000000000"
    with running(msgspec.structs.replace(settings, rate_limits="on")) as horde, horde.client() as client:
        answers = [client.get(status) for _ in range(11)]
        other = client.get(status[:-1] + "1")
        removed = client.delete(status)

    assert [answer.status_code for answer in answers] == [404] * 10 + [429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers[:2]] == ["9", "8"]
    assert (answers[-1].json(), answers[-1].headers["content-type"]) == (
        {"message": "10 per 1 minute"},
        "application/json; charset=utf-8",
    )
    assert answers[-1].headers["access-control-allow-origin"] == "*"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    # Another request, and another method, have counters of their own.
    assert (other.status_code, removed.status_code) == (404, 404)


def test_trusted_account_makes_its_address_privileged(settings: Settings) -> None:
    limited = msgspec.structs.replace(settings, rate_limits="on", rate_limit_factor=1000)
    with running(limited) as horde, horde.client() as client:
        key = register(client)
        client.headers["apikey"] = key
        before = client.post(ASKING, json={"prompt": "x"}).headers["x-ratelimit-limit"]
        change(horde, "UPDATE users SET is_trusted = true WHERE id > 0")
        client.post(ASKING, json={"prompt": "x"}, headers={"Proxy-Authorization": "of a service"})
        through_a_proxy = client.post(ASKING, json={"prompt": "x"}).headers["x-ratelimit-limit"]
        after = client.post(ASKING, json={"prompt": "x"}).headers["x-ratelimit-limit"]

    assert (before, through_a_proxy, after) == ("2000", "2000", "10000")
