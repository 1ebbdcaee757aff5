"""Programs learn from an address what kind of service is there."""

import httpx

from horde import __version__


def test_service_says_what_it_is_and_where_its_api_is(shared_client: httpx.Client) -> None:
    url = str(shared_client.base_url).rstrip("/")

    found = shared_client.get("/.well-known/serviceinfo", headers={"apikey": ""}).json()

    assert found == {
        "version": "0.2",
        "software": {
            "name": "Stable Horde", "version": __version__, "repository": url, "homepage": url, "logo": ""
        },
        "api": {
            "aihorde": {
                "name": "AI Horde API", "version": "2.5", "base_url": url, "rel_url": "/api/v2",
                "documentation": f"{url}/api",
            }
        },
    }  # fmt: skip
    assert shared_client.get(found["api"]["aihorde"]["documentation"]).status_code == 200
