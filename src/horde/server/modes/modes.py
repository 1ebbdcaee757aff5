"""The modes of the whole horde, as this process remembers them. Source: contract/lifecycle.md, section 15.

Every request and every new worker asks for them, so they are read from memory, about a second old on every node at the
most; the guard of workers reads them in its own statement (`count_uncompleted`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from horde.errors import BadInput, MaintenanceMode, NoHordeModSelected, NotAdmin, NotModerator, Refused
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.memory import Copy
from horde.server.modes import sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """Which doors are closed."""

    maintenance: bool
    """No request is taken; what waits is still served, and delivered."""
    invite_only: bool
    """New workers need an invitation: because of this mode, or of the operator's setting."""
    raid: bool
    """Nobody registers without being known, nobody is told that no worker can serve a request, and owners of workers
    that fail are suspected sooner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be different; None: stays as it is."""

    maintenance: bool | None = None
    invite_only: bool | None = None
    raid: bool | None = None


class Remembered:
    """This process's copy of the modes."""

    def __init__(self) -> None:
        self._copy = Copy(_read)

    async def read(self, ctx: Context, *, period_s: float) -> Modes:
        """The modes, about so old at the most; 0: as they are now."""
        return await self._copy.read(ctx, now=ctx.now, period_s=period_s)


async def modes(ctx: Context) -> Modes:
    """The modes as this process remembers them. Raises Overloaded at the start without a database."""
    known = await ctx.remembered(Remembered).read(ctx, period_s=ctx.services.settings.refresh_s)
    return replace(known, invite_only=True) if ctx.services.settings.invite_only else known


async def refuse_in_maintenance(ctx: Context) -> None:
    """Raises MaintenanceMode while no requests are taken."""
    if (await modes(ctx)).maintenance:
        raise MaintenanceMode


async def refuse_strangers(ctx: Context) -> None:
    """Raises Refused while nobody registers without being known, which is in raid mode."""
    if (await modes(ctx)).raid:
        raise Refused("New accounts are not given out at the moment.", hint="come back later, or ask with 0000000000.")


async def set_modes(ctx: Context, caller: User, wanted: Wanted) -> Modes:
    """Close and open doors; returns the modes as they are then. Other nodes know within a second or so.

    Raises NotModerator, NotAdmin for the maintenance of the horde, NoHordeModSelected, and BadInput for a door that the
    operator's setting keeps closed; nothing is changed then.
    """
    _refuse(ctx, caller, wanted)
    async with ctx.database.transaction() as tx:
        await tx.run(sql.set_modes, maintenance=wanted.maintenance, invite_only=wanted.invite_only, raid=wanted.raid)
    await ctx.remembered(Remembered).read(ctx, period_s=0)
    return await modes(ctx)


def _refuse(ctx: Context, caller: User, wanted: Wanted) -> None:
    if not caller.is_moderator:
        raise NotModerator("Only moderators may change how the horde is run.")
    if wanted == Wanted():
        raise NoHordeModSelected
    if wanted.maintenance is not None and not caller.is_admin:
        raise NotAdmin("Only admins may begin or end the maintenance of the horde.")
    if wanted.invite_only is False and ctx.services.settings.invite_only:
        raise BadInput(
            "The operator of this horde keeps it closed to workers without an invitation.",
            hint="start the server without HORDE_INVITE_ONLY to leave it to moderators.",
        )


async def _read(ctx: Context, _previous: Modes | None) -> Modes:
    async with ctx.database.statement() as tx:
        found = await tx.maybe(sql.modes, Modes)
    assert found is not None, "the migration made the row"
    return found
