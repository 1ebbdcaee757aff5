"""What texts refuse and need, beside what holds for every kind."""

from dataclasses import replace
from typing import Any

import pytest

from horde.kinds.base import Draft, Made
from horde.kinds.text import KIND, TextParams, slow_below, worth_of_made
from horde.units import kudos

EIGHT, SEVENTY = "koboldcpp/L3-8B-Stheno-v3.2", "aphrodite/Meta-Llama-3.1-70B"
TALE: Draft[TextParams] = Draft(kind="text", prompt="Tell me", params=TextParams(), models=(EIGHT,))


@pytest.mark.parametrize(
    "changes",
    [
        {"nsfw": False},
        {"extra_slow_workers": True},
        {"params": TextParams(temperature=2.0, n=5)},
        {"prompt": "Another"},
        {"n": 20},
    ],
)
def test_what_no_worker_can_lack_parts_no_lanes(changes: dict[str, Any]) -> None:
    assert KIND.needs(replace(TALE, **changes)) == KIND.needs(TALE)


@pytest.mark.parametrize(
    "changes",
    [
        {"models": (SEVENTY,)},
        {"params": TextParams(max_length=81)},
        {"params": TextParams(max_context_length=2049)},
        {"validated_backends": True},
        {"trusted_workers": True},
        {"slow_workers": False},
        {"workers": ("00000000-0000-4000-8000-000000000000",)},
    ],
)
def test_what_a_worker_can_lack_parts_lanes(changes: dict[str, Any]) -> None:
    assert KIND.needs(replace(TALE, **changes)) != KIND.needs(TALE)


@pytest.mark.parametrize(
    ("agent", "is_validated"),
    [
        ("AI Horde Worker:24:x", True),
        ("AI Horde Worker~aphrodite~oai:1:x", True),
        ("AI Horde Worker~aphrodite~kai:1:x", True),
        ("KoboldCppEmbedWorker:2:https://github.com/LostRuins/koboldcpp", True),
        ("TabbyAPI", True),
        ("tabbyapi:1:x", False),
        ("AI Horde Worker reGen:9.1:x", False),
        ("unknown:0:unknown", False),
    ],
)
def test_programs_are_validated_by_their_exact_name(agent: str, is_validated: bool) -> None:
    assert KIND.abilities(agent) == ({"validated_backends"} if is_validated else set())


def test_worker_without_a_model_is_measured_as_the_biggest() -> None:
    assert (slow_below([]), slow_below([SEVENTY, EIGHT]), slow_below([EIGHT, SEVENTY])) == (3.0, 3.0, 5.0)


@pytest.mark.parametrize("is_owner_trusted", [True, False])
@pytest.mark.parametrize("model", [EIGHT, SEVENTY, "x-125m", "x-13b", "mystery"])
@pytest.mark.parametrize("params", [TextParams(max_length=16, max_context_length=80), TextParams(max_length=2048)])
def test_no_text_turns_out_to_be_worth_more_than_was_held_for_it(
    params: TextParams, model: str, is_owner_trusted: bool
) -> None:
    draft = replace(TALE, params=params, models=(model,))
    made = Made(
        params=params,
        prompt_characters=10**6,
        text="y" * 10**5,
        model=model,
        agent="TabbyAPI:1:x",
        is_owner_trusted=is_owner_trusted,
    )

    most = KIND.worth(KIND.price(draft), model, KIND.needs(draft))

    assert kudos(0) < worth_of_made(made) <= most
    assert KIND.estimate(draft) >= KIND.charge_terms(draft).of(most) + KIND.tax(draft)
