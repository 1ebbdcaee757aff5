"""What the operator has to say, or honest words where nothing was written."""

from pathlib import Path

import httpx
import msgspec
import pytest

from horde.server.settings import Settings
from tests.plugins.hordes import running

PATHS = ["/api/v2/documents/terms", "/api/v2/documents/privacy", "/api/v2/documents/sponsors"]
HOSTILE = """# Ours

<script>alert(1)</script> and <b onclick="x()">bold</b>

[run](javascript:alert(1)) [see](https://horde.example/) ![x](data:text/html;base64,PHN2Zz4=)

| a | b |
|---|---|
| 1 | $2 |
"""


@pytest.mark.parametrize("path", PATHS)
def test_each_text_comes_as_html_or_markdown(shared_client: httpx.Client, path: str) -> None:
    def get(query: str) -> dict[str, str]:
        answer = shared_client.get(f"{path}{query}", headers={"apikey": ""})
        assert answer.status_code == 200, answer.text
        found: dict[str, str] = answer.json()
        return found

    title = path.rpartition("/")[2].capitalize()
    assert get("") == get("?format=html")
    assert list(get("")) == ["html"]
    assert get("")["html"].startswith(f"<h1>{title}</h1>")
    assert list(get("?format=markdown")) == ["markdown"]
    assert get("?format=markdown")["markdown"].startswith(f"# {title}\n")


@pytest.mark.parametrize("path", PATHS)
def test_form_that_means_nothing_is_refused(shared_client: httpx.Client, path: str) -> None:
    answer = shared_client.get(f"{path}?format=pdf")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["format"])


@pytest.mark.parametrize("name", ["terms", "privacy", "sponsors"])
def test_operators_own_text_is_served_and_runs_nothing(settings: Settings, tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.md").write_text(HOSTILE)
    others = {"terms", "privacy", "sponsors"} - {name}
    with running(msgspec.structs.replace(settings, documents_dir=tmp_path)) as horde, horde.client() as client:
        written = client.get(f"/api/v2/documents/{name}?format=markdown").json()["markdown"]
        fragment = client.get(f"/api/v2/documents/{name}").json()["html"]
        page = client.get(f"/{name}")

        assert written == HOSTILE
        assert "<h1>Ours</h1>" in fragment
        assert "<td>$2</td>" in fragment
        assert '<a href="https://horde.example/">' in fragment
        assert fragment in page.text
        for html in (fragment, page.text):
            assert "<script" not in html
            assert "<b " not in html
            assert 'href="javascript' not in html
            assert 'src="data' not in html
        for other in others:
            assert "Ours" not in client.get(f"/{other}").text
        (tmp_path / f"{name}.md").write_text("# Changed")
        assert client.get(f"/api/v2/documents/{name}").json() == {"html": "<h1>Changed</h1>\n"}
