"""Teams with their workers, for looking at."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from horde.errors import TeamNotFound
from horde.kinds import KINDS
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.teams.count import sql

LISTED_MAX = 1000
"""Teams in a list: those that earned most."""
SHOWN_MAX = 80
"""How much of an id that no team has is said again in the refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A worker of a team."""

    team_id: UUID
    id: UUID
    kind: str
    name: str
    last_seen: datetime
    models: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team and what its workers did while they were in it."""

    id: UUID
    name: str
    info: str | None
    user_id: int
    """Who founded it, and may change it."""
    founder: str
    fulfilled: int
    earned_mk: int
    uptime_s: float

    @property
    def creator(self) -> str:
        """`name#id` of who founded it."""
        return f"{self.founder}#{self.user_id}"


@dataclass(frozen=True, slots=True)
class TeamSeen:
    """A team with its workers of this moment."""

    team: Team
    members: list[Member]

    @property
    def models(self) -> list[tuple[str, int]]:
        """The models that its workers offer, each with how many do; the most offered first."""
        counts = Counter(model for member in self.members if KINDS[member.kind].has_models for model in member.models)
        return sorted(counts.items(), key=lambda found: (-found[1], found[0]))


async def teams(ctx: Context) -> list[TeamSeen]:
    """All teams, those that earned most first."""
    async with ctx.database.snapshot() as tx:
        return await _with_members(tx, await tx.all(sql.all_teams, Team, ids=None, limit=LISTED_MAX))


async def team_seen(ctx: Context, team_id: str) -> TeamSeen:
    """A team with its workers. Raises TeamNotFound, also for what is no UUID."""
    async with ctx.database.snapshot() as tx:
        [found] = await _with_members(tx, [await team_by_id(tx, team_id)])
    return found


async def team(ctx: Context, team_id: str) -> Team:
    """A team. Raises TeamNotFound, also for what is no UUID."""
    async with ctx.database.statement() as tx:
        return await team_by_id(tx, team_id)


async def team_by_id(tx: Tx, text: str) -> Team:
    """A team by its id as it was written. Raises TeamNotFound, also for what is no UUID."""
    try:
        found = await tx.maybe(sql.all_teams, Team, ids=[UUID(text)], limit=1)
    except ValueError:
        found = None
    if found is None:
        raise TeamNotFound(f"Team with ID {text[:SHOWN_MAX]!r} not found.")
    return found


async def _with_members(tx: Tx, found: list[Team]) -> list[TeamSeen]:
    members: defaultdict[UUID, list[Member]] = defaultdict(list)
    for member in await tx.all(sql.members, Member, teams=[team.id for team in found]):
        members[member.team_id].append(member)
    return [TeamSeen(team, members[team.id]) for team in found]
