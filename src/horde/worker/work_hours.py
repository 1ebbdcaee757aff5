"""When a worker works: hours of the day in the owner's local time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time

from horde.environment import BadSetting

HOURS = re.compile(r"\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class WorkHours:
    """Spans of the day, each with its first minute and without its last; none: the whole day."""

    spans: tuple[tuple[time, time], ...] = ()

    def holds(self, now: time) -> bool:
        """Whether this is a time to work. A span that ends before it begins goes over midnight."""
        if not self.spans:
            return True
        return any((start <= now < end) if start < end else (now >= start or now < end) for start, end in self.spans)


def work_hours(text: str) -> WorkHours:
    """Read `22:00-07:00, 12:30-13:00`. Raises BadSetting."""
    spans = []
    for part in filter(str.strip, text.split(",")):
        found = HOURS.fullmatch(part)
        try:
            if found is None:
                raise ValueError(part)
            start, end = time(int(found[1]), int(found[2])), time(int(found[3]) % 24, int(found[4]))
        except ValueError as error:
            raise BadSetting(
                f"work_hours cannot be used: {part.strip()!r} is no span of the day; one looks like 22:00-07:00"
            ) from error
        spans.append((start, end))
    return WorkHours(tuple(spans))
