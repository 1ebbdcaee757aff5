"""Keep addresses out for a time, and let them in again. Source: contract/api-v2.md, section 9."""

from __future__ import annotations

from datetime import timedelta

from horde.errors import BadInput
from horde.errors.moderation import TimeoutIP
from horde.server.context import Context
from horde.server.moderation.networks import Address, Block, Network, known_address, site
from horde.server.moderation.watch import revise, sql, watched

COUNTS_FOR = timedelta(hours=24)
"""How long a refused prompt makes the next timeout longer."""
TIMEOUT_STEP = timedelta(minutes=3)
TIMEOUT_MAX = timedelta(days=30)
"""As long as a moderator can block."""


async def block(ctx: Context, kept_out: Network, lasting: timedelta) -> Block:
    """Keep a network out from now on, for so long; a block that it has already is replaced."""
    new = Block(network=kept_out, is_timeout=False, ends_at=ctx.now + lasting)
    async with ctx.database.transaction() as tx:
        await revise(ctx, tx, "blocks")
        await tx.run(sql.set_block, network=new.network, is_timeout=new.is_timeout, ends_at=new.ends_at)
    return new


async def unblock(ctx: Context, kept_out: Network) -> bool:
    """Let exactly this network in again, also where it is out for its prompts; whether it was kept out."""
    async with ctx.database.transaction() as tx:
        await revise(ctx, tx, "blocks")
        return await tx.run(sql.lift_block, network=kept_out) > 0


async def blocks(ctx: Context) -> list[Block]:
    """What moderators keep out; what holds longest comes first."""
    found = (await watched(ctx)).blocks.all
    return [block for block in found if not block.is_timeout and block.ends_at > ctx.now]


async def blocks_around(ctx: Context, address: Address) -> list[Block]:
    """Whatever keeps this address out."""
    return list((await watched(ctx)).blocks.around(address, ctx.now))


async def kept_out_for(ctx: Context, address: str) -> timedelta | None:
    """How long calls from there are not taken; None: they are, as they are from where nobody knows. In memory."""
    found = (await watched(ctx)).blocks
    if not found.all or (parsed := known_address(address)) is None:
        return None
    return max((block.remaining(ctx.now) for block in found.around(parsed, ctx.now)), default=None)


async def refuse_blocked(ctx: Context, address: str) -> None:
    """Raises TimeoutIP where calls from this address are not taken."""
    if (remaining := await kept_out_for(ctx, address)) is not None:
        seconds = max(1, round(remaining.total_seconds()))
        raise TimeoutIP(f"Your IP address {address} is kept out for another {seconds} seconds.")


async def time_out(ctx: Context, address: str) -> timedelta | None:
    """Keep out where a refused prompt came from, for longer each time; None: it is no public address, so nobody's own.

    Whoever shares a private address with others, behind a proxy or at home, is not kept out for them.
    """
    parsed = known_address(address)
    if parsed is None or not parsed.is_global:
        return None
    kept_out = site(parsed)
    async with ctx.database.transaction() as tx:
        await revise(ctx, tx, "blocks")
        earlier = await tx.value(sql.corrupt_prompts_since, int, network=kept_out, since=ctx.now - COUNTS_FOR) or 0
        lasting = min((2 * earlier + 1) * TIMEOUT_STEP, TIMEOUT_MAX)
        await tx.run(sql.add_corrupt_prompt, network=kept_out, now=ctx.now)
        await tx.run(sql.set_block, network=kept_out, is_timeout=True, ends_at=ctx.now + lasting)
    return lasting


async def forget_old_blocks(ctx: Context) -> int:
    """Delete what is over: blocks, and refused prompts that count no more."""
    async with ctx.database.transaction() as tx:
        count = await tx.run(sql.forget_ended_blocks, now=ctx.now)
        return count + await tx.run(sql.forget_corrupt_prompts, since=ctx.now - COUNTS_FOR)


def network_of_worker(origin: str) -> Network:
    """What to block of a worker, whose address is kept as `origin` says it. Raises BadInput where it is not known."""
    # An address of IPv6 is kept as the /64 around it.
    parsed = known_address(origin.partition("/")[0])
    if parsed is None:
        raise BadInput(
            "The address of this worker is not known: it comes from this server's own network.",
            hint="put it into maintenance, or pause it.",
        )
    return site(parsed)
