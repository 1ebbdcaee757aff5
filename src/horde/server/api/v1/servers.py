"""Servers, which are called workers elsewhere, in v1. Source: contract/api-v1.md, section 4."""

from __future__ import annotations

from litestar import MediaType, Response, Router, get, put
from litestar.params import FromPath
from msgspec import UNSET

from horde.errors import WorkerNotFound
from horde.kinds import image
from horde.server.accounts.keys import ANONYMOUS_KEY, authenticate
from horde.server.api.connection import AnyRequest, Ctx
from horde.server.api.v1.arguments import BARE_TEXTS, TEXT, TRUTH, arguments, bare, taking
from horde.server.workers.modify import Changes, modify
from horde.server.workers.read import worker, workers_online
from horde.server.workers.roster import Worker
from horde.units import PIXELSTEPS_PER_MPS, kudos_on_the_wire
from horde.wire import v1_servers

NO_REQUESTS = "No requests fulfilled yet"
NOT_FOUND = "Not found"

DescribedChange = taking(
    {"api_key": TEXT, "maintenance": TRUTH, "paused": TRUTH},
    example={"api_key": ANONYMOUS_KEY, "maintenance": True},
    required=("api_key",),
)


@get("/", summary="Servers online")
async def list_servers(ctx: Ctx) -> list[v1_servers.ListedServer]:
    """Everybody who makes pictures and checked in within the last five minutes."""
    return [_listed(found) for found in await workers_online(ctx, kind=image.NAME)]


def _listed(found: Worker) -> v1_servers.ListedServer:
    return v1_servers.ListedServer(
        name=found.name,
        id=str(found.id),
        max_pixels=found.terms.sizes["pixels"],
        megapixelsteps_generated=_made(found),
        requests_fulfilled=found.fulfilled,
        kudos_rewards=kudos_on_the_wire(found.earned_mk),
        kudos_details=v1_servers.KudosDetails(
            generated=kudos_on_the_wire(found.earned_mk - found.uptime_mk), uptime=kudos_on_the_wire(found.uptime_mk)
        ),
        performance=_speed(found),
        uptime=round(found.uptime_s),
        maintenance_mode=found.is_in_maintenance,
    )


def _made(found: Worker) -> float:
    return round(found.things / PIXELSTEPS_PER_MPS, 2)


def _speed(found: Worker) -> str:
    return f"{found.speed / PIXELSTEPS_PER_MPS:.1f} megapixelsteps per second" if found.speeds else NO_REQUESTS


@get("/{server_id:str}", media_type=MediaType.JSON, summary="One server")
async def read_server(ctx: Ctx, server_id: FromPath[str]) -> Response[v1_servers.Server] | Response[bytes]:
    """A server, online or not."""
    try:
        found = await worker(ctx, server_id)
    except WorkerNotFound:
        return bare(NOT_FOUND, 404)
    if found.kind != image.NAME:
        return bare(NOT_FOUND, 404)
    return Response(
        v1_servers.Server(
            name=found.name,
            id=str(found.id),
            max_pixels=found.terms.sizes["pixels"],
            megapixelsteps_generated=_made(found),
            requests_fulfilled=found.fulfilled,
            latest_performance=_speed(found),
            maintenance_mode=found.is_in_maintenance,
        )
    )


@put("/{server_id:str}", operation_class=DescribedChange, media_type=MediaType.JSON, summary="Change a server")
async def change_server(request: AnyRequest, ctx: Ctx, server_id: FromPath[str]) -> v1_servers.ServerChanged:
    """Its owner puts it into maintenance or takes it out; who looks after the horde may also pause it."""
    asked = await arguments(request, v1_servers.ServerChange, required=("api_key",), casts=True)
    await worker(ctx, server_id)
    caller = await authenticate(ctx, asked.api_key)
    wanted = Changes(
        is_in_maintenance=None if asked.maintenance is UNSET else asked.maintenance,
        is_paused=None if asked.paused is UNSET else asked.paused,
    )
    changed = await modify(ctx, caller, server_id, wanted)
    return v1_servers.ServerChanged(
        maintenance=UNSET if asked.maintenance is UNSET else changed.is_in_maintenance,
        paused=UNSET if asked.paused is UNSET else changed.is_paused,
    )


router = Router(
    "/servers",
    route_handlers=[list_servers, read_server, change_server],
    exception_handlers=BARE_TEXTS,
    tags=["API v1"],
)
