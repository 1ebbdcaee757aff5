"""How back ends are found by name. What each of them promises: test_conformance.py."""

from pathlib import Path

import pytest

from horde.worker.backends import UnknownBackend, chosen, load
from horde.worker.backends.a1111 import A1111
from horde.worker.backends.comfyui import ComfyUI
from horde.worker.child.host import Children


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nope", "there is no back end 'nope'"),
        ("nowhere:Backend", "No module named 'nowhere'"),
        ("horde.worker.backends.demo:Nothing", "has no attribute 'Nothing'"),
    ],
)
def test_unknown_back_end_is_refused_with_those_that_there_are(name: str, words: str) -> None:
    with pytest.raises(UnknownBackend, match=f"{words}.*; known are .*demo"):
        load(name)


def test_back_end_of_ones_own_is_found_by_its_place() -> None:
    assert load("horde.worker.backends.demo:Demo").abilities == load("demo").abilities


def test_back_end_that_loads_models_itself_is_told_where_the_fetched_ones_are(tmp_path: Path) -> None:
    def shelf_of(options: dict[str, object]) -> object:
        (children,) = chosen("diffusers", {"diffusers": options}, tmp_path).values()
        assert isinstance(children, Children)
        told = children._settings[0]["options"]
        assert isinstance(told, dict)
        return told["shelf"]

    assert shelf_of({}) == str(tmp_path)
    assert shelf_of({"shelf": "/elsewhere"}) == "/elsewhere"
    assert chosen("demo", {}, tmp_path).keys() == {"demo"}


@pytest.mark.parametrize("name", ["a1111", "comfyui"])
async def test_back_end_of_a_program_is_told_where_the_fetched_loras_are(tmp_path: Path, name: str) -> None:
    async def told(add_ons: Path | None) -> Path | None:
        (backend,) = chosen(name, {}, tmp_path, add_ons).values()
        assert isinstance(backend, A1111 | ComfyUI)
        await backend.close()
        return backend._lending._add_ons

    assert await told(tmp_path / "add_ons") == tmp_path / "add_ons"
    assert await told(None) is None
