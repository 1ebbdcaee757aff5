"""A worker's state in one piece, as `horde worker status` and the screen show it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from horde.worker.backends.base import AlchemyAbilities, AnyBackend, ImageAbilities, TextAbilities
from horde.worker.control import Job, State
from horde.worker.settings import Settings
from horde.worker.tally import Tally

MODELS_TOLD = 50


def state_of(
    settings: Settings,
    backends: Sequence[tuple[str, AnyBackend]],
    tally: Tally,
    paused_for: str,
    now: datetime | None = None,
) -> State:
    """How a worker is at a moment."""
    now = now or datetime.now().astimezone()
    return State(
        name=settings.name,
        horde=settings.horde_url,
        backend=", ".join(name for name, _ in backends),
        models=[model for _, backend in backends for model in _names(backend.abilities)][:MODELS_TOLD],
        paused_for=paused_for,
        jobs=[
            Job(
                kind=doing.kind,
                about=doing.about,
                jobs=doing.jobs,
                stage=doing.stage,
                share=doing.share,
                seconds=(now - doing.since).total_seconds(),
            )
            for doing in tally.doing.values()
        ],
        done_today=tally.done_today,
        faults_today=tally.faults_today,
        last_fault=tally.last_fault,
        kudos_today=tally.kudos_today,
        kudos_per_hour=tally.kudos_per_hour(now),
        skipped=dict(tally.skipped),
    )


def _names(abilities: object) -> tuple[str, ...]:
    if isinstance(abilities, ImageAbilities | TextAbilities):
        return abilities.models
    return abilities.forms if isinstance(abilities, AlchemyAbilities) else ()
