"""Addresses that are kept out, for moderators. Source: contract/api-v2.md, section 9.

An address that is none is refused before the key is looked at.
"""

from __future__ import annotations

from datetime import timedelta

from litestar import Router, delete, get, post, put
from litestar.params import FromPath, JSONBody

from horde.server.api.auth import ApiKey, moderator
from horde.server.api.body import StrictJson
from horde.server.api.connection import Ctx
from horde.server.context import Context
from horde.server.moderation import blocks as blocking
from horde.server.moderation.networks import Block, address, network
from horde.server.workers.read import origin_of, worker
from horde.wire import v2_moderation


@get("/ipaddr", summary="Addresses that are kept out")
async def list_blocks(ctx: Ctx, api_key: ApiKey) -> list[v2_moderation.BlockedAddress]:
    """Every address and network that a moderator keeps out, with the seconds that are left; longest first."""
    await moderator(ctx, api_key)
    return [_answer(ctx, found) for found in await blocking.blocks(ctx)]


@post(
    "/ipaddr",
    status_code=200,
    dto=StrictJson[v2_moderation.BlockAddress],
    return_dto=None,
    summary="Keep an address out",
)
async def block_address(ctx: Ctx, data: JSONBody[v2_moderation.BlockAddress], api_key: ApiKey) -> v2_moderation.Done:
    """Take no requests, workers and new accounts from an address or a network, for 1 to 720 hours from now on."""
    kept_out = network(data.ipaddr)
    await moderator(ctx, api_key)
    await blocking.block(ctx, kept_out, timedelta(hours=data.hours))
    return v2_moderation.Done()


@delete(
    "/ipaddr",
    status_code=200,
    dto=StrictJson[v2_moderation.UnblockAddress],
    return_dto=None,
    summary="Let an address in again",
)
async def unblock_address(
    ctx: Ctx, data: JSONBody[v2_moderation.UnblockAddress], api_key: ApiKey
) -> v2_moderation.Done:
    """End the block of exactly this address or network, and its timeout. One that is not kept out may be named too."""
    kept_out = network(data.ipaddr)
    await moderator(ctx, api_key)
    await blocking.unblock(ctx, kept_out)
    return v2_moderation.Done()


@get("/ipaddr/{ip:str}", summary="What keeps an address out")
async def read_blocks(ctx: Ctx, ip: FromPath[str], api_key: ApiKey) -> list[v2_moderation.BlockedAddress]:
    """The blocks of all networks that this address is in, and the timeout that it has for refused prompts."""
    found = address(ip)
    await moderator(ctx, api_key)
    return [_answer(ctx, block) for block in await blocking.blocks_around(ctx, found)]


@put(
    "/block_worker_ipaddr/{worker_id:str}",
    dto=StrictJson[v2_moderation.BlockWorker],
    return_dto=None,
    summary="Keep a worker's address out",
)
async def block_worker(
    ctx: Ctx, worker_id: FromPath[str], data: JSONBody[v2_moderation.BlockWorker], api_key: ApiKey
) -> v2_moderation.Done:
    """Block the address that a worker came from last, of IPv6 the /64 around it, for 1 to 30 days."""
    await moderator(ctx, api_key)
    origin = await origin_of(ctx, (await worker(ctx, worker_id)).id)
    await blocking.block(ctx, blocking.network_of_worker(origin), timedelta(days=data.days))
    return v2_moderation.Done()


@delete("/block_worker_ipaddr/{worker_id:str}", status_code=200, summary="Let a worker's address in again")
async def unblock_worker(ctx: Ctx, worker_id: FromPath[str], api_key: ApiKey) -> v2_moderation.Done:
    """End the block of the address that a worker came from last."""
    await moderator(ctx, api_key)
    origin = await origin_of(ctx, (await worker(ctx, worker_id)).id)
    await blocking.unblock(ctx, blocking.network_of_worker(origin))
    return v2_moderation.Done()


def _answer(ctx: Context, block: Block) -> v2_moderation.BlockedAddress:
    return v2_moderation.BlockedAddress(str(block.network), round(block.remaining(ctx.now).total_seconds()))


router = Router(
    "/operations",
    route_handlers=[list_blocks, block_address, unblock_address, read_blocks, block_worker, unblock_worker],
    tags=["Moderation"],
)
