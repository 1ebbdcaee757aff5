"""The shelf of models: whole ones are listed, what is there is not fetched again, references say what is to be had."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from horde.cli.main import status_of
from horde.worker.models.download import DownloadFailed
from horde.worker.models.reference import BadReference, file_at, files_of
from horde.worker.models.shelf import NoSuchModel, Shelf
from tests.worker.models.hub import Hub, serving

CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub(CONTENT)
    with serving(hub):
        yield hub


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "models")


def get(shelf: Shelf, hub: Hub, name: str = "A model: v1/2", sha256: str | None = None) -> None:
    shelf.get(name, [file_at(hub.url, sha256=sha256)], lambda file: lambda so_far, whole: None)


def test_model_is_listed_when_it_is_there_whole(shelf: Shelf, hub: Hub) -> None:
    get(shelf, hub)

    ((model, size),) = shelf.models()
    assert (model.name, size) == ("A model: v1/2", len(CONTENT))
    assert [(file.name, file.sha256) for file in model.files] == [("model.safetensors", SHA256)]


def test_model_that_lost_a_file_is_not_listed(shelf: Shelf, hub: Hub) -> None:
    get(shelf, hub)
    (path,) = shelf.folder.glob("*/model.safetensors")
    path.unlink()

    assert shelf.models() == []


def test_what_is_there_is_not_fetched_again_unless_it_is_to_be_another(shelf: Shelf, hub: Hub) -> None:
    get(shelf, hub)
    get(shelf, hub, sha256=SHA256)
    assert len(hub.ranges) == 1

    with pytest.raises(DownloadFailed):
        get(shelf, hub, sha256="0" * 64)
    assert len(shelf.models()) == 1


def test_removed_model_frees_its_bytes(shelf: Shelf, hub: Hub) -> None:
    get(shelf, hub)

    assert shelf.remove("A model: v1/2") > len(CONTENT)
    assert shelf.models() == []
    with pytest.raises(NoSuchModel, match="A model: v1/2"):
        shelf.remove("A model: v1/2")


@pytest.mark.parametrize("name", ["../../outside", "..", "/etc", ""])
def test_name_of_a_model_leads_nowhere_else(shelf: Shelf, hub: Hub, name: str) -> None:
    get(shelf, hub, name)

    (record,) = shelf.folder.parent.rglob("model.json")
    assert record.parent.parent == shelf.folder


def test_references_of_both_shapes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "reference.json"
    path.write_text(
        json.dumps(
            {
                "ours": {"files": [{"name": "a.safetensors", "url": "https://hub/a", "sha256": "11"}]},
                "public": {
                    "baseline": "stable_diffusion_xl",
                    "config": {
                        "files": [{"path": "b.safetensors", "sha256sum": "22"}],
                        "download": [{"file_name": "b.safetensors", "file_path": "", "file_url": "https://hub/b"}],
                    },
                },
            }
        )
    )

    (ours,), (public,) = files_of(path, "ours"), files_of(path, "public")
    assert (ours.name, ours.url, ours.sha256) == ("a.safetensors", "https://hub/a", "11")
    assert (public.name, public.url, public.sha256) == ("b.safetensors", "https://hub/b", "22")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read"),
        ("{}", "does not know 'ours'"),
        ('{"ours": {}}', "names no files"),
        ('{"ours": {"files": [{"name": "../a", "url": "https://hub/a"}]}}', "cannot be the name of a file"),
        ('{"ours": {"files": [{"name": "..\\\\a", "url": "https://hub/a"}]}}', "cannot be the name of a file"),
        ('{"ours": {"files": [{"name": "a", "url": "file:///etc/passwd"}]}}', "is not the address of a file"),
    ],
)
def test_reference_that_cannot_be_used_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "reference.json"
    path.write_text(text)

    with pytest.raises(BadReference, match=words):
        files_of(path, "ours")


def test_owner_fetches_lists_and_removes_a_model(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HORDE_WORKER_DATA", str(tmp_path))
    done = [
        status_of(words)
        for words in (
            ["worker", "models", "list"],
            ["worker", "models", "get", "Tiny", "--url", hub.url, "--sha256", SHA256],
            ["worker", "models", "list"],
            ["worker", "models", "remove", "Tiny"],
        )
    ]

    assert done == [0, 0, 0, 0]
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("no models in")
    assert said[1:] == [
        f"Tiny: model.safetensors, SHA-256 {SHA256}",
        "Tiny  0 MiB  model.safetensors",
        "Tiny is deleted; 0 MiB are free again",
    ]
