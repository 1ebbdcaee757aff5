"""The state of the horde, in v1. Source: contract/api-v1.md, section 4."""

from __future__ import annotations

from litestar import MediaType, Router, get, put

from horde.kinds import image
from horde.server.accounts.keys import ANONYMOUS_KEY, authenticate
from horde.server.api.connection import AnyRequest, Ctx
from horde.server.api.v1.arguments import BARE_TEXTS, TEXT, TRUTH, arguments, taking
from horde.server.modes.modes import Wanted, modes, set_modes
from horde.server.status.performance import performance
from horde.units import PIXELSTEPS_PER_MPS
from horde.wire import v1

DescribedMaintenance = taking({"api_key": TEXT, "active": TRUTH}, example={"api_key": ANONYMOUS_KEY, "active": False})


@get("/status/performance", summary="The horde in numbers")
async def read_performance(ctx: Ctx) -> v1.Performance:
    """What waits, who serves, and what was done in the past minute; of pictures alone."""
    now = await performance(ctx, image.NAME)
    return v1.Performance(
        queued_requests=now.jobs_waiting,
        queued_megapixelsteps=round(now.things_waiting / PIXELSTEPS_PER_MPS, 2),
        megapixelsteps_per_min=round(now.things_in_past_minute / PIXELSTEPS_PER_MPS, 2),
        server_count=now.workers,
        maintenance_mode=(await modes(ctx)).maintenance,
    )


@put("/admin/maintenance", operation_class=DescribedMaintenance, media_type=MediaType.JSON, summary="Maintenance")
async def set_maintenance(request: AnyRequest, ctx: Ctx) -> v1.Maintenance:
    """Admins have no request taken, or taken again; what waits is served all the while."""
    asked = await arguments(request, v1.SetMaintenance, required=("api_key", "active"), casts=True)
    caller = await authenticate(ctx, asked.api_key)
    return v1.Maintenance((await set_modes(ctx, caller, Wanted(maintenance=asked.active))).maintenance)


router = Router("/", route_handlers=[read_performance, set_maintenance], exception_handlers=BARE_TEXTS, tags=["API v1"])
