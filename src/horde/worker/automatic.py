"""Finds out what an owner need not be asked: which programs do the work, and how big a picture the card stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from horde.worker.machine import Machine
from horde.worker.probe import Found

BY_ITSELF = "tiny"
"""What does the work where no program is found: it needs no card and no download."""
GIB_MIB = 1024
PIXELS_BY_MEMORY_MIB = (
    (4 * GIB_MIB, 512 * 512), (8 * GIB_MIB, 768 * 768), (12 * GIB_MIB, 1024 * 1024), (24 * GIB_MIB, 1536 * 1536),
)  # fmt: skip
"""Below so much memory of the card, pictures up to this. A rule of thumb for half precision, which errs on the small
side: who knows better says `max_pixels`, and a picture that was too big makes the offer smaller by itself."""
PIXELS_MOST = 2048 * 2048


@dataclass(frozen=True, slots=True)
class Proposal:
    """Settings for what the owner left open, and why."""

    values: dict[str, object]
    """By the names of the settings."""
    reasons: list[str] = field(default_factory=list)
    """A line each, for the owner."""


def proposal(programs: Sequence[Found], machine: Machine) -> Proposal:
    """What to work with on this machine. Programs that have no model now are named and not used."""
    useful = [found for found in programs if found.models]
    reasons = [_in_words(found) for found in programs]
    reasons += [card.in_words() for card in machine.cards]
    if not useful:
        reasons.append(f"no program with a model is found at the usual ports, so {BY_ITSELF} does the work")
        return Proposal({"backend": BY_ITSELF}, reasons)
    values: dict[str, object] = {"backend": ",".join(f"{found.backend}={found.url}" for found in useful)}
    if machine.cards:
        memory_mib = max(card.memory_mib for card in machine.cards)
        pixels = next((most for below, most in PIXELS_BY_MEMORY_MIB if memory_mib < below), PIXELS_MOST)
        values["max_pixels"] = pixels
        reasons.append(f"pictures up to {pixels:,} pixels, for a card with {memory_mib:,} MiB")
    return Proposal(values, reasons)


def _in_words(found: Found) -> str:
    version = f" {found.version}" if found.version else ""
    models = ", ".join(found.models) or "no model, so it is not used"
    return f"{found.program}{version} at {found.url}: {models}"
