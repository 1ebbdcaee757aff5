"""All filters of a moment, compiled. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from horde.server.moderation.patterns import Pattern, pattern, together, union

FILTER_TYPES = range(10, 30)
SUSPECTED_TYPES = (10, 11, 20)
"""10 and 11 are the first group that can hit a prompt, 20 is the second (contract/lifecycle.md, section 14)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One expression of a moderator."""

    id: int
    regex: str
    filter_type: int
    description: str | None
    replacement: str
    """What is put where it hits."""
    made_by: str | None
    """`name#id`; None: the account is gone."""


class FiltersOfType:
    """The filters of one type, in the order in which they were made."""

    def __init__(self, filters: Iterable[Filter] = ()) -> None:
        self._each = [(found, pattern(found.regex)) for found in filters]
        self._any = together([compiled for _, compiled in self._each])
        self.steps = sum(compiled.steps for compiled in self._any)
        """What a character of a prompt can cost at most."""

    @cached_property
    def regex(self) -> str | None:
        """All of them as one expression; None: there is none."""
        return union([found.regex for found, _ in self._each]) or None

    @property
    def patterns(self) -> list[Pattern]:
        """Each by itself."""
        return [compiled for _, compiled in self._each]

    def hit(self, text: str) -> bool:
        """Whether one of them hits."""
        return any(compiled.first(text) is not None for compiled in self._any)

    def hits(self, text: str) -> list[str]:
        """What of the text each one hits first."""
        return [hit for compiled in self.patterns if (hit := compiled.first(text)) is not None]

    def replaced(self, text: str) -> str:
        """The text with each of their hits replaced, by one after the other."""
        for found, compiled in self._each:
            text = compiled.replaced(text, found.replacement)
        return text


NO_FILTERS = FiltersOfType()


class FilterSet:
    """Filters by type."""

    def __init__(self, filters: Iterable[Filter] = ()) -> None:
        self.all = list(filters)
        by_type: defaultdict[int, list[Filter]] = defaultdict(list)
        for found in self.all:
            by_type[found.filter_type].append(found)
        self._by_type = {kind: FiltersOfType(found) for kind, found in by_type.items()}
        self.steps = sum(found.steps for found in self._by_type.values())
        self.can_refuse = 20 in self._by_type
        """Whether any prompt can hit both groups: without the second none can, so nobody need look at it."""

    def of(self, filter_type: int) -> FiltersOfType:
        """Those of one type."""
        return self._by_type.get(filter_type, NO_FILTERS)
