r"""How prompts weigh words, as web UIs have taught it to everybody: `(word:1.3)`, `((word))`, `[word]`, BREAK.

Brackets multiply when they nest; `\(` is a bracket that is meant; BREAK, as a word, begins a new chunk of tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

STEP: Final = 1.1
"""What a pair of round brackets multiplies by, and a pair of square ones divides by."""
WEIGHT_MAX: Final = 10.0
"""Beyond it, either way, a weight is taken for this one: pictures are noise long before, and nothing overflows."""

TOKEN: Final = re.compile(
    r"""
    \\(?P<meant>[()\[\]\\])
    | (?P<opened>[(\[])
    # `embedding:123` is a name: only what follows after another colon is a weight.
    | (?<!embedding) : \s* (?P<weight>[+-]? (?:\d+\.?\d* | \.\d+)) \s* \)
    | (?P<closed>[)\]])
    | (?P<text>[^\\()\[\]:]+ | .)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
BREAK: Final = re.compile(r"\bBREAK\b")
PARTNER: Final = {")": "(", "]": "["}


@dataclass(frozen=True, slots=True)
class Weighted:
    """Words of a prompt that weigh alike; 1.0 is what they weigh by themselves."""

    text: str
    weight: float = 1.0


Section: TypeAlias = Sequence[Weighted]


def weighted(prompt: str) -> Sequence[Section]:
    """A prompt's sections, which BREAK ends, each as words with their weights; at least one, which may be empty.

    Brackets without a partner are letters like any others.
    """
    sections: list[list[Weighted]] = [[]]
    for text, weight in _runs(prompt):
        for number, part in enumerate(BREAK.split(text)):
            if number > 0 and sections[-1]:
                sections.append([])
            if part.strip():
                sections[-1].append(Weighted(part.strip(), weight))
    return sections


def plain(prompt: str) -> str:
    """The words of a prompt alone, for models to which weights mean nothing."""
    return BREAK.sub(" ", "".join(text for text, _ in _runs(prompt)))


def _runs(prompt: str) -> Iterator[tuple[str, float]]:
    """The words between brackets, with what these make of their weight."""
    tokens = list(TOKEN.finditer(prompt))
    factors, ends = _pairs(tokens)
    weights, text = [1.0], ""
    for number, token in enumerate(tokens):
        if number not in factors and number not in ends:
            text += token["meant"] or token[0]
            continue
        if text:
            yield text, _bounded(weights[-1])
        text = ""
        if number in factors:
            weights.append(_bounded(weights[-1] * factors[number]))
        else:
            weights.pop()
    if text:
        yield text, weights[-1]


def _pairs(tokens: Sequence[re.Match[str]]) -> tuple[dict[int, float], set[int]]:
    """The tokens that open a pair, by number, with what it multiplies by, and those that end one."""
    factors: dict[int, float] = {}
    ends: set[int] = set()
    opened: list[int] = []
    for number, token in enumerate(tokens):
        if token["opened"]:
            opened.append(number)
        elif (closed := ")" if token["weight"] else token["closed"]) and opened:
            if tokens[opened[-1]]["opened"] != PARTNER[closed]:
                continue
            step = STEP if closed == ")" else 1 / STEP
            factors[opened.pop()] = float(token["weight"] or step)
            ends.add(number)
    return factors, ends


def _bounded(weight: float) -> float:
    return max(-WEIGHT_MAX, min(WEIGHT_MAX, weight))
