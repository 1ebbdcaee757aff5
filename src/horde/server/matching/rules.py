"""The one statement of "may this worker do this job": a table of named tests.

Matching, the `skipped` counters of an idle pop and `is_possible` all read this table.
Source: contract/lifecycle.md, section 5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from horde.kinds import KINDS
from horde.kinds.base import Needs, Offer


@dataclass(frozen=True, slots=True)
class Rule:
    """A demand that an offer can fail."""

    skip_key: str
    """How an idle worker is told that it failed here."""
    holds: Callable[[Needs, Offer], bool]


RULES = (
    Rule("models", lambda needs, offer: not needs.models or not offer.models.isdisjoint(needs.models)),
    Rule("nsfw", lambda needs, offer: offer.nsfw or not needs.nsfw),
    Rule("untrusted", lambda needs, offer: offer.is_trusted or not needs.trusted_workers),
    Rule("performance", lambda needs, offer: needs.slow_workers or not offer.is_slow),
    Rule("performance", lambda needs, offer: needs.extra_slow_workers or not offer.is_extra_slow),
    Rule(
        "worker_id",
        lambda needs, offer: not needs.workers or (offer.worker_id in needs.workers) != needs.worker_blacklist,
    ),
)
DEFAULT_SKIP_KEY = "bridge_version"


def failures(needs: Needs, offer: Offer) -> list[str]:
    """The skip keys of everything that the offer lacks; empty when it can do the job."""
    assert needs.kind == offer.kind, "an offer is only held against needs of its own kind"
    keys = KINDS[needs.kind].skip_keys
    failed = [rule.skip_key for rule in RULES if not rule.holds(needs, offer)]
    failed += [keys.get(name, DEFAULT_SKIP_KEY) for name in needs.features if name not in offer.features]
    failed += [keys.get(name, name) for name, size in needs.sizes if size > offer.sizes.get(name, 0)]
    return failed


def can_serve(offer: Offer, needs: Needs) -> bool:
    """Whether the offer meets every demand."""
    return not failures(needs, offer)
