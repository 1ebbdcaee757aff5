"""What the operator tells, out of a folder."""

import json
from pathlib import Path

import httpx
import msgspec
from structlog.testing import capture_logs

from horde.server.settings import Settings
from horde.server.status.folder import FILE_BYTES_MAX
from tests.plugins.hordes import running

NEWS = "/api/v2/status/news"
OLD = {"date_published": "2026-01-31", "newspiece": "We **open**."}
NEW = {
    "date_published": "2026-02-01", "newspiece": "A second node.", "importance": "Workers", "tags": ["nodes"],
    "title": "More", "more_info_urls": ["https://horde.example/nodes"],
}  # fmt: skip


def with_folder(settings: Settings, folder: Path) -> Settings:
    """The settings of a horde whose operator has a folder of texts."""
    return msgspec.structs.replace(settings, documents_dir=folder)


def test_horde_without_news_has_none(shared_client: httpx.Client) -> None:
    answer = shared_client.get(NEWS, headers={"apikey": ""})

    assert (answer.status_code, answer.json()) == (200, [])


def test_news_are_told_the_newest_first_with_every_field(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "news.json").write_text(json.dumps([OLD, NEW]))
    with running(with_folder(settings, tmp_path)) as horde, horde.client() as client:
        found = client.get(NEWS).json()

    assert found == [NEW, OLD | {"importance": "Information", "tags": [], "title": None, "more_info_urls": []}]


def test_changed_file_is_told_and_a_wrong_one_is_logged_once_and_changes_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "news.json"
    with running(with_folder(settings, tmp_path)) as horde, horde.client() as client:
        file.write_text(json.dumps([OLD]))
        assert len(client.get(NEWS).json()) == 1
        file.write_text(json.dumps([OLD, NEW]))
        assert len(client.get(NEWS).json()) == 2
        with capture_logs() as logs:
            for wrong in ("[{]", '[{"newspiece": "no date"}]', '[{"date_published": "2026-13-01", "newspiece": "x"}]'):
                file.write_text(wrong)
                assert [client.get(NEWS).status_code, len(client.get(NEWS).json())] == [200, 2]
        assert [line["event"] for line in logs] == ["news.unreadable"] * 3
        file.write_bytes(b"\xff" * 10)
        assert len(client.get(NEWS).json()) == 2
        file.write_text(" " * FILE_BYTES_MAX + "[] ")
        assert len(client.get(NEWS).json()) == 2
        file.unlink()
        assert client.get(NEWS).json() == []
