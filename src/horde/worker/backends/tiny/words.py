"""Reads a prompt: the words that the model knows, as the numbers it was trained with. Needs nothing but Python.

The vocabulary is ours and small (data/words.txt), so no tokenizer has to be downloaded. What it lacks is passed over:
"masterpiece, a red circle" is "a red circle" to the model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

TOKENS_MAX = 24
"""Of a prompt; the rest is cut off. The longest captions of the training have 23."""
PADDING = 0

WEIGHT = re.compile(r":\s*-?\d+(?:\.\d+)?")
"""How other models are told to heed a word more, `(red:1.2)`; read as words, these numbers would be counts."""
WORD = re.compile(r"[a-z]+|\d+")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All words that are known."""

    tokens: tuple[str, ...]
    """A token's number is its place here plus one; zero is padding."""
    readings: Mapping[str, tuple[int, ...]]
    """Every known word, and the tokens it is read as."""


@cache
def vocabulary() -> Vocabulary:
    """The words of data/words.txt."""
    lines = files(__package__).joinpath("data", "words.txt").read_text("utf-8").splitlines()
    told = [line for line in lines if line and not line.startswith("#")]
    tokens = tuple(line for line in told if "=" not in line)
    numbers = {token: at for at, token in enumerate(tokens, start=1)}
    readings: dict[str, tuple[int, ...]] = {token: (number,) for token, number in numbers.items()}
    for line in told:
        words, equals, reading = line.partition("=")
        if equals:
            readings |= dict.fromkeys(words.split(), tuple(numbers[token] for token in reading.split()))
    return Vocabulary(tokens, readings)


def read(prompt: str) -> list[int]:
    """The prompt as TOKENS_MAX token numbers, padded at the end; all padding when no word is known."""
    readings = vocabulary().readings
    words = WORD.findall(WEIGHT.sub(" ", prompt.lower()))
    numbers = [number for word in words for number in readings.get(word, ())][:TOKENS_MAX]
    return numbers + [PADDING] * (TOKENS_MAX - len(numbers))
