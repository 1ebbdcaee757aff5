"""Pages for people: they say what this is, and load nothing from elsewhere."""

import re

import httpx
import pytest

ELSEWHERE = re.compile(r"""(?:src|href)\s*=\s*["'](?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import""")


@pytest.mark.parametrize("path", ["/", "/register", "/transfer", "/terms", "/privacy", "/sponsors", "/api", "/api/"])
def test_page_loads_nothing_from_elsewhere(shared_client: httpx.Client, path: str) -> None:
    answer = shared_client.get(path)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert ELSEWHERE.findall(answer.text) == []


def test_everything_that_the_documentation_loads_is_there(shared_client: httpx.Client) -> None:
    page = shared_client.get("/api").text

    loaded = re.findall(r"""(?:src|href)=["'](/[^"']+)""", page)

    assert len(loaded) >= 3
    for path in loaded:
        assert shared_client.get(path).status_code == 200, path


@pytest.mark.parametrize("path", ["/api/v1", "/api/v2"])
def test_bare_address_of_a_dialect_leads_to_the_documentation(shared_client: httpx.Client, path: str) -> None:
    answer = shared_client.get(path)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/api")


@pytest.mark.parametrize("path", ["/api/openapi.json", "/api/swagger.json"])
def test_document_describes_the_routes(shared_client: httpx.Client, path: str) -> None:
    paths = shared_client.get(path).json()["paths"]

    assert {"/api/v1/generate/sync", "/api/v2/generate/async", "/api/v2/generate/pop", "/register"} <= paths.keys()


def test_document_says_of_every_route_what_it_does(shared_client: httpx.Client) -> None:
    paths = shared_client.get("/api/openapi.json").json()["paths"]

    silent = [f"{method} {path}" for path, methods in paths.items() for method, route in methods.items()
              if not (route.get("summary") and route.get("description"))]  # fmt: skip
    assert silent == []


def test_front_page_says_what_to_type(shared_client: httpx.Client) -> None:
    page = shared_client.get("/").text

    assert f"{shared_client.base_url!s}".rstrip("/") + "/api/v1/generate/sync" in page
    assert "horde generate" in page
    assert "horde worker" in page


def test_form_gives_a_key_once_and_shows_names_harmlessly(client: httpx.Client) -> None:
    page = client.post("/register", data={"username": "<script>x</script>"})

    assert page.status_code == 201
    assert "&lt;script&gt;x&lt;/script&gt;#1" in page.text
    assert "<script>" not in page.text
    (key,) = re.findall(r"<code>([\w-]{22})</code>", page.text)
    assert (
        client.get("/api/v2/find_user", headers={"apikey": key}).json()["username"]
        == "&lt;script&gt;x&lt;/script&gt;#1"
    )


@pytest.mark.parametrize("username", ["", "   ", "x" * 31])
def test_name_must_be_a_name(shared_client: httpx.Client, username: str) -> None:
    assert shared_client.post("/register", data={"username": username}).status_code == 400
    assert shared_client.post("/register", json={"username": username}).status_code == 400


def test_unknown_page_is_not_found(shared_client: httpx.Client) -> None:
    answer = shared_client.get("/nothing")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
