"""Why nobody online can do a request, in a sentence or two for humans. Pure; reads the same table as matching does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from horde.kinds import KINDS
from horde.kinds.base import Needs, Offer
from horde.server.matching.rules import Rule, can_serve, rules_for

PHRASES_MAX = 3
"""How many demands one sentence names; the others are counted."""
VERBS = {
    "is": ("are", "is not", "are not"),
    "has": ("have", "does not have", "do not have"),
    "offers": ("offer", "does not offer", "do not offer"),
    "takes": ("take", "does not take", "do not take"),
}
"""The verbs with which the words of rules begin: for several workers; for one that does not, and several."""

WHEN_RESTING = "wait until it serves everybody again, or start another worker (horde worker)."


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """A demand that workers online do not meet."""

    rule: str
    """Its name in the table of rules."""
    skip_key: str
    words: str
    """What a worker does that meets it: "takes nsfw requests"."""
    workers: int
    """How many online do not meet it."""
    lacking_only_this: int
    """How many of them meet all others."""
    limit: int | None
    """The most that any of these workers offers of a size; None where it is not a size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why nobody can do it."""

    sentence: str
    online: int
    """Workers of the right kind that serve everybody."""
    short_of: tuple[Shortfall, ...]
    """What is missing, the nearest to being met first."""


class Resting(NamedTuple):
    """A worker online that serves its owner alone."""

    offer: Offer
    state: str
    """Goes on after "it is"."""


@dataclass(slots=True)
class _Group:
    """Workers that fail the very same rules."""

    failed: tuple[int, ...]
    workers: int = 0
    limits: dict[int, int] = field(default_factory=dict)
    """The most that any of them offers of the size of a failed rule."""


def explain(needs: Needs, offers: Iterable[Offer], resting: Iterable[Resting] = ()) -> Explanation | None:
    """Why none of these offers can serve these needs; None: one can. Those who rest may be the whole reason.

    Each offer is looked at once: measured 3 us each.
    """
    rules = tuple(rules_for(needs))
    groups: dict[tuple[int, ...], _Group] = {}
    of_other_kinds = 0
    for offer in offers:
        if offer.kind != needs.kind:
            of_other_kinds += 1
            continue
        failed = tuple([place for place, rule in enumerate(rules) if not rule.holds(needs, offer)])
        if not failed:
            return None
        group = groups.setdefault(failed, _Group(failed))
        group.workers += 1
        for place in failed:
            if (size := rules[place].size) is not None:
                group.limits[place] = max(group.limits.get(place, 0), offer.sizes.get(size, 0))
    at_rest = [rests for rests in resting if rests.offer.kind == needs.kind]
    if able := [rests for rests in at_rest if can_serve(rests.offer, needs)]:
        sentence = f"{_count(len(able), after=' online')} could do it, but {_rest(able)}. Hint: {WHEN_RESTING}"
    elif groups:
        return _Case(needs, rules, sorted(groups.values(), key=lambda group: _distance(group, rules))).explanation
    elif at_rest and (lack := explain(needs, [rests.offer for rests in at_rest])):
        are = "is" if len(at_rest) == 1 else "are"
        sentence = f"{_count(len(at_rest))} {are} online, but {_rest(at_rest)}. {lack.sentence}"
    else:
        sentence = f"No worker online does {needs.kind} requests." if of_other_kinds else "No worker is online."
    return Explanation(sentence=sentence, online=sum(group.workers for group in groups.values()), short_of=())


def _rest(resting: Sequence[Resting]) -> str:
    states = " or ".join(sorted({rests.state for rests in resting}))
    return f"it is {states}" if len(resting) == 1 else f"they are {states}"


def _distance(group: _Group, rules: Sequence[Rule]) -> tuple[int, bool, int, tuple[int, ...]]:
    # The fewest obstacles first; then who has the model, as requestors give up anything sooner than that.
    lacks_model = any(rules[place].name == "models" for place in group.failed)
    return len(group.failed), lacks_model, -group.workers, group.failed


class _Case:
    """Workers online and what they lack, about to be put into words."""

    def __init__(self, needs: Needs, rules: Sequence[Rule], groups: list[_Group]) -> None:
        self._needs = needs
        self._rules = rules
        self._groups = groups
        self._online = sum(group.workers for group in groups)
        places = dict.fromkeys(place for group in groups for place in group.failed)
        self._shortfalls = {place: self._shortfall(place) for place in places}

    @property
    def explanation(self) -> Explanation:
        return Explanation(sentence=self._text(), online=self._online, short_of=tuple(self._shortfalls.values()))

    def _shortfall(self, place: int) -> Shortfall:
        rule = self._rules[place]
        failing = [group for group in self._groups if place in group.failed]
        return Shortfall(
            rule=rule.name,
            skip_key=rule.skip_key,
            words=rule.says(self._needs),
            workers=sum(group.workers for group in failing),
            lacking_only_this=sum(group.workers for group in failing if len(group.failed) == 1),
            limit=None if rule.size is None else max(group.limits[place] for group in failing),
        )

    def _text(self) -> str:
        nearest, *others = self._groups
        nobody = sorted(place for place, lack in self._shortfalls.items() if lack.workers == self._online)
        if nobody:
            does = _joined([self._shortfalls[place].words for place in nobody], ", and none ")
            said = [f"No worker online {does}{self._limits(nobody, self._groups)}."]
            if beside := [place for place in nearest.failed if place not in nobody]:
                comes = "comes" if nearest.workers == 1 else "come"
                said.append(f"{_count(nearest.workers)} {comes} nearest, but also {self._lacks(nearest, beside)}.")
            return " ".join(said)
        text = f"{_count(nearest.workers, after=' online')} {self._but(nearest, others)}."
        if len(others[0].failed) == len(nearest.failed):
            text += f" {_count(others[0].workers, before='other ')} {self._but(others[0], [nearest])}."
        return text

    def _but(self, group: _Group, others: list[_Group]) -> str:
        # What sets these workers off is the demand that they meet and that most of the others do not.
        met = {
            place: sum(other.workers for other in others if place in other.failed)
            for place in sorted(self._shortfalls)
            if place not in group.failed
        }
        words = self._shortfalls[max(met, key=met.__getitem__)].words
        return f"{_does(words, group.workers)}, but {self._lacks(group, group.failed)}"

    def _lacks(self, group: _Group, places: Sequence[int]) -> str:
        lacks = [_does_not(self._shortfalls[place].words, group.workers) for place in places]
        return _joined(lacks, ", and ") + self._limits(places, [group])

    def _limits(self, places: Sequence[int], groups: list[_Group]) -> str:
        in_words = KINDS[self._needs.kind].size_in_words
        return "".join(
            f"; the most is {in_words(size, most)}"
            for place in places[:PHRASES_MAX]
            if (size := self._rules[place].size) and (most := max(group.limits[place] for group in groups))
        )


def _count(workers: int, *, before: str = "", after: str = "") -> str:
    return f"{workers:,} {before}{'worker' if workers == 1 else 'workers'}{after}"


def _does(words: str, workers: int) -> str:
    verb, _, rest = words.partition(" ")
    return words if workers == 1 else f"{VERBS[verb][0]} {rest}"


def _does_not(words: str, workers: int) -> str:
    verb, _, rest = words.partition(" ")
    return f"{VERBS[verb][1 if workers == 1 else 2]} {rest}"


def _joined(phrases: list[str], glue: str) -> str:
    if (more := len(phrases) - PHRASES_MAX) > 0:
        return f"{glue.join(phrases[:PHRASES_MAX])} ({more} more {'thing' if more == 1 else 'things'} missing)"
    return glue.join(phrases)
