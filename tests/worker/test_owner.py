"""Settings in force: a file that changes is taken up while the worker runs, and a broken one changes nothing."""

import os
from pathlib import Path

import pytest

from horde.worker.owner import Owner


class File:
    """A settings file whose every change can be seen, however coarse the clock of the disk is."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bridgeData.yaml"
        self._writes = 0

    def write(self, text: str) -> None:
        self._writes += 1
        self.path.write_text(text)
        os.utime(self.path, ns=(self._writes, self._writes))


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path)


def owner_of(file: File, **flags: object) -> Owner:
    return Owner.from_files(file.path.parent, None, flags, {})


def test_changed_file_is_taken_up(file: File) -> None:
    file.write("max_pixels: 4096\n")
    owner = owner_of(file)
    assert not owner.look()

    file.write("max_pixels: 8192\n")

    assert owner.look()
    assert owner.said().max_pixels == 8192
    assert not owner.look()


def test_file_that_appears_later_is_taken_up(file: File) -> None:
    owner = owner_of(file)
    file.write("nsfw: false\n")

    assert owner.look()
    assert owner.said().nsfw is False


@pytest.mark.parametrize("text", ["threads: many\n", "threads: [\n", "work_hours: always\n"])
def test_file_that_cannot_be_used_changes_nothing(file: File, text: str) -> None:
    file.write("threads: 2\n")
    owner = owner_of(file)
    file.write(text)

    assert not owner.look()
    assert owner.settings.threads == 2


def test_flags_stay_above_the_file(file: File) -> None:
    file.write("threads: 2\n")
    owner = owner_of(file, threads=3)
    file.write("threads: 4\n")

    assert not owner.look()
    assert owner.settings.threads == 3


def test_what_a_worker_is_called_waits_for_the_next_start(file: File) -> None:
    file.write("name: one\nthreads: 2\n")
    owner = owner_of(file)
    file.write("name: two\nthreads: 3\n")

    assert owner.look()
    assert (owner.said().name, owner.said().threads) == ("one", 3)


def test_owners_own_requests_are_asked_for_under_a_name_of_their_own(file: File) -> None:
    said = owner_of(file, name="rig").said(" (own)", "owner")

    assert (said.name, said.serves) == ("rig (own)", "owner")


@pytest.mark.parametrize(("text", "flags"), [("", {}), ("backend: auto\n", {}), ("", {"backend": "auto"})])
def test_what_is_found_settles_what_the_owner_left_open(file: File, text: str, flags: dict[str, object]) -> None:
    file.write(text)
    owner = owner_of(file, **flags)
    assert owner.settings.backend == "auto"

    owner.suggest({"backend": "found", "max_pixels": 4096})
    assert (owner.settings.backend, owner.said().max_pixels) == ("found", 4096)


def test_what_the_owner_said_is_not_found_out(file: File) -> None:
    file.write("backend: mine\nmax_pixels: 8192\n")
    owner = owner_of(file)
    owner.suggest({"backend": "found", "max_pixels": 4096})

    assert (owner.settings.backend, owner.said().max_pixels) == ("mine", 8192)
