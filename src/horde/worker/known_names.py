"""The names that models have on a horde, by which the files of the owner's programs are known.

Only a name that is the same but for case and punctuation counts: `juggernaut_xl.safetensors` is `Juggernaut XL`, and
`deliberate_v2` is not `Deliberate`, which may be another version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from horde.client import AsyncHorde, Retries
from horde.errors import HordeError
from horde.worker.backends.model_names import bare_name, squashed
from horde.worker.bridge import AGENT
from horde.worker.models.reference import names_by_file, unambiguous
from horde.worker.settings import Settings

ONCE = Retries(attempts=1)
PATIENCE_S = 5.0
"""How long the horde may take to tell; without it files keep their own names."""


async def known_names(settings: Settings) -> dict[str, str]:
    """By squashed name, the name of each model: as the owner says it, as the reference does, or else as the horde does.

    A horde that cannot be reached tells none; the worker will wait for it later. Raises BadReference.
    """
    reference = names_by_file(settings.model_reference) if settings.model_reference is not None else {}
    of_files = {bare_name(file): name for file, name in reference.items()}
    told = await _told_by(settings)
    return {
        **_by_squashed({name: name for name in told}),
        **_by_squashed(of_files),
        **_by_squashed({name: name for name in reference.values()}),
        **_by_squashed({name: name for name in settings.models}),
    }


async def _told_by(settings: Settings) -> list[str]:
    try:
        async with asyncio.timeout(PATIENCE_S):
            async with AsyncHorde(settings.horde_url, settings.api_key, client_agent=AGENT, retries=ONCE) as horde:
                return [model.name for model in await horde.models()]
    except (HordeError, TimeoutError):
        # Nothing is logged: the worker does not speak yet, and soon says itself that the horde is away.
        return []


def _by_squashed(names: Mapping[str, str]) -> dict[str, str]:
    return unambiguous((squashed(said), name) for said, name in names.items())
