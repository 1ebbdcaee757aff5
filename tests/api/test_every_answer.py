"""What holds for every address: the rules of contract/api-v2.md, section 1.1."""

import httpx
import pytest

from horde import __version__
from tests.plugins.hordes import RunningHorde

LISTS = ["/api/v2/workers", "/api/v2/teams", "/api/v2/users", "/api/v2/status/models", "/api/v1/users"]
ASKING = "/api/v2/generate/async"
EVERY_KIND = [
    ("GET", "/api/v2/status/heartbeat", 200),
    ("GET", "/api/v2/generate/check/nothing", 404),
    ("POST", ASKING, 400),
    ("GET", "/nowhere", 404),
    ("DELETE", "/api/v2/status/heartbeat", 405),
    ("GET", "/api/v2/workers/", 404),
    ("OPTIONS", ASKING, 200),
    ("GET", "/api/openapi.json", 200),
    ("GET", "/", 200),
]


@pytest.mark.parametrize(("method", "path", "status"), EVERY_KIND)
def test_every_answer_may_be_read_by_a_browser_and_names_its_node(
    shared_client: httpx.Client, method: str, path: str, status: int
) -> None:
    answer = shared_client.request(method, path)

    assert answer.status_code == status, answer.text
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert {"Retry-After", "ETag", "X-RateLimit-Reset"} <= set(
        answer.headers["access-control-expose-headers"].split(", ")
    )
    assert answer.headers["horde-node"].endswith(f":{__version__}")
    assert answer.headers["horde-node"].count(":") == 2


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/api/v2/status/heartbeat", {}, 200),
        ("GET", "/api/v2/status/heartbeat", {"X-Fields": "message"}, 200),
        ("GET", "/api/v2/workers", {}, 200),
        ("GET", "/api/v2/generate/check/nothing", {}, 404),
        ("POST", ASKING, {}, 400),
        ("PATCH", ASKING, {}, 405),
        ("HEAD", "/api/v2/status/heartbeat", {}, 200),
        ("GET", "/api/v1/users", {}, 200),
        ("GET", "/api/v1/users/nobody", {}, 404),
    ],
)
def test_json_says_in_which_letters_it_is_written(
    shared_client: httpx.Client, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = shared_client.request(method, path, headers=headers)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json; charset=utf-8")


def test_browser_may_send_what_clients_send(shared_horde: RunningHorde) -> None:
    asked = {"Origin": "https://ui.example", "Access-Control-Request-Method": "PATCH"}
    with shared_horde.client(key=None) as client:
        answer = client.options("/api/v2/teams/some", headers=asked)

    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")
    assert answer.headers["access-control-allow-methods"] == "POST, GET, OPTIONS, PUT, DELETE, PATCH"
    assert {"apikey", "Client-Agent", "Content-Type", "X-Fields", "Proxied-For", "Proxy-Authorization"} <= set(allowed)


@pytest.mark.parametrize("path", [ASKING, "/api/v2/generate/check/x", "/api/v2/workers", "/api/v1/generate/sync", "/"])
def test_options_needs_no_key_and_has_no_body(shared_horde: RunningHorde, path: str) -> None:
    with shared_horde.client(key=None) as client:
        answer = client.options(path)

    assert (answer.status_code, answer.content) == (200, b"")


def test_options_of_an_unknown_address_finds_nothing(shared_client: httpx.Client) -> None:
    assert shared_client.options("/nowhere/at/all").status_code == 404


@pytest.mark.parametrize("path", LISTS)
def test_trailing_slash_is_another_address(shared_client: httpx.Client, path: str) -> None:
    with_slash = shared_client.get(f"{path}/")

    assert shared_client.get(path).status_code == 200
    assert (with_slash.status_code, with_slash.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_page_of_the_document_has_a_slash(shared_client: httpx.Client) -> None:
    assert shared_client.get("/api/").status_code == 200


@pytest.mark.parametrize("path", [*LISTS, "/api/v2/status/heartbeat", "/api/v2/generate/check/none", "/"])
def test_head_is_a_get_without_its_body(shared_client: httpx.Client, path: str) -> None:
    whole, head = shared_client.get(path), shared_client.head(path)

    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", ASKING), ("PUT", "/api/v2/workers"), ("PATCH", "/api/v2/status/heartbeat")]
)
def test_wrong_method_is_told_in_a_message(shared_client: httpx.Client, method: str, path: str) -> None:
    answer = shared_client.request(method, path)

    assert (answer.status_code, list(answer.json())) == (405, ["message"])


@pytest.mark.parametrize(
    ("path", "name"),
    [("/api/v2/users?page=x", "page"), ("/api/v2/status/models?min_count=x", "min_count")],
)
def test_wrongly_typed_query_argument_is_named(shared_client: httpx.Client, path: str, name: str) -> None:
    answer = shared_client.get(path)

    assert answer.status_code == 400
    assert (list(answer.json()), list(answer.json()["errors"])) == (["errors", "message"], [name])
    assert answer.json()["message"] == "Input payload validation failed"


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({"json": {"prompt": "x"}}, {"apikey"}),
        ({"json": {}, "headers": {"apikey": "0000000000"}}, {"prompt"}),
        ({"json": [], "headers": {"apikey": "0000000000"}}, {""}),
        ({"json": {"prompt": "x", "params": {"width": "64"}}, "headers": {"apikey": "0000000000"}}, {"params.width"}),
        ({"json": {"prompt": "x", "models": [1]}, "headers": {"apikey": "0000000000"}}, {"models.0"}),
    ],
    ids=["header", "field", "no object", "dotted", "in a list"],
)
def test_what_does_not_fit_is_told_by_its_path(
    shared_horde: RunningHorde, sent: dict[str, object], errors: set[str]
) -> None:
    with shared_horde.client(key=None) as client:
        answer = client.post(ASKING, **sent)  # type: ignore[arg-type]

    assert answer.status_code == 400
    assert (set(answer.json()), set(answer.json()["errors"])) == ({"errors", "message"}, errors)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v2/workers?name=%00"),
        ("GET", "/api/v2/workers?type=%00"),
        ("GET", "/api/v2/workers/%00"),
        ("GET", "/api/v2/workers/name/%00"),
        ("GET", "/api/v2/users/%00"),
        ("GET", "/api/v2/users?sort=%00"),
        ("GET", "/api/v2/teams/%00"),
        ("GET", "/api/v2/status/models/%00"),
        ("GET", "/api/v2/generate/check/%00"),
        ("DELETE", "/api/v2/generate/status/%00"),
    ],
)
def test_nul_in_an_address_breaks_nothing(shared_client: httpx.Client, method: str, path: str) -> None:
    answer = shared_client.request(method, path)

    assert answer.status_code < 500, answer.text
