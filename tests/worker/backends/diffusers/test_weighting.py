"""Weights in prompts: what web UIs understand, and nothing that takes a requestor's words apart by mistake."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde.worker.backends.diffusers.weighting import WEIGHT_MAX, plain, weighted


def read(prompt: str) -> list[list[tuple[str, float]]]:
    return [[(words.text, round(words.weight, 6)) for words in section] for section in weighted(prompt)]


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("a red horse", [("a red horse", 1.0)]),
        ("a (red:1.3) horse", [("a", 1.0), ("red", 1.3), ("horse", 1.0)]),
        ("a (red : +.5 ) horse", [("a", 1.0), ("red", 0.5), ("horse", 1.0)]),
        ("(a red: -1)", [("a red", -1.0)]),
        ("(red) ((red))", [("red", 1.1), ("red", 1.21)]),
        ("[red] [[red]]", [("red", round(1 / 1.1, 6)), ("red", round(1 / 1.21, 6))]),
        ("([red])", [("red", 1.0)]),
        ("(a (red:1.5) horse:2)", [("a", 2.0), ("red", 3.0), ("horse", 2.0)]),
        ("(red:1.0) horse", [("red", 1.0), ("horse", 1.0)]),
        (r"horse \(red\), \[old\], \\o/", [(r"horse (red), [old], \o/", 1.0)]),
        (r"(horse \(red\):1.2)", [("horse (red)", 1.2)]),
        ("a horse at 12:30", [("a horse at 12:30", 1.0)]),
        ("(a horse: red)", [("a horse: red", 1.1)]),
        ("(embedding:123)", [("embedding:123", 1.1)]),
        ("(embedding:123:0.8)", [("embedding:123", 0.8)]),
        ("(red:1e999)", [("red:1e999", 1.1)]),
        ("(red:99999)", [("red", WEIGHT_MAX)]),
        ("(red:-99999)", [("red", -WEIGHT_MAX)]),
    ],
)
def test_brackets_weigh_words(prompt: str, words: list[tuple[str, float]]) -> None:
    assert read(prompt) == [words]


@pytest.mark.parametrize(
    "prompt", ["a horse :(", "sad :[ horse", "1) a horse", "a) b] c", "(a horse", "[a (horse", "\\"]
)
def test_brackets_without_a_partner_are_letters(prompt: str) -> None:
    assert read(prompt) == [[(prompt, 1.0)]]


def test_brackets_of_one_sort_do_not_end_those_of_the_other() -> None:
    assert read("(a [red) horse]") == [[("(a", 1.0), ("red) horse", round(1 / 1.1, 6))]]


@pytest.mark.parametrize(
    ("prompt", "sections"),
    [
        ("a horse BREAK a barn", [[("a horse", 1.0)], [("a barn", 1.0)]]),
        ("(a horse BREAK a barn:1.2)", [[("a horse", 1.2)], [("a barn", 1.2)]]),
        ("BREAK a horse BREAK BREAK", [[("a horse", 1.0)], []]),
        ("a break, BREAKFAST", [[("a break, BREAKFAST", 1.0)]]),
        ("", [[]]),
    ],
)
def test_break_ends_a_section(prompt: str, sections: list[list[tuple[str, float]]]) -> None:
    assert read(prompt) == sections


def test_plain_words_have_neither_brackets_nor_breaks() -> None:
    assert plain(r"a (red:1.3) [old] horse\(s\) BREAK :(").split() == ["a", "red", "old", "horse(s)", ":("]


@given(st.text("()[]:\\ a1.-BREAK", max_size=200))
def test_no_words_are_lost_and_no_weight_is_beyond_reason(prompt: str) -> None:
    pieces = [words for section in weighted(prompt) for words in section]

    # This letter is in no weight and no BREAK.
    assert sum(words.text.count("a") for words in pieces) == plain(prompt).count("a") == prompt.count("a")
    assert all(math.isfinite(words.weight) and abs(words.weight) <= WEIGHT_MAX for words in pieces)


def test_prompt_of_brackets_alone_is_read_in_one_go() -> None:
    deep = "(" * 5000 + "a" + ")" * 5000

    assert read(deep) == [[("a", WEIGHT_MAX)]]
