"""What a worker would offer a horde, for a look before it starts."""

from __future__ import annotations

import msgspec

from horde.worker.bridge import AGENT
from horde.worker.main import Team
from horde.worker.trades import trade_of


async def offers(team: Team) -> str:
    """The offer of each back end as the horde would get it, in JSON; nothing is asked for and no key is shown.

    The back ends are started for it, and closed again.
    """
    found: dict[str, object] = {"horde": team.owner.settings.horde_url, "agent": AGENT}
    for name, backend in team.backends.items():
        try:
            await backend.start()
            abilities = backend.abilities
            call = trade_of(abilities).pop(team.owner.said(), abilities, [], None, 0)
            found[name] = {"call": call.path, "offer": call.body}
        finally:
            await backend.close()
    return msgspec.json.format(msgspec.json.encode(found)).decode()
