"""What the horde says as KoboldAI does is said to each program in its own words."""

from typing import Any

import pytest

from horde.worker.backends.openai_dialects import DIALECTS, UNKNOWN, Dialect, dialect_of, settings_of
from tests.worker.backends.programs.scenes import text_order

GIVEN: dict[str, Any] = {
    "temperature": 0.7,
    "top_p": 0.9,
    "top_k": 40,
    "min_p": 0.05,
    "rep_pen": 1.1,
    "typical": 0.95,
    "smoothing_factor": 0.2,
    "stop_sequence": ["a", "b", "c", "d", "", "e"],
}
STOP = ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("owned_by", "settings"),
    [
        pytest.param(
            "llamacpp",
            {"top_k": 40, "min_p": 0.05, "typical_p": 0.95, "repeat_penalty": 1.1, "stop": STOP},
            id="llama.cpp",
        ),
        pytest.param("vllm", {"top_k": 40, "min_p": 0.05, "repetition_penalty": 1.1, "stop": STOP}, id="vllm"),
        pytest.param("library", {"stop": STOP}, id="ollama"),
        pytest.param("openai", {"stop": STOP[:4]}, id="unknown"),
    ],
)
def test_program_is_told_what_it_knows_by_its_own_names(owned_by: str, settings: dict[str, object]) -> None:
    said = settings_of(text_order("m", **GIVEN), dialect_of(owned_by))

    assert said == {"temperature": 0.7, "top_p": 0.9, **settings}


def test_single_line_ends_at_its_end() -> None:
    assert settings_of(text_order("m", singleline=True), UNKNOWN) == {"stop": ["\n"]}


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS.keys())
def test_no_dialect_says_two_settings_by_one_name(dialect: Dialect) -> None:
    names = [*dialect.fields.values(), "temperature", "top_p", "stop"]

    assert len(names) == len(set(names))
