"""Terms, privacy and sponsors: the operator's own texts, or those of the package, which say only what is so."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal

from markdown_it import MarkdownIt

from horde.server.context import Context
from horde.server.status.folder import PRIVACY, SPONSORS, TERMS, texts

Name = Literal["terms", "privacy", "sponsors"]
FILES: dict[Name, str] = {"terms": TERMS, "privacy": PRIVACY, "sponsors": SPONSORS}

# HTML within a text is shown as text, and links that run something are left out: what is served under our address runs
# nothing, whoever wrote the file or talked its author into it.
MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


class Rendered:
    """The texts that were made into HTML last, with what came of them."""

    def __init__(self) -> None:
        self.known: dict[Name, tuple[str, str]] = {}


async def markdown(ctx: Context, name: Name) -> str:
    """A text as it was written."""
    return (await texts(ctx)).get(FILES[name]) or _ours(FILES[name])


async def html(ctx: Context, name: Name) -> str:
    """A text as harmless HTML, without a page around it."""
    text = await markdown(ctx, name)
    known = ctx.remembered(Rendered).known
    if name not in known or known[name][0] != text:
        known[name] = text, MARKDOWN.render(text)
    return known[name][1]


@cache
def _ours(file: str) -> str:
    # A part of the package: it does not change while the server runs.
    return resources.files("horde.server.status").joinpath("texts", file).read_text(encoding="utf-8")
