"""How the horde is run. Source: contract/api-v2.md, section 8."""

from __future__ import annotations

from litestar import Router, get, put
from litestar.params import JSONBody
from msgspec import UNSET

from horde.errors import NotModerator
from horde.server.accounts.keys import authenticate
from horde.server.api.auth import ApiKey, OptionalApiKey
from horde.server.api.body import StrictJson
from horde.server.api.connection import Ctx
from horde.server.modes.modes import Wanted, modes, set_modes
from horde.wire import v2, v2_status


@get("/modes", summary="How the horde is run")
async def read_modes(ctx: Ctx, api_key: OptionalApiKey = None) -> v2.ModesAnswer:
    """Which doors are closed at the moment. A key may be left out; one that is no moderator's is refused."""
    if api_key and not (await authenticate(ctx, api_key)).is_moderator:
        raise NotModerator
    now = await modes(ctx)
    return v2.ModesAnswer(
        maintenance_mode=now.maintenance,
        invite_only_mode=now.invite_only,
        raid_mode=now.raid if api_key else UNSET,
    )


@put("/modes", dto=StrictJson[v2_status.ModesChange], return_dto=None, summary="Close doors and open them")
async def change_modes(ctx: Ctx, data: JSONBody[v2_status.ModesChange], api_key: ApiKey) -> v2_status.ModesChanged:
    """For moderators, and the maintenance of the horde for admins. All that is wanted is done, or nothing."""
    caller = await authenticate(ctx, api_key)
    wanted = Wanted(
        maintenance=_truth(data.maintenance_mode),
        invite_only=_truth(data.invite_only_mode),
        raid=_truth(data.raid_mode),
    )
    now = await set_modes(ctx, caller, wanted)
    return v2_status.ModesChanged(
        maintenance_mode=UNSET if wanted.maintenance is None else now.maintenance,
        invite_only_mode=UNSET if wanted.invite_only is None else now.invite_only,
        raid_mode=UNSET if wanted.raid is None else now.raid,
    )


def _truth(value: v2_status.Truth) -> bool | None:
    return None if value is None else bool(value)


router = Router("/status", route_handlers=[read_modes, change_modes], tags=["Status"])
