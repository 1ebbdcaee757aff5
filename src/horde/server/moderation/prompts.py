"""What filters see of a prompt, and what becomes of one that they hit. Pure.

Source: contract/lifecycle.md, section 14.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from horde.server.moderation.filterset import SUSPECTED_TYPES, FilterSet

NEGATIVE_MARK = "###"
"""What follows it in a prompt is what shall not be seen."""
BLOCKS_FROM = 2
"""So many groups of filters must hit."""
NEGATIVE_TERMS = "child, infant, baby, toddler, underage, minor, teenager, childlike"
"""Put in front of the negative part wherever something was replaced."""
CHILD_EMOJI = re.compile("[\U0001f476\U0001f466\U0001f467\U0001f47c\U0001f6bc\U0001f9d2\U0001f37c]")
WEIGHT = re.compile(r":\s*+[-+]?[\d.]++\s*+(?=\))")
"""The number in `(word:1.2)`; its parentheses go with the punctuation."""
BETWEEN_WORDS = re.compile(r"[\W_]+")
SPACES = re.compile(r"\s+")
SPACED_OUT = re.compile(r"(?<!\w)\w(?: \w(?!\w)){2,}")
"""Three letters or more that stand alone one after the other."""
YOUTH = {
    "girl": "adult woman", "girls": "adult women", "boy": "adult man", "boys": "adult men", "schoolgirl": "adult woman",
    "schoolboy": "adult man", "lolita": "adult woman", "loli": "adult woman", "shota": "adult man",
} | dict.fromkeys((
    "baby", "babies", "toddler", "toddlers", "infant", "infants", "child", "children", "kid", "kids", "teen", "teens",
    "teenage", "teenager", "teenagers", "preteen", "underage", "minor", "minors", "adolescent", "young", "youth",
), "adult")  # fmt: skip
"""Words for the young, each with what stands in its place where such a picture must not be."""
YOUTH_WORD = re.compile(rf"\b(?:{'|'.join(YOUTH)})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the filters say of a prompt."""

    suspicion: int
    """How many groups of filters hit."""
    is_about_the_young: bool
    """Whether a filter of the first type hit, or an emoji that counts as one."""

    @property
    def is_corrupt(self) -> bool:
        """Whether it is refused unless it can be replaced."""
        return self.suspicion >= BLOCKS_FROM


def parted(prompt: str) -> tuple[str, str]:
    """What shall be seen, and what shall not."""
    positive, _, negative = prompt.partition(NEGATIVE_MARK)
    return positive, negative


def normalised(text: str) -> str:
    """A text without what people put between letters: weights, punctuation, accents, needless white space."""
    if not text.isascii():
        text = "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))
    text = BETWEEN_WORDS.sub(" ", WEIGHT.sub("", text)).strip()
    return SPACED_OUT.sub(lambda letters: letters[0].replace(" ", ""), text)


def judged(filters: FilterSet, prompt: str) -> Verdict:
    """What the filters say of what shall be seen of a prompt."""
    positive, _ = parted(prompt)
    text = normalised(positive)
    has_emoji = not positive.isascii() and CHILD_EMOJI.search(positive) is not None
    is_about_the_young = has_emoji or filters.of(10).hit(text)
    first = is_about_the_young or filters.of(11).hit(text)
    return Verdict(int(first) + int(filters.of(20).hit(text)), is_about_the_young)


def matches(filters: FilterSet, prompt: str, filter_type: int | None = None) -> tuple[int, list[str]]:
    """As `judged`, for who wants to know why: the suspicion, and what of the prompt was hit, by each filter once.

    With `filter_type` of filters of that type alone; each type is a group of its own then.
    """
    positive, _ = parted(prompt)
    text = normalised(positive)
    types = SUSPECTED_TYPES if filter_type is None else (filter_type,)
    found = [hit for kind in types for hit in filters.of(kind).hits(text)]
    if filter_type in (None, 10):
        found += CHILD_EMOJI.findall(positive)
    suspicion = judged(filters, prompt).suspicion if filter_type is None else int(bool(found))
    return suspicion, list(dict.fromkeys(found))


def replaced(filters: FilterSet, prompt: str) -> str | None:
    """The prompt with what filters of the first type hit replaced; None: nothing is left, or too much still hits."""
    positive, negative = parted(prompt)
    text = _spaced(filters.of(10).replaced(normalised(positive)))
    made = _with_terms(text, negative)
    return made if text and not judged(filters, made).is_corrupt else None


def made_adult(filters: FilterSet, prompt: str, *, has_negative: bool) -> str | None:
    """The prompt with grown-ups in it instead of the young; None where nothing is left of it.

    `has_negative`: whether the kind knows a negative part. Of others the text stays as it was written but for what is
    replaced, for it is read as a text.
    """
    positive, negative = parted(prompt) if has_negative else (prompt, "")
    text = filters.of(10).replaced(normalised(positive) if has_negative else positive)
    text = YOUTH_WORD.sub(lambda word: YOUTH[word[0].lower()], text)
    if not text.strip():
        return None
    return _with_terms(_spaced(text), negative) if has_negative else text


def is_about_the_young(filters: FilterSet, prompt: str) -> bool:
    """Whether what shall be seen has words for the young in it."""
    return judged(filters, prompt).is_about_the_young or YOUTH_WORD.search(normalised(parted(prompt)[0])) is not None


def _with_terms(positive: str, negative: str) -> str:
    rest = negative.strip()
    return f"{positive}{NEGATIVE_MARK}{NEGATIVE_TERMS}{', ' + rest if rest else ''}"


def _spaced(text: str) -> str:
    return SPACES.sub(" ", text).strip()
