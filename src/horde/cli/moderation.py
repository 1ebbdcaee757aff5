"""`horde admin address`, `horde admin filter`: what moderators do over HTTP, for an operator without a key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number

from horde.cli.admin import Data, database_of
from horde.cli.output import CommandFailed, answer, say
from horde.cli.server_settings import read_settings
from horde.errors import HordeError
from horde.server.app import open_services
from horde.server.context import Context
from horde.server.moderation import blocks as blocking
from horde.server.moderation import filters as filtering
from horde.server.moderation.networks import network

T = TypeVar("T")

HOURS_MAX = 720
addresses = App(name="address", help="Addresses that are kept out.")
filters = App(name="filter", help="Filters of prompts.")


@addresses.command(name="block")
def block_address(
    address: str,
    *,
    hours: Annotated[int, Parameter(help="from now on", validator=Number(gte=1, lte=HOURS_MAX))],
    data: Data = None,
) -> None:
    """Take no requests, workers and new accounts from an address or a network for a time.

    Parameters
    ----------
    address
        192.0.2.7, 192.0.2.0/24, 2001:db8::/64
    """
    block = _done(data, lambda ctx: blocking.block(ctx, network(address), timedelta(hours=hours)))
    say(f"{block.network} is kept out until {block.ends_at:%Y-%m-%d %H:%M} UTC.")


@addresses.command(name="unblock")
def unblock_address(address: str, *, data: Data = None) -> None:
    """Let an address or a network in again that is listed.

    Parameters
    ----------
    address
        as it is listed
    """
    if not _done(data, lambda ctx: blocking.unblock(ctx, network(address))):
        raise CommandFailed(f"{address} is not kept out.", hint="`horde admin address list` names what is.")
    say(f"{network(address)} is let in again.")


@addresses.command(name="list")
def list_addresses(*, data: Data = None) -> None:
    """Show what is kept out, and until when; what holds longest comes first."""
    for block in _done(data, blocking.blocks):
        answer(f"{block.network!s:<43}  until {block.ends_at:%Y-%m-%d %H:%M} UTC")


@filters.command(name="list")
def list_filters(
    *,
    filter_type: Annotated[int | None, Parameter(name="--type", help="only those of this type")] = None,
    data: Data = None,
) -> None:
    """Show the filters: number, type, expression, and what is put where it hits."""
    for found in _done(data, lambda ctx: filtering.filters(ctx, filter_type=filter_type)):
        replacement = f"  -> {found.replacement}" if found.replacement else ""
        answer(f"{found.id:>5}  type {found.filter_type}  {found.regex}{replacement}")


def _done(data: Path | None, act: Callable[[Context], Awaitable[T]]) -> T:
    """What `act` gives on the horde's database, whether its server runs or not."""

    async def run(url: str) -> T:
        async with open_services(msgspec.structs.replace(settings, database_url=url)) as services:
            return await act(Context.at_present(services))

    settings = read_settings(data_dir=data)
    try:
        with database_of(settings) as url:
            return asyncio.run(run(url))
    except HordeError as error:
        raise CommandFailed(error.message, hint=error.hint) from error
