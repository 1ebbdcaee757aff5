"""Brings the database to the schema of this program before the server starts, or says why it cannot."""

from __future__ import annotations

import asyncio

import asyncpg
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from horde.cli.output import CommandFailed
from horde.server.db.migrate import migrate


def bring_up_to_date(database_url: str) -> None:
    """Apply the missing revisions; raises CommandFailed where that cannot be done.

    The application does the same when it starts and then finds nothing to do. A failure there would be a long
    trace, at whose end stands SQL and not the reason.
    """
    try:
        asyncio.run(migrate(database_url))
    except (SQLAlchemyError, CommandError, asyncpg.PostgresError, OSError) as error:
        raise CommandFailed(
            f"the database cannot be brought to the schema of this program: {_reason(error)}",
            hint="is it another program's, or a newer horde's? Give this one a database of its own",
        ) from error


def _reason(error: BaseException) -> str:
    """The words of the innermost cause: the layers between only add their names."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).partition("\n")[0]
