"""The endpoint index of contract/api-v2.md, section 12: every route is there, and a test speaks of it."""

import pytest

from tests.api.routes import Pair, pairs, routes, speaking_of

INDEX = pairs(
    "/api/v2",
    {
        "generate/async": "POST",
        "generate/status/{}": "GET DELETE",
        "generate/check/{}": "GET",
        "generate/rate/{}": "POST",
        "generate/pop": "POST",
        "generate/submit": "POST",
        "generate/text/async": "POST",
        "generate/text/status/{}": "GET DELETE",
        "generate/text/pop": "POST",
        "generate/text/submit": "POST",
        "interrogate/async": "POST",
        "interrogate/status/{}": "GET DELETE",
        "interrogate/pop": "POST",
        "interrogate/submit": "POST",
        "styles/image": "GET POST",
        "styles/image/{}": "GET PATCH DELETE",
        "styles/image_by_name/{}": "GET",
        "styles/image/{}/example": "POST",
        "styles/image/{}/example/{}": "PATCH DELETE",
        "styles/text": "GET POST",
        "styles/text/{}": "GET PATCH DELETE",
        "styles/text_by_name/{}": "GET",
        "collections": "GET POST",
        "collections/{}": "GET PATCH DELETE",
        "collection_by_name/{}": "GET",
        "users": "GET",
        "users/{}": "GET PUT DELETE",
        "find_user": "GET",
        "sharedkeys": "PUT",
        "sharedkeys/{}": "GET PATCH DELETE",
        "workers": "GET",
        "workers/{}": "GET PUT DELETE",
        "workers/name/{}": "GET",
        "workers/messages": "GET POST",
        "workers/messages/{}": "GET DELETE",
        "kudos/transfer": "POST",
        "kudos/award": "POST",
        "status/modes": "GET PUT",
        "status/performance": "GET",
        "status/models": "GET",
        "status/models/{}": "GET",
        "status/news": "GET",
        "status/heartbeat": "GET",
        "teams": "GET POST",
        "teams/{}": "GET PATCH DELETE",
        "operations/ipaddr": "GET POST DELETE",
        "operations/ipaddr/{}": "GET",
        "operations/block_worker_ipaddr/{}": "PUT DELETE",
        "filters": "GET PUT POST",
        "filters/regex": "GET",
        "filters/{}": "GET PATCH DELETE",
        "stats/img/totals": "GET",
        "stats/img/models": "GET",
        "stats/text/totals": "GET",
        "stats/text/models": "GET",
        "documents/terms": "GET",
        "documents/privacy": "GET",
        "documents/sponsors": "GET",
    },
)


def test_index_is_the_whole_index() -> None:
    assert len(INDEX) == len(set(INDEX)) == 90
    assert len({path for _, path in INDEX}) == 58


@pytest.mark.parametrize("pair", INDEX, ids=" ".join)
def test_route_of_the_contract_is_there_and_tested(pair: Pair) -> None:
    assert pair in routes()
    assert speaking_of(pair), f"no test in tests/api calls {' '.join(pair)}"
