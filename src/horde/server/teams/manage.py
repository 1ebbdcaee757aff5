"""Found, change and delete teams. Source: contract/api-v2.md, section 7.2."""

from __future__ import annotations

import uuid
from uuid import UUID

from horde.errors import (
    AnonForbidden,
    BadInput,
    NoTeamModSelected,
    NotModerator,
    NotOwner,
    TeamNameAlreadyExists,
    UntrustedTeamCreation,
)
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.moderation.harmless import harmless
from horde.server.teams.count import sql
from horde.server.teams.read import Team, team_by_id
from horde.server.workers.roster import sql as workers

NAME_MIN, NAME_MAX = 3, 100


async def found_team(ctx: Context, founder: User, name: str, info: str | None) -> Team:
    """Make a team without workers.

    Raises AnonForbidden, UntrustedTeamCreation, TeamNameAlreadyExists, BadInput for a name that is none.
    """
    if founder.is_anonymous:
        raise AnonForbidden("The anonymous account cannot found teams.")
    if not founder.is_trusted:
        raise UntrustedTeamCreation
    name, info, team_id = _name(name), _info(info), uuid.uuid4()
    async with ctx.database.transaction() as tx:
        added = await tx.run(sql.add_team, id=team_id, name=name, info=info, user_id=founder.id, now=ctx.now)
        if not added:
            raise _taken(name)
        return await team_by_id(tx, str(team_id))


async def change_team(ctx: Context, caller: User, team: Team, *, name: str | None, info: str | None) -> Team:
    """Give a team another name or info. Its owner may, and moderators.

    Raises NotModerator, NotOwner, NoTeamModSelected, TeamNameAlreadyExists, BadInput for a name that is none, and
    Overloaded where another team takes the name at this moment.
    """
    if not _may_change(caller, team):
        raise NotOwner if name is None else NotModerator
    if name is None and info is None:
        raise NoTeamModSelected
    name = None if name is None else _name(name)
    async with ctx.database.transaction() as tx:
        if name is not None:
            if await tx.values(sql.namesakes, UUID, name=name, id=team.id):
                raise _taken(name)
            # Who remembers the workers has the old name.
            await tx.run(workers.set_team, ids=await _members(tx, team.id), team_id=team.id)
        await tx.run(sql.change_team, id=team.id, name=name, info=_info(info))
        return await team_by_id(tx, str(team.id))


async def delete_team(ctx: Context, caller: User, team: Team) -> None:
    """Delete a team; its workers are in none then. Its owner may, and moderators. Raises NotModerator."""
    if not _may_change(caller, team):
        raise NotModerator
    async with ctx.database.transaction() as tx:
        # Workers before teams, as everywhere: a delivery of one of them counts before this, or finds no team.
        await tx.run(workers.set_team, ids=await _members(tx, team.id), team_id=None)
        await tx.run(sql.delete_team, id=team.id)


async def _members(tx: Tx, team_id: UUID) -> list[UUID]:
    return await tx.values(workers.workers_of_team, UUID, team_id=team_id)


def _may_change(caller: User, team: Team) -> bool:
    return caller.is_moderator or caller.id == team.user_id


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not NAME_MIN <= len(name) <= NAME_MAX:
        raise BadInput(f"The name of a team has {NAME_MIN} to {NAME_MAX} characters, not {len(name)}.")
    return harmless(name)


def _info(text: str | None) -> str | None:
    return None if text is None else harmless(text)


def _taken(name: str) -> TeamNameAlreadyExists:
    return TeamNameAlreadyExists(f"There is a team called {name!r}.")
