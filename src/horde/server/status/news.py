"""News of the horde: `news.json` in the operator's folder."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
import structlog
from msgspec import Meta

from horde.server.context import Context
from horde.server.status.folder import NEWS, texts

log = structlog.get_logger(__name__)

SHOWN_MAX = 100
"""Older news are not told any more."""


class Piece(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One piece of news, as it stands in the file."""

    date_published: date
    newspiece: Annotated[str, Meta(min_length=1)]
    """The text, in markdown."""
    importance: str = "Information"
    tags: list[str] = []
    title: str | None = None
    more_info_urls: list[str] = []


class News:
    """What was made of the file last, which is seldom another."""

    def __init__(self) -> None:
        self.text = ""
        self.pieces: list[Piece] = []


async def news(ctx: Context) -> list[Piece]:
    """The news, the newest first; none without a file. One that is wrong is logged once, and what was told stays."""
    text = (await texts(ctx)).get(NEWS, "")
    known = ctx.remembered(News)
    if text != known.text:
        known.text = text
        known.pieces = _pieces(text, known.pieces)
    return known.pieces


def _pieces(text: str, known: list[Piece]) -> list[Piece]:
    if not text:
        return []
    try:
        found = msgspec.json.decode(text, type=list[Piece])
    except msgspec.DecodeError as error:
        log.warning("news.unreadable", file=NEWS, why=str(error))
        return known
    return sorted(found, key=lambda piece: piece.date_published, reverse=True)[:SHOWN_MAX]
