"""Who asks how far a request is from an address that is kept out, with a program that says no name."""

from __future__ import annotations

from horde.errors import Refused
from horde.server.context import Context
from horde.server.moderation.blocks import kept_out_for

UNKNOWN_AGENT = "unknown:0:unknown"
"""What a call without `Client-Agent` counts as."""


async def refuse_unknown_blocked(ctx: Context, client_agent: str, address: str) -> None:
    """Raises Refused (403 `Forbidden`); programs that say who they are may go on asking."""
    if client_agent == UNKNOWN_AGENT and await kept_out_for(ctx, address) is not None:
        raise Refused(
            f"Calls from your IP address {address} are not taken at the moment.",
            hint="name your program in the header Client-Agent.",
        )
