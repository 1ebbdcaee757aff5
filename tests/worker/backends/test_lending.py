"""How a program comes by what the worker fetched: which folders are taken, when it has to look again, what is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from horde.worker.backends.base import AddOn, AddOnKind
from horde.worker.backends.lending import Lending, Told
from horde.worker.backends.program import Program
from tests.worker.backends.programs.fetched import fetched

HERE = "http://127.0.0.1:8188"
ELSEWHERE = "http://192.0.2.7:8188"
"""An address that is nobody's (RFC 5737)."""
FROM_ELSEWHERE = "it does not tell a folder that there is on this machine"


class Shelf:
    """A program with two folders, which it lists when it is told to look."""

    def __init__(self, folder: Path) -> None:
        self.folders: Mapping[AddOnKind, Path] = {"lora": folder / "loras", "ti": folder / "embeddings"}
        for place in self.folders.values():
            place.mkdir(parents=True)
        self.looks: list[AddOnKind] = []

    async def told(self) -> Told:
        return Told(folders={kind: [str(place)] for kind, place in self.folders.items()})

    async def look(self, kind: AddOnKind) -> list[str]:
        self.looks.append(kind)
        return [f"style/{path.name}" for path in self.folders[kind].iterdir()]

    @property
    def loras(self) -> list[Path]:
        return list(self.folders["lora"].iterdir())


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "program")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
async def add_ons(data: Path) -> AsyncIterator[tuple[AddOn, ...]]:
    async with fetched(data) as both:
        yield both


@asynccontextmanager
async def lending(
    data: Path | None,
    tell: Callable[[], Any],
    *,
    url: str = HERE,
    options: Mapping[AddOnKind, Path | str | None] | None = None,
) -> AsyncIterator[Lending]:
    program = Program("ComfyUI", url)
    made = Lending(program, data, options or {})
    await made.open(tell)
    yield made
    await program.close()


async def test_names_are_those_of_the_program_and_it_looks_only_when_something_is_new(
    shelf: Shelf, data: Path, add_ons: tuple[AddOn, ...]
) -> None:
    async with lending(data, shelf.told) as made:
        for _ in range(2):
            async with made.lent(add_ons, shelf.look) as lent:
                (lora,), (embedding,) = lent.loras.items(), lent.embeddings.items()
                assert lora == (("70", True), f"style/{shelf.loras[0].name}")
                assert embedding[0] == "Word"
        assert sorted(shelf.looks) == ["lora", "ti"]

        shelf.loras[0].unlink()
        async with made.lent(add_ons, shelf.look) as lent:
            assert lent.loras.keys() == {("70", True)}
        assert sorted(shelf.looks) == ["lora", "lora", "ti"]


async def test_two_orders_with_one_lora_have_it_until_the_second_ends(
    shelf: Shelf, data: Path, add_ons: tuple[AddOn, ...]
) -> None:
    lora, word = add_ons
    async with lending(data, shelf.told) as made:
        async with made.lent([lora], shelf.look) as first:
            async with made.lent([lora], shelf.look) as second:
                assert first == second
            thrown_away(data, lora)
            async with made.lent([word], shelf.look):
                assert len(shelf.loras) == 1
        async with made.lent([word], shelf.look):
            assert shelf.loras == []


async def test_orders_at_the_same_time_all_get_it(shelf: Shelf, data: Path, add_ons: tuple[AddOn, ...]) -> None:
    async def names() -> Mapping[tuple[str, bool], str]:
        async with made.lent(add_ons, shelf.look) as lent:
            return lent.loras

    async with lending(data, shelf.told) as made:
        assert [len(loras) for loras in await asyncio.gather(*(names() for _ in range(8)))] == [1] * 8
    assert len(shelf.loras) == 1


async def test_what_was_thrown_away_while_the_worker_was_down_is_removed_at_its_start(
    shelf: Shelf, data: Path, add_ons: tuple[AddOn, ...]
) -> None:
    async with lending(data, shelf.told) as crashed, crashed.lent(add_ons, shelf.look):
        pass
    assert len(shelf.loras) == 1
    thrown_away(data, add_ons[0])

    async with lending(data, shelf.told):
        assert shelf.loras == []
        assert len(list(shelf.folders["ti"].iterdir())) == 1


