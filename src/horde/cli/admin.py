"""`horde admin`: what an operator does to a horde of one's own, beside its running server or without one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number

from horde.cli.database import reach_database
from horde.cli.output import CommandFailed, answer, say
from horde.cli.server_settings import read_settings
from horde.errors import HordeError
from horde.server.accounts.register import DEFAULT_CONCURRENCY, Registration, register
from horde.server.app import open_services
from horde.server.context import Context
from horde.server.db.datadir import EmbeddedError
from horde.server.db.embedded import attached_or_started
from horde.server.settings import Settings
from horde.server.workers.modify import Changes, change
from horde.server.workers.read import worker_named
from horde.server.workers.roster import Worker
from horde.units import kudos as milli_kudos

KUDOS_MAX = 10**12
"""Far above what anybody has, and far below what the ledger's integers can hold."""

app = App(name="admin", help="Look after a horde of your own, beside its server.")
user = App(name="user", help="Accounts.")
app.command(user)
app.command("horde.cli.ledger:app", name="ledger", help="The ledger of all kudos.")
app.command("horde.cli.moderation:addresses", name="address", help="Addresses that are kept out.")
app.command("horde.cli.moderation:filters", name="filter", help="Filters of prompts.")

Data = Annotated[Path | None, Parameter(help="the horde's data directory; DATABASE_URL wins")]


class CreatedUser(msgspec.Struct):
    """What `--json` prints."""

    id: int
    username: str
    api_key: str


@user.command
def create(
    name: str,
    *,
    trusted: Annotated[bool, Parameter(help="its workers' results and wishes are trusted", negative="")] = False,
    moderator: Annotated[bool, Parameter(help="may look after others; implies trusted", negative="")] = False,
    admin: Annotated[
        bool, Parameter(help="may change kudos and make moderators; implies moderator", negative="")
    ] = False,
    kudos: Annotated[float, Parameter(help="to begin with", validator=Number(gte=0, lte=KUDOS_MAX))] = 0,
    concurrency: Annotated[
        int, Parameter(help="how many of its images may wait at once", validator=Number(gte=0, lte=500))
    ] = DEFAULT_CONCURRENCY,
    json: Annotated[bool, Parameter(help="print one JSON object", negative="")] = False,
    data: Data = None,
) -> None:
    """Make an account and print its key, which is shown this once.

    Parameters
    ----------
    name
        the name of the account; several may have the same
    """
    settings = read_settings(data_dir=data)
    with database_of(settings) as url:
        made = asyncio.run(
            _create(
                msgspec.structs.replace(settings, database_url=url),
                name,
                is_trusted=trusted,
                is_moderator=moderator,
                is_admin=admin,
                kudos=kudos,
                concurrency=concurrency,
            )
        )
    if json:
        answer(msgspec.json.encode(CreatedUser(made.user.id, made.user.alias, made.key)).decode())
    else:
        say(f"{made.user.alias} was created; this is the key, which cannot be shown again:")
        answer(made.key)


@app.command(name="worker")
def change_worker(
    name: str,
    *,
    maintenance: Annotated[Literal["on", "off"], Parameter(help="on: it serves its owner alone")],
    message: Annotated[str, Parameter(help="what the worker is told while in maintenance")] = "",
    data: Data = None,
) -> None:
    """Put a worker into maintenance or take it out, whoever owns it.

    Parameters
    ----------
    name
        the worker's name, exactly
    """
    settings = read_settings(data_dir=data)
    with database_of(settings) as url:
        changes = Changes(is_in_maintenance=maintenance == "on", maintenance_message=message)
        changed = asyncio.run(_change_worker(msgspec.structs.replace(settings, database_url=url), name, changes))
    if changed.is_in_maintenance:
        say(f"{changed.name} is in maintenance mode: it is given its owner's requests alone.")
    else:
        say(f"{changed.name} is out of maintenance mode: it is given everybody's requests at its next call.")


async def _change_worker(settings: Settings, name: str, changes: Changes) -> Worker:
    try:
        async with open_services(settings) as services:
            ctx = Context.at_present(services)
            return await change(ctx, (await worker_named(ctx, name)).id, changes)
    except HordeError as error:
        raise CommandFailed(error.message, hint=error.hint) from error


async def _create(
    settings: Settings,
    name: str,
    *,
    is_trusted: bool,
    is_moderator: bool,
    is_admin: bool,
    kudos: float,
    concurrency: int,
) -> Registration:
    try:
        async with open_services(settings) as services:
            return await register(
                Context.at_present(services),
                name,
                is_pseudonymous=False,
                is_trusted=is_trusted,
                is_moderator=is_moderator,
                is_admin=is_admin,
                concurrency=concurrency,
                kudos=milli_kudos(kudos),
            )
    except HordeError as error:
        raise CommandFailed(error.message, hint=error.hint) from error


@contextmanager
def database_of(settings: Settings) -> Iterator[str]:
    """The database of a horde, whether its server runs or not.

    Raises CommandFailed where there is none.
    """
    if settings.database_url:
        reach_database(settings.database_url)
        yield settings.database_url
        return
    try:
        with attached_or_started(settings.data_dir) as url:
            yield url
    except EmbeddedError as error:
        raise CommandFailed(error.message, hint=error.hint) from error
