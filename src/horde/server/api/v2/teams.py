"""Teams. Source: contract/api-v2.md, section 7."""

from __future__ import annotations

from typing import TypeVar

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, UnsetType

from horde.errors import NotModerator
from horde.server.accounts.keys import authenticate
from horde.server.api.auth import ApiKey, OptionalApiKey, caller_by
from horde.server.api.body import StrictJson
from horde.server.api.connection import Ctx
from horde.server.api.v2.kinds import NAMES
from horde.server.context import Context
from horde.server.teams.manage import change_team, delete_team, found_team
from horde.server.teams.read import TeamSeen, team, team_seen, teams
from horde.server.workers.roster import ONLINE_FOR
from horde.units import kudos_on_the_wire
from horde.wire import v2, v2_teams

T = TypeVar("T")


@get("/", summary="Teams")
async def list_teams(ctx: Ctx) -> list[v2_teams.TeamAnswer]:
    """All teams; those that earned most come first."""
    return [_answer(ctx, found) for found in await teams(ctx)]


@post("/", status_code=200, dto=StrictJson[v2_teams.NewTeam], return_dto=None, summary="Found a team")
async def create_team(ctx: Ctx, data: JSONBody[v2_teams.NewTeam], api_key: ApiKey) -> v2_teams.TeamChanged:
    """A team without workers, for trusted accounts. Workers join by `PUT workers/{id}` of their owners."""
    founder = await authenticate(ctx, api_key)
    made = await found_team(ctx, founder, data.name, _given(data.info))
    return v2_teams.TeamChanged(id=str(made.id), name=made.name, info=made.info or UNSET)


@get("/{team_id:str}", summary="One team")
async def read_team(ctx: Ctx, team_id: FromPath[str], api_key: OptionalApiKey = None) -> v2_teams.TeamAnswer:
    """A team with its workers. A key may be left out; one that is no moderator's is refused."""
    if api_key and not (await authenticate(ctx, api_key)).is_moderator:
        raise NotModerator
    return _answer(ctx, await team_seen(ctx, team_id))


@patch("/{team_id:str}", dto=StrictJson[v2_teams.TeamChange], return_dto=None, summary="Change a team")
async def update_team(
    ctx: Ctx, team_id: FromPath[str], data: JSONBody[v2_teams.TeamChange], api_key: OptionalApiKey = None
) -> v2_teams.TeamChanged:
    """Give a team another name or info; its owner may, and moderators."""
    found = await team(ctx, team_id)
    caller = await caller_by(ctx, api_key)
    changed = await change_team(ctx, caller, found, name=_given(data.name), info=_given(data.info))
    return v2_teams.TeamChanged(
        name=UNSET if data.name is UNSET else changed.name, info=UNSET if data.info is UNSET else changed.info or UNSET
    )


@delete("/{team_id:str}", status_code=200, summary="Delete a team")
async def remove_team(ctx: Ctx, team_id: FromPath[str], api_key: OptionalApiKey = None) -> v2.Deleted:
    """Delete a team; its owner may, and moderators. Its workers stay, in no team."""
    found = await team(ctx, team_id)
    await delete_team(ctx, await caller_by(ctx, api_key), found)
    return v2.Deleted(str(found.id), found.name)


def _given(value: T | UnsetType) -> T | None:
    return None if isinstance(value, UnsetType) else value


def _answer(ctx: Context, found: TeamSeen) -> v2_teams.TeamAnswer:
    team = found.team
    return v2_teams.TeamAnswer(
        name=team.name,
        id=str(team.id),
        creator=team.creator,
        requests_fulfilled=team.fulfilled,
        kudos=kudos_on_the_wire(team.earned_mk),
        uptime=round(team.uptime_s),
        info=team.info or UNSET,
        worker_count=len(found.members),
        workers=[
            v2_teams.TeamWorker(
                type=NAMES.get(member.kind, member.kind),
                name=member.name,
                id=str(member.id),
                online=ctx.now - member.last_seen <= ONLINE_FOR,
            )
            for member in found.members
        ],
        models=[v2_teams.TeamModel(name, count) for name, count in found.models],
    )


router = Router("/teams", route_handlers=[list_teams, create_team, read_team, update_team, remove_team], tags=["Teams"])
