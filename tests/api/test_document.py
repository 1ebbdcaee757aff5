"""The OpenAPI document says what the edge does with every route."""

from typing import Any

import pytest

from horde.server.api.edge.endpoints import PLACEHOLDER
from horde.server.api.edge.limits_table import limits_of
from horde.server.api.examples import EXAMPLES
from horde.server.api.refusals import NEVER_401, NEVER_404, OWN
from horde.server.app import create_app
from horde.server.settings import Settings

DOCUMENT: dict[str, Any] = create_app(Settings()).openapi_schema.to_schema()
OPERATIONS = [
    (path, method, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if path.startswith("/api/")
]
IN_V2 = [found for found in OPERATIONS if found[0].startswith("/api/v2/")]
LISTS = ["/api/v2/workers", "/api/v2/teams", "/api/v2/users", "/api/v2/status/models", "/api/v1/users"]


def headers(operation: dict[str, Any]) -> list[str]:
    return [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "header"]


@pytest.mark.parametrize(("path", "method", "operation"), IN_V2, ids=[f"{m} {p}" for p, m, _ in IN_V2])
def test_route_of_v2_tells_its_headers_and_refusals(path: str, method: str, operation: dict[str, Any]) -> None:
    found = headers(operation)
    assert len(found) == len(set(found))
    assert {"X-Fields", "Client-Agent"} <= set(found)
    assert "anyOf" in operation["responses"]["400"]["content"]["application/json"]["schema"]
    takes_any_key = f"{method.upper()} {PLACEHOLDER.sub('{}', path)}" in NEVER_401
    tells_by_the_key = path == "/api/v2/sharedkeys/{key_id}"
    assert ("401" in operation["responses"]) == (("apikey" in found and not takes_any_key) or tells_by_the_key)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=[f"{m} {p}" for p, m, _ in OPERATIONS])
def test_limited_route_says_so(path: str, method: str, operation: dict[str, Any]) -> None:
    is_limited = path not in ("/api/v2/status/heartbeat", "/api/files/{key}")
    successes = [answer for status, answer in operation["responses"].items() if status[0] == "2"]
    assert ("429" in operation["responses"]) == is_limited
    assert all(("X-RateLimit-Limit" in answer["headers"]) == is_limited for answer in successes)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=[f"{m} {p}" for p, m, _ in OPERATIONS])
def test_route_says_what_it_does_and_with_what_it_refuses(path: str, method: str, operation: dict[str, Any]) -> None:
    refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}

    assert operation["summary"]
    assert operation["description"]
    assert all(
        answer["description"] and answer["content"]["application/json"]["schema"] for answer in refusals.values()
    )


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=[f"{m} {p}" for p, m, _ in OPERATIONS])
def test_body_has_an_example(path: str, method: str, operation: dict[str, Any]) -> None:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        assert "example" in content or content["schema"]["examples"]


def test_tables_name_only_calls_that_there_are() -> None:
    there = {
        f"{method.upper()} {PLACEHOLDER.sub('{}', path)}" for path, item in DOCUMENT["paths"].items() for method in item
    }

    assert {*EXAMPLES, *OWN, *NEVER_401, *NEVER_404} <= there
    assert [call for call in EXAMPLES if call.startswith("GET ")] == []


def test_words_of_a_limit_are_those_of_the_answer() -> None:
    (limit,) = limits_of("GET", "/api/v2/generate/status/{}")
    responses = DOCUMENT["paths"]["/api/v2/generate/status/{request_id}"]["get"]["responses"]

    assert limit.text(10) in responses["429"]["description"]


@pytest.mark.parametrize("path", LISTS)
def test_public_list_says_that_it_may_be_kept(path: str) -> None:
    operation = DOCUMENT["paths"][path]["get"]

    assert "If-None-Match" in headers(operation)
    assert {"ETag", "Cache-Control"} <= set(operation["responses"]["200"]["headers"])
    assert "304" in operation["responses"]


def test_no_refusal_is_described_as_the_framework_has_it() -> None:
    assert not [path for path, method, operation in OPERATIONS if "Validation Exception" in str(operation)]