async def test_file_that_is_not_there_any_more_is_left_out(
    shelf: Shelf, data: Path, add_ons: tuple[AddOn, ...]
) -> None:
    lora, word = add_ons
    thrown_away(data, lora)
    async with lending(data, shelf.told) as made, made.lent([lora, word], shelf.look) as lent:
        assert lent.loras == {}
        assert lent.embeddings.keys() == {"Word"}


@pytest.mark.parametrize(
    ("url", "is_told"),
    [(HERE, True), ("http://localhost:1", True), (ELSEWHERE, False), ("http://nobody.invalid", False)],
)
async def test_folders_that_a_program_tells_are_taken_only_of_one_on_this_machine(
    shelf: Shelf, data: Path, url: str, *, is_told: bool
) -> None:
    with capture_logs() as logs:
        async with lending(data, shelf.told, url=url) as made:
            assert made.kinds == (("lora", "ti") if is_told else ())

    warned = [(entry["reason"], entry["hint"]) for entry in logs if entry["log_level"] == "warning"]
    hints = [
        f"set the option {name} to a folder of it, in which the worker can write"
        for name in ("lora_folder", "embedding_folder")
    ]
    assert warned == ([] if is_told else [(FROM_ELSEWHERE, hint) for hint in hints])


async def test_folder_that_the_owner_names_is_taken_wherever_the_program_is(
    shelf: Shelf, data: Path, tmp_path: Path, add_ons: tuple[AddOn, ...]
) -> None:
    mounted = tmp_path / "mounted"
    shelf.folders["lora"].rename(mounted)
    shelf.folders = {**shelf.folders, "lora": mounted}
    options: Mapping[AddOnKind, Path] = {"lora": mounted}
    for url in (ELSEWHERE, HERE):
        async with lending(data, shelf.told, url=url, options=options) as made:
            assert "lora" in made.kinds
            async with made.lent(add_ons, shelf.look) as lent:
                assert lent.loras.keys() == {("70", True)}


async def test_folder_that_cannot_be_written_is_told_once_with_the_option_and_nothing_fails(
    shelf: Shelf, data: Path, tmp_path: Path, add_ons: tuple[AddOn, ...]
) -> None:
    unwritable = tmp_path / "file"
    unwritable.write_bytes(b"")
    with capture_logs() as logs:
        async with lending(data, shelf.told, options={"lora": unwritable}) as made:
            for _ in range(2):
                async with made.lent(add_ons, shelf.look) as lent:
                    assert lent.loras == {}

    assert made.kinds == ("ti",)
    (warning,) = [entry for entry in logs if entry["log_level"] == "warning"]
    assert str(unwritable) in warning["reason"]
    assert "lora_folder" in warning["hint"]


async def test_folder_in_which_the_program_does_not_look_is_given_up_and_cleared(
    shelf: Shelf, data: Path, tmp_path: Path, add_ons: tuple[AddOn, ...]
) -> None:
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    with capture_logs() as logs:
        async with lending(data, shelf.told, options={"lora": wrong}) as made:
            assert "lora" in made.kinds
            async with made.lent(add_ons, shelf.look) as lent:
                assert lent.loras == {}
            assert made.kinds == ("ti",)

    assert list(wrong.iterdir()) == []
    (warning,) = [entry for entry in logs if entry["log_level"] == "warning"]
    assert (warning["names"], warning["folder"]) == (["70"], str(wrong))
    assert "lora_folder" in warning["hint"]


async def test_program_is_not_asked_where_nothing_is_fetched(shelf: Shelf) -> None:
    async def told() -> Told:
        raise AssertionError("nobody wants to know")

    async with lending(None, told) as made:
        assert made.kinds == ()


def thrown_away(data: Path, add_on: AddOn) -> None:
    """As the worker does when room is needed."""
    place = Path(add_on.path).parent
    assert place.parent == data
    for path in place.iterdir():
        path.unlink()
    place.rmdir()
