"""What can be known of the diffusers back end without its libraries: its options, and what lies on its shelves."""

import json
import re
from pathlib import Path

import pytest

from horde.worker.backends import UnknownBackend, load
from horde.worker.backends.base import BackendFailed
from horde.worker.backends.diffusers.shelf import places


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    folder = tmp_path / "shelf"
    (folder / "Deliberate").mkdir(parents=True)
    (folder / "Deliberate" / "model_index.json").write_text("{}")
    (folder / "Fetched").mkdir()
    (folder / "Fetched" / "any_name.safetensors").touch()
    (folder / "half fetched").mkdir()
    (folder / "AlbedoBase XL (SDXL).safetensors").touch()
    (folder / "can run code.ckpt").touch()
    (folder / "notes.txt").touch()
    (tmp_path / "outside.safetensors").touch()
    return folder


def test_old_format_is_taken_where_it_is_asked_for(shelf: Path) -> None:
    found = places(str(shelf), "models", formats=(".safetensors", ".ckpt"))

    assert found.keys() - places(str(shelf), "LoRAs").keys() == {"can run code"}


def test_fetched_model_goes_by_the_name_that_it_was_fetched_by(shelf: Path) -> None:
    files = [{"name": "any_name.safetensors", "url": "", "sha256": ""}]
    (shelf / "Fetched" / "model.json").write_text(json.dumps({"name": "Fetched: all of it", "files": files}))

    assert places(str(shelf), "models")["Fetched: all of it"] == str(shelf / "Fetched" / "any_name.safetensors")
    assert "Fetched" not in places(str(shelf), "models")


def test_shelf_names_what_can_be_loaded_and_nothing_else(shelf: Path) -> None:
    assert places(str(shelf), "models") == {
        "AlbedoBase XL (SDXL)": str(shelf / "AlbedoBase XL (SDXL).safetensors"),
        "Deliberate": str(shelf / "Deliberate"),
        "Fetched": str(shelf / "Fetched" / "any_name.safetensors"),
    }


@pytest.mark.parametrize(
    "name", ["../outside", "../outside.safetensors", "/etc/passwd", "Deliberate/../../outside", ""]
)
def test_name_leads_to_no_file_outside(shelf: Path, name: str) -> None:
    assert name not in places(str(shelf), "models")


def test_names_of_the_owner_stand_for_places_of_his(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(shelf))

    assert places({"mine": "~/Deliberate", "far": "owner/name"}, "models") == {
        "mine": str(shelf / "Deliberate"),
        "far": "owner/name",
    }


def test_folder_that_is_not_there_is_named() -> None:
    with pytest.raises(BackendFailed, match="the folder of LoRAs '/nowhere' is not there"):
        places("/nowhere", "LoRAs")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"models": 7}, "Expected `str | object"),
        ({"models": "here", "device": "cuda"}, "unknown field `device`"),
        ({"models": "here", "devices": []}, "of length >= 1 - at `$.devices`"),
        ({"models": "here", "controlnets": {"nose": "x"}}, "Invalid enum value 'nose'"),
        ({"models": "here", "pixels_max": 10}, ">= 4096"),
    ],
    ids=["no places", "unknown", "no device", "no such control", "too small"],
)
def test_options_that_cannot_be_used_are_named_before_anything_starts(options: dict[str, object], words: str) -> None:
    with pytest.raises(UnknownBackend, match=f"'diffusers' cannot be made with these options.*{re.escape(words)}"):
        load("diffusers", options)


async def test_missing_libraries_are_named_with_what_brings_them() -> None:
    backend = load("diffusers", {"models": "here"})

    with pytest.raises(BackendFailed, match=r"No module named .*hint: pip install 'stable-horde\[diffusers\]'"):
        await backend.start()
    await backend.close()
