"""Looks at this machine for an owner who did not say what does the work."""

from __future__ import annotations

from pathlib import Path

from horde.worker.automatic import proposal
from horde.worker.machine import machine
from horde.worker.owner import Owner
from horde.worker.probe import programs


async def found_out(owner: Owner) -> list[str]:
    """Settle what the owner left open by what is here, and say why, a line each. Nothing is started."""
    proposed = proposal(await programs(), machine(Path.cwd()))
    owner.suggest(proposed.values)
    return proposed.reasons
