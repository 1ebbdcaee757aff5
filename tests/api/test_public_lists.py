"""A public list is sent again only when it has changed."""

from collections.abc import Iterator

import httpx
import pytest

from tests.api.actors import pop
from tests.plugins.hordes import RunningHorde

LISTS = ["workers", "teams", "users", "status/models", "status/performance"]


@pytest.fixture
def nobody(shared_horde: RunningHorde) -> Iterator[httpx.Client]:
    with shared_horde.client(key=None) as client:
        yield client


@pytest.mark.parametrize("path", LISTS)
def test_list_that_did_not_change_is_not_sent_again(nobody: httpx.Client, path: str) -> None:
    first = nobody.get(f"/api/v2/{path}")
    again = nobody.get(f"/api/v2/{path}", headers={"If-None-Match": first.headers["etag"]})

    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert first.headers["cache-control"].startswith("public, max-age=")
    for name in ("etag", "cache-control", "vary", "access-control-allow-origin"):
        assert again.headers[name] == first.headers[name]
    assert "content-type" not in again.headers


@pytest.mark.parametrize(
    ("held", "status"),
    [("*", 304), ('"other", {tag}', 304), ("{strong}", 304), ('"other"', 200), ("", 200), ("nonsense,,", 200)],
)
def test_tags_are_compared_as_http_says(nobody: httpx.Client, held: str, status: int) -> None:
    tag = nobody.get("/api/v2/teams").headers["etag"]
    sent = held.format(tag=tag, strong=tag.removeprefix("W/"))

    assert nobody.get("/api/v2/teams", headers={"If-None-Match": sent}).status_code == status


def test_list_that_changed_is_sent_anew(client: httpx.Client) -> None:
    tag = client.get("/api/v2/workers").headers["etag"]
    pop(client)
    changed = client.get("/api/v2/workers", headers={"If-None-Match": tag})

    assert (changed.status_code, len(changed.json())) == (200, 1)
    assert changed.headers["etag"] != tag


def test_answer_to_a_key_is_kept_by_nobody_else(shared_client: httpx.Client) -> None:
    answer = shared_client.get("/api/v2/workers")

    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["vary"] == "apikey, X-Fields"


def test_masked_list_has_a_tag_of_its_own(client: httpx.Client) -> None:
    pop(client)
    whole = client.get("/api/v2/workers")
    masked = client.get("/api/v2/workers", headers={"X-Fields": "name"})

    assert masked.json() == [{"name": "worker"}]
    assert masked.headers["etag"] != whole.headers["etag"]


def test_page_and_filter_make_another_list(client: httpx.Client) -> None:
    pop(client)
    tag = client.get("/api/v2/workers").headers["etag"]

    assert client.get("/api/v2/workers?type=text", headers={"If-None-Match": tag}).json() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "users?page=x"), ("POST", "teams"), ("GET", "status/heartbeat"), ("GET", "generate/check/none"),
     ("GET", "find_user")],
)  # fmt: skip
def test_nothing_else_may_be_kept(shared_client: httpx.Client, method: str, path: str) -> None:
    answer = shared_client.request(method, f"/api/v2/{path}", headers={"If-None-Match": "*"})

    assert answer.status_code != 304
    assert "etag" not in answer.headers
    assert "cache-control" not in answer.headers


def test_head_tells_the_tag(nobody: httpx.Client) -> None:
    answer = nobody.head("/api/v2/teams")

    assert (answer.headers["etag"], answer.content) == (nobody.get("/api/v2/teams").headers["etag"], b"")
