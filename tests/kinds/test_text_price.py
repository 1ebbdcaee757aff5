"""What a text is worth and costs, and which need kudos upfront: contract/kudos.md, sections 3, 4 and 5."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde.kinds.text_price import CHARGE_TERMS, context_factor, estimate, heavy, length_free, required, tax, worth
from horde.units import Kudos, kudos

EIGHT, SEVENTY, UNKNOWN = "koboldcpp/L3-8B-Stheno-v3.2", "aphrodite/Meta-Llama-3.1-70B", "koboldcpp/mystery"


def written(model: str = EIGHT, **changes: Any) -> Kudos:
    told: dict[str, Any] = {
        "max_length": 80, "max_context_length": 2048, "prompt_characters": 4096, "text_characters": 320,
        "is_validated": True, "is_owner_trusted": True,
    }  # fmt: skip
    return worth(model, **told | changes)


@pytest.mark.parametrize(
    ("tokens", "factor"), [(0, 1.2), (1024, 2.2), (2048, 3.4), (4096, 6.04), (512, 1.2 + 1 / 2.2), (2**20, 30)]
)
def test_context_makes_a_text_dearer(tokens: int, factor: float) -> None:
    assert context_factor(tokens) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("model", "changes", "reward"),
    [
        (EIGHT, {}, 11.26),  # 80 x 8 / 125 x 2.2
        (EIGHT, {"is_validated": False}, 3.38),
        (EIGHT, {"text_characters": 4000}, 11.26),  # no more than was asked for
        (EIGHT, {"text_characters": 41, "max_length": 500}, 2.82),  # at least 20 tokens
        (EIGHT, {"text_characters": 1, "max_length": 16}, 2.25),
        (EIGHT, {"prompt_characters": 100_000}, 17.41),  # no more context than the model reads: 3.4
        (EIGHT, {"text_characters": 0}, 0),
        ("x-13b", {}, 18.30),
        (SEVENTY, {}, 138.02),  # (70 / 13) ^ 0.2 = 1.4003
        ("koboldcpp/Mixtral-8x7B-Instruct", {}, 80.79),  # 44.8 billions
        (UNKNOWN, {}, 4.75),  # 80 x 2.2 x 0.027
        (UNKNOWN, {"is_owner_trusted": False}, 1.2),
        (UNKNOWN, {"is_owner_trusted": False, "text_characters": 0}, 0),
    ],
)
def test_worth_follows_size_words_and_context(model: str, changes: dict[str, Any], reward: float) -> None:
    assert written(model, **changes) == kudos(reward)


def test_text_is_charged_one_kudos_beside_its_worth() -> None:
    assert CHARGE_TERMS.of(kudos(11.26)) == kudos(12.26)
    assert CHARGE_TERMS.of(Kudos(0)) == kudos(1)
    assert (tax(), tax(has_foreign_style=True)) == (kudos(1), kudos(3))


@pytest.mark.parametrize(
    ("models", "n", "total"),
    [
        ([], 1, 37.36),  # 80 x 13 x 3.4 / 100 = 35.36, and 1, and 1
        ([], 2, 73.72),
        ([EIGHT, SEVENTY], 1, 23.76),  # 80 x 8 x 3.4 / 100 = 21.76
        ([SEVENTY], 1, 268.62),
        ([UNKNOWN], 2, 17.68),  # 80 x 0.027 x 3.4 = 7.34
    ],
)
def test_estimate_supposes_all_the_words_and_all_the_context(models: list[str], n: int, total: float) -> None:
    assert estimate(models, max_length=80, max_context_length=2048, n=n) == kudos(total)


@given(
    model=st.sampled_from([EIGHT, SEVENTY, "x-125m", "x-13b", UNKNOWN]),
    max_length=st.integers(1, 4096),
    max_context_length=st.integers(80, 262_144),
    characters=st.tuples(st.integers(0, 10**6), st.integers(0, 10**5)),
    is_validated=st.booleans(),
)
def test_nobody_who_is_trusted_earns_more_than_was_estimated(
    model: str, max_length: int, max_context_length: int, characters: tuple[int, int], is_validated: bool
) -> None:
    prompt, text = characters

    reward = written(
        model,
        max_length=max_length,
        max_context_length=max_context_length,
        prompt_characters=prompt,
        text_characters=text,
        is_validated=is_validated,
    )

    told = estimate([model], max_length=max_length, max_context_length=max_context_length, n=1)
    assert CHARGE_TERMS.of(reward) + tax() <= told


@pytest.mark.parametrize(
    ("models", "needed"),
    [([], 40), ([EIGHT], 60.96), ([EIGHT, SEVENTY], 533.34), ([UNKNOWN], 7.62)],  # 2 x 80 x m / 21
)
def test_required_amount_goes_by_the_largest_model(models: list[str], needed: float) -> None:
    assert required(models, max_length=80, n=2) == kudos(needed)


# ----------------------------------------------------------------------------------------------- upfront
@pytest.mark.parametrize(
    ("threads", "queued", "free"), [(0, 0, 512), (10, 0, 512), (0, 100, 422), (10, 100, 472), (0, 10_000, 256)]
)
def test_free_length_follows_the_load(threads: int, queued: int, free: int) -> None:
    load: dict[str, Any] = {"threads": threads, "queued": queued}

    assert length_free(**load) == free
    assert heavy(slow_workers=True, workers=(), max_length=free, **load) is None
    found = heavy(slow_workers=True, workers=(), max_length=free + 1, **load)
    assert found is not None
    assert found.reason == f"It asks for {free + 1} tokens, and at this load up to {free} are free."


def test_fast_workers_and_lists_of_workers_make_a_text_heavy() -> None:
    light: dict[str, Any] = {"max_length": 80, "threads": 0, "queued": 0}

    fast = heavy(slow_workers=False, workers=(), **light)
    listed = heavy(slow_workers=True, workers=("x",), upfront_for_lists=True, **light)

    assert fast is not None
    assert fast.may_downgrade
    assert listed is not None
    assert not listed.may_downgrade
    assert heavy(slow_workers=True, workers=("x",), **light) is None
