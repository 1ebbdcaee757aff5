"""What filters see of a prompt, and what becomes of one that they hit."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde.errors import BadInput
from horde.server.moderation.filterset import Filter, FilterSet
from horde.server.moderation.patterns import REGEX_MAX, STEPS_MAX, pattern
from horde.server.moderation.prompts import (
    NEGATIVE_TERMS,
    is_about_the_young,
    judged,
    made_adult,
    matches,
    normalised,
    replaced,
)


def filters(*rules: tuple[int, str] | tuple[int, str, str]) -> FilterSet:
    return FilterSet(
        Filter(
            id=place,
            filter_type=rule[0],
            regex=rule[1],
            replacement=rule[2] if len(rule) == 3 else "",
            description=None,
            made_by="ada#1",
        )
        for place, rule in enumerate(rules, 1)
    )


RULES = filters((10, "el(f|ves)", "knight"), (11, "tiny"), (20, r"dragon\w*"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(an elf:1.2), ((walking:0.5) fast:+.3)", "an elf walking fast"),
        ("e.l-f", "elf"),
        ("e l f and d r a g o n", "elf and dragon"),
        ("a b", "a b"),
        ("ÉLF ﬁre  \n é́lf", "ELF fire elf"),
        ("under_score", "under score"),
        ("ratio 16:9 (of:course)", "ratio 16 9 of course"),
        ("", ""),
    ],
)
def test_filters_see_a_text_without_what_people_put_between_letters(text: str, expected: str) -> None:
    assert normalised(text) == expected


@pytest.mark.parametrize(
    ("prompt", "suspicion"),
    [
        ("a fox", 0), ("an elf", 1), ("a tiny elf", 1), ("a dragon", 1), ("an E.L.F and a DrAgOnS", 2),
        ("tiny dragon", 2), ("a dragon 👧", 2), ("👧", 1), ("a fox ### elf dragon", 0), ("an elf ### dragon", 1),
        ("(d r a g o n:1.3) élf", 2),
    ],
)  # fmt: skip
def test_suspicion_is_the_number_of_groups_that_hit(prompt: str, suspicion: int) -> None:
    assert judged(RULES, prompt).suspicion == suspicion
    assert judged(RULES, prompt).is_corrupt == (suspicion == 2)
    assert matches(RULES, prompt)[0] == suspicion


def test_nobody_is_suspected_without_filters() -> None:
    assert judged(FilterSet(), "an elf and a dragon").suspicion == 0
    assert not filters((10, "elf"), (11, "tiny")).can_refuse
    assert RULES.can_refuse


def test_matches_say_what_was_hit_by_each_filter_once() -> None:
    assert matches(RULES, "ELVES, elves and dragonflies 👧") == (2, ["ELVES", "dragonflies", "👧"])
    assert matches(RULES, "elves and dragonflies", 20) == (1, ["dragonflies"])
    assert matches(RULES, "elves and dragonflies", 15) == (0, [])


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("an (elf:1.2), with a Dragon", f"an knight with a Dragon###{NEGATIVE_TERMS}"),
        ("Elf, dragon ### blurry", f"knight dragon###{NEGATIVE_TERMS}, blurry"),
        ("a dragon 👧", f"a dragon###{NEGATIVE_TERMS}"),
    ],
)
def test_what_the_first_type_hits_is_replaced(prompt: str, expected: str) -> None:
    assert replaced(RULES, prompt) == expected


def test_prompt_of_which_nothing_is_left_is_not_replaced() -> None:
    assert replaced(filters((10, "elf"), (20, "elf")), "elf ### blurry") is None


def test_prompt_that_still_hits_both_groups_is_not_replaced() -> None:
    assert replaced(RULES, "a tiny elf with a dragon") is None


def test_replacement_is_taken_as_it_is_written() -> None:
    rules = filters((10, "(elf)", r"\1\g<9> \\"), (20, "dragon"))

    assert replaced(rules, "elf dragon") == rf"\1\g<9> \\ dragon###{NEGATIVE_TERMS}"


def test_grown_ups_take_the_place_of_the_young() -> None:
    prompt = "a Girl and two boys, elf ### blurry"

    assert is_about_the_young(FilterSet(), prompt)
    assert not is_about_the_young(FilterSet(), "a fox ### girl")
    assert made_adult(RULES, prompt, has_negative=True) == (
        f"a adult woman and two adult men knight###{NEGATIVE_TERMS}, blurry"
    )
    assert made_adult(RULES, "A girl, an elf: hi! ### x", has_negative=False) == "A adult woman, an knight: hi! ### x"
    assert made_adult(filters((10, "elf")), " elf ", has_negative=True) is None


@pytest.mark.parametrize(
    ("regex", "reason"),
    [("(", "missing"), (r"(a)\1", "look-around"), ("(?=a)b", "look-around"), ("a*", "empty text"), ("a|", "empty text"),
     ("a" * (REGEX_MAX + 1), "characters"), ("(((a{30}){30}){30})", "cannot be used"), (r"[^a-c]{600}", "steps")],
)  # fmt: skip
def test_expression_that_cannot_be_run_or_costs_too_much_is_refused(regex: str, reason: str) -> None:
    with pytest.raises(BadInput) as refusal:
        pattern(regex)

    assert reason in refusal.value.sentence


@pytest.mark.parametrize("regex", ["(x+x+)+y", "(a|aa)+c", "(?:.{0,20}a){9}c", "(.*a){12}c"])
def test_expression_that_would_never_end_elsewhere_ends(regex: str) -> None:
    """With Python's own engine each of these would take years: no bound on time is needed to tell the difference."""
    assert pattern(regex).steps <= STEPS_MAX
    assert pattern(regex).first(("x" * 50 + "a" * 50) * 200) is None


def test_filters_with_groups_of_one_name_still_hit() -> None:
    rules = filters((20, "(?P<x>dragon)"), (20, "(?P<x>wyrm)"), (10, "elf"))

    assert judged(rules, "elf wyrm").is_corrupt


@given(st.text(max_size=300))
def test_any_text_can_be_looked_at(prompt: str) -> None:
    text = normalised(prompt)
    judged(RULES, prompt)
    matches(RULES, prompt)

    assert normalised(text).split() == normalised(normalised(text)).split()
    made = replaced(RULES, prompt)
    assert made is None or not judged(RULES, made).is_corrupt


@pytest.mark.parametrize("prompt", ["(" * 50_000, ":1" * 50_000, "a " * 50_000, ": " * 50_000, "(a:" + "1" * 90_000])
def test_long_nonsense_is_looked_at_in_a_moment(prompt: str) -> None:
    began = time.process_time()

    judged(RULES, prompt)

    # A hundredth of it is usual; what grows with the square of the length would take minutes.
    assert time.process_time() - began < 5
