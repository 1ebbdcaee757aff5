"""What lies in a program's folder: names of ours, content of the worker's, and nothing longer than it is wanted."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from horde.worker.backends.base import AddOn
from horde.worker.backends.lent_folder import LentFolder, is_ours

NOTHING: frozenset[str] = frozenset()


def fetched(data: Path, content: bytes = b"ink", file: str = "The site's own name.safetensors") -> AddOn:
    checksum = sha256(content).hexdigest()
    place = data / checksum[:8]
    place.mkdir(parents=True, exist_ok=True)
    (place / file).write_bytes(content)
    return AddOn("lora", "../ink", is_version=False, path=str(place / file), sha256=checksum)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "loras").mkdir()
    return tmp_path / "loras"


@pytest.fixture
def other_disk(data: Path) -> Iterator[Path]:
    data.mkdir()
    shared_memory = Path("/dev/shm")
    if not shared_memory.is_dir() or shared_memory.stat().st_dev == data.stat().st_dev:
        pytest.skip("there is no second file system here")
    with tempfile.TemporaryDirectory(dir=shared_memory) as folder:
        yield Path(folder)


def test_file_is_put_under_a_name_of_its_content_alone(data: Path, program: Path) -> None:
    add_on = fetched(data)
    folder = LentFolder(program, data, sees_alike=True)

    assert folder.put(add_on)

    (put,) = program.iterdir()
    assert put.name == f"{folder.stem(add_on.sha256)}.safetensors"
    assert is_ours(put.stem)
    assert put.read_bytes() == b"ink"
    assert put.samefile(add_on.path), "it takes no room"


def test_file_that_is_there_is_no_news_until_the_owner_removes_it(data: Path, program: Path) -> None:
    add_on = fetched(data)
    folder = LentFolder(program, data, sees_alike=True)

    assert [folder.put(add_on), folder.put(add_on)] == [True, False]
    next(program.iterdir()).unlink()
    assert folder.put(add_on)
    assert next(program.iterdir()).read_bytes() == b"ink"


@pytest.mark.parametrize("sees_alike", [True, False], ids=["symbolic link", "copy for a container"])
def test_program_on_another_disk_gets_what_it_can_read(data: Path, other_disk: Path, *, sees_alike: bool) -> None:
    add_on = fetched(data)
    folder = LentFolder(other_disk, data, sees_alike=sees_alike)

    assert [folder.put(add_on), folder.put(add_on)] == [True, False]

    (put,) = other_disk.iterdir()
    assert put.is_symlink() is sees_alike
    assert put.read_bytes() == b"ink"


def test_link_that_leads_nowhere_any_more_is_made_anew(data: Path, other_disk: Path) -> None:
    add_on = fetched(data, file="old.safetensors")
    folder = LentFolder(other_disk, data, sees_alike=True)
    folder.put(add_on)
    Path(add_on.path).unlink()
    again = fetched(data, file="new.safetensors")

    assert folder.put(again)
    assert next(other_disk.iterdir()).read_bytes() == b"ink"


def test_half_of_a_file_is_made_whole(data: Path, program: Path) -> None:
    add_on = fetched(data)
    folder = LentFolder(program, data, sees_alike=True)
    (program / f"{folder.stem(add_on.sha256)}.safetensors").write_bytes(b"i")

    assert folder.put(add_on)
    assert next(program.iterdir()).read_bytes() == b"ink"


def test_nothing_from_elsewhere_is_put_there(tmp_path: Path, data: Path, program: Path) -> None:
    secret = fetched(tmp_path / "elsewhere")
    link = data / "link.safetensors"
    data.mkdir()
    link.symlink_to(secret.path)
    folder = LentFolder(program, data, sees_alike=True)

    around = str(data / ".." / Path(secret.path).relative_to(tmp_path))
    for path in (secret.path, str(link), around):
        with pytest.raises(AssertionError, match="only what the worker fetched is lent"):
            folder.put(AddOn("lora", "ink", is_version=False, path=path, sha256=secret.sha256))
    assert list(program.iterdir()) == []


def test_tidying_leaves_what_is_wanted_and_all_that_is_not_ours(tmp_path: Path, data: Path, program: Path) -> None:
    folder = LentFolder(program, data, sees_alike=True)
    kept, gone = fetched(data, b"kept"), fetched(data, b"gone")
    others_data = tmp_path / "data of another worker"
    others = LentFolder(program, others_data, sees_alike=True)
    for one in (kept, gone):
        folder.put(one)
    others.put(fetched(others_data, b"gone"))
    owners = ["horde-banner.safetensors", "style.safetensors", f"{folder.stem(gone.sha256)}.preview.png"]
    for name in owners:
        (program / name).write_bytes(b"")

    folder.tidy(lambda: {folder.stem(kept.sha256)})

    stems = [folder.stem(kept.sha256), others.stem(gone.sha256)]
    assert {path.name for path in program.iterdir()} == {*owners, *(f"{stem}.safetensors" for stem in stems)}


def test_link_is_removed_when_its_file_is_gone(data: Path, other_disk: Path) -> None:
    folder = LentFolder(other_disk, data, sees_alike=True)
    add_on = fetched(data)
    folder.put(add_on)
    Path(add_on.path).unlink()

    folder.tidy(lambda: NOTHING)

    assert list(other_disk.iterdir()) == []


def test_half_a_copy_that_a_crash_left_is_removed(data: Path, program: Path) -> None:
    folder = LentFolder(program, data, sees_alike=False)
    draft = program / f"{folder.stem('0' * 64)}.abc.part"
    draft.write_bytes(b"i")

    folder.open()

    assert list(program.iterdir()) == []


def test_folder_in_which_nothing_can_be_written_is_not_opened(tmp_path: Path, data: Path, program: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    unwritable = [tmp_path / "nowhere", tmp_path / "file"]
    if Path("/proc/self").is_dir():  # not even for root
        unwritable.append(Path("/proc"))
    elif os.name == "posix":
        program.chmod(0o500)
        unwritable.append(program)

    for place in unwritable:
        with pytest.raises(OSError, match=r".+"):
            LentFolder(place, data, sees_alike=True).open()
