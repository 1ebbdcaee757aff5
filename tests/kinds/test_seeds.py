"""Seeds are read as contract/lifecycle.md, section 2, says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde.kinds.seeds import job_seed, random_seed, seed_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("42", 42),
        ("007", 7),
        ("4294967295", 2**32 - 1),
        ("4294967296", 1),
        ("a", 0x61),
        ("cat", 0x746163),
        ("abcde", 0x65),  # five bytes, little-endian: the four low ones are shifted out
        ("-1", 0x312D),  # not digits alone, so text
        ("é", 0xA9C3),
    ],
)
def test_seed_is_a_number_or_the_bytes_of_a_text(text: str, number: int) -> None:
    assert seed_number(text) == number


@given(text=st.text(st.characters(exclude_categories=["Cs"])) | st.integers(0, 10**100).map(str))
def test_every_text_is_a_seed_below_2_to_the_32(text: str) -> None:
    assert 0 <= seed_number(text) < 2**32


def test_endless_digits_are_a_seed_too() -> None:
    assert 0 <= seed_number("9" * 100_000) < 2**32


@pytest.mark.parametrize(
    ("base", "variation", "remaining", "seed"),
    [(10, 0, 5, 10), (10, 3, 4, 22), (10, 3, 1, 13), (2**32 - 1, 1, 1, 1)],
)
def test_batches_of_a_request_lie_its_variation_apart(base: int, variation: int, remaining: int, seed: int) -> None:
    assert job_seed(base, variation, remaining) == seed


def test_random_seeds_differ_and_fit() -> None:
    seeds = {random_seed() for _ in range(100)}

    assert len(seeds) > 90
    assert all(0 <= seed < 2**32 for seed in seeds)
