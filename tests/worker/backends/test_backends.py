"""How back ends are found by name. What each of them promises: test_conformance.py."""

import pytest

from horde.worker.backends import UnknownBackend, load


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
