"""Prompts become the numbers of words that the model knows; the rest is passed over."""

from importlib.resources import files
from typing import get_args

import pytest

from horde.kinds.image_params import Sampler
from horde.worker.backends.tiny.samplers import SAMPLERS
from horde.worker.backends.tiny.words import PADDING, TOKENS_MAX, read, vocabulary


def known(prompt: str) -> list[str]:
    return [vocabulary().tokens[number - 1] for number in read(prompt) if number != PADDING]


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("A red circle, on a BLUE background!", "a red circle on a blue background"),
        ("masterpiece, trending: an android", "a robot"),
        ("two green pines under a starry sky", "two green firs under a stars sky"),
        ("a forest", "a horde"),
        ("7 ponies", "many horses"),
        ("(red:1.4) [circle:-0.5]", "red circle"),
        ("<lora:dragon:2>", ""),
        ("", ""),
        ("ein roter Kreis", ""),
    ],
)
def test_prompt_is_read_as_the_words_that_are_known(prompt: str, words: str) -> None:
    assert known(prompt) == words.split()


def test_long_prompt_is_cut_and_short_one_padded() -> None:
    assert len(read("red " * 10_000)) == len(read("red")) == TOKENS_MAX


def test_no_word_is_read_in_two_ways() -> None:
    # A second line for a word would silently win over the first; the readings hold one of each.
    lines = [line for line in vocabulary_lines() if line and not line.startswith("#")]
    words = [word for line in lines for word in line.partition("=")[0].split()]

    assert sorted(words) == sorted(vocabulary().readings)


def vocabulary_lines() -> list[str]:
    return files("horde.worker.backends.tiny").joinpath("data", "words.txt").read_text("utf-8").splitlines()


def test_every_sampler_of_the_contract_has_one_here() -> None:
    assert set(SAMPLERS) == set(get_args(Sampler))
