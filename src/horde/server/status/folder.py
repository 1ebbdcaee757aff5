"""What the operator of a horde has to say: the files of one folder, as this process remembers them.

A changed file is served within half a minute, without a restart. Every node reads a folder of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import structlog

from horde.server.context import Context
from horde.server.memory import Copy

log = structlog.get_logger(__name__)

TERMS, PRIVACY, SPONSORS, NEWS = "terms.md", "privacy.md", "sponsors.md", "news.json"
FILES = (TERMS, PRIVACY, SPONSORS, NEWS)
FILE_BYTES_MAX = 256 * 1024
"""A longer file is not read: somebody has put something else there."""
PERIODS = 30
"""How many times as old as other pictures of the horde these may be."""


class Folder:
    """This process's copy of the files."""

    def __init__(self) -> None:
        self._copy = Copy(_read)

    async def read(self, ctx: Context) -> Mapping[str, str]:
        """The texts by file name; what is not there, or cannot be read, is left out."""
        return await self._copy.read(ctx, now=ctx.now, period_s=PERIODS * ctx.services.settings.refresh_s)


async def texts(ctx: Context) -> Mapping[str, str]:
    """What the operator wrote, by file name."""
    return await ctx.remembered(Folder).read(ctx)


async def _read(ctx: Context, previous: Mapping[str, str] | None) -> Mapping[str, str]:
    folder = ctx.services.settings.documents_dir
    return {} if folder is None else await asyncio.to_thread(_read_files, folder, previous or {})


def _read_files(folder: Path, previous: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name in FILES:
        try:
            with (folder / name).open("rb") as file:
                content = file.read(FILE_BYTES_MAX + 1)
            if len(content) > FILE_BYTES_MAX:
                raise ValueError(f"it is larger than {FILE_BYTES_MAX} bytes")
            found[name] = content.decode("utf-8")
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            # What was there before is better than nothing.
            log.warning("document.unreadable", file=str(folder / name), why=str(error))
            if name in previous:
                found[name] = previous[name]
    return found
