"""How prompts say textual inversions: as `embedding:NAME`."""

from __future__ import annotations

import re
from collections.abc import Mapping

PREFIX = "embedding:"


def renamed(prompt: str, words: Mapping[str, str]) -> str:
    """A prompt with other words for its textual inversions; `words` has theirs, prefix and all, in small letters."""
    names = sorted(words, key=len, reverse=True)
    if not names:
        return prompt
    # Not the beginning of a longer name.
    said = re.compile(rf"(?:{'|'.join(map(re.escape, names))})(?!\w)", re.IGNORECASE)
    return said.sub(lambda found: words.get(found[0].lower(), found[0]), prompt)
