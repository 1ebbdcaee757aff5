"""The form `interrogation`: which words out of seven lists fit a picture, and how well."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, get_args

from PIL import Image

from horde.worker.backends.alchemy.clip import Clip
from horde.worker.backends.alchemy.words import OURS, WordList
from horde.worker.backends.base import BackendFailed

TOLD_MAX = 5
"""Of each list."""
DIGITS = 4
"""Of a confidence."""
SENTENCES: Final[Mapping[WordList, str]] = {"artists": "artwork by {}", "sites": "trending on {}"}
"""What words are read as where a word alone says little."""


class Interrogation:
    """Knows what the words of all lists mean; a picture is then looked at once."""

    def __init__(self, clip: Clip, files: Mapping[str, str]) -> None:
        """Read the lists. Raises BackendFailed for a file that cannot be used."""
        if unknown := sorted(files.keys() - set(get_args(WordList))):
            raise BackendFailed(f"there is no list of {unknown[0]!r}; there are {', '.join(get_args(WordList))}")
        self._clip = clip
        self._words = {name: _words(name, files.get(name)) for name in get_args(WordList)}
        self._meanings = {
            name: clip.meanings([SENTENCES.get(name, "{}").format(word) for word in words])
            for name, words in self._words.items()
        }

    def told(self, picture: Image.Image) -> dict[str, list[dict[str, object]]]:
        """Of an "RGB" picture, the words of each list that fit best, as the contract has them.

        A confidence is the word's share in its list, from 0 to 1: it depends on what else is there to choose from.
        """
        looked = self._clip.look(picture)
        answer: dict[str, list[dict[str, object]]] = {}
        for name, words in self._words.items():
            fits = self._clip.fits(looked, words, self._meanings[name])[:TOLD_MAX]
            answer[name] = [{"text": fit.word, "confidence": round(fit.share, DIGITS)} for fit in fits]
        return answer


def _words(name: WordList, place: str | None) -> tuple[str, ...]:
    if place is None:
        return OURS[name]
    try:
        lines = Path(place).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise BackendFailed(f"the list of {name} cannot be read: {error}") from error
    words = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not words:
        raise BackendFailed(f"the list of {name} {place!r} is empty")
    return words
