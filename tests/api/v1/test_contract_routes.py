"""The routes of contract/api-v1.md: every one is there, and a test speaks of it."""

import pytest

from tests.api.routes import Pair, pairs, routes, speaking_of

INDEX = pairs(
    "/api/v1",
    {
        "generate/sync": "POST",
        "generate/async": "POST",
        "generate/check/{}": "GET",
        "generate/prompt/{}": "GET",
        "generate/pop": "POST",
        "generate/submit": "POST",
        "users": "GET",
        "users/{}": "GET PUT",
        "servers": "GET",
        "servers/{}": "GET PUT",
        "kudos/transfer": "POST",
        "status/performance": "GET",
        "admin/maintenance": "PUT",
    },
)


@pytest.mark.parametrize("pair", INDEX, ids=" ".join)
def test_route_of_the_contract_is_there_and_tested(pair: Pair) -> None:
    assert pair in routes()
    assert speaking_of(pair), f"no test in tests/api calls {' '.join(pair)}"
