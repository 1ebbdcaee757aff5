"""Styles and collections to be used."""

from typing import Any
from uuid import UUID

from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.styles.collections import make_collection
from horde.server.styles.manage import StyleContent, make_style


def content(name: str = "Oil", **changes: Any) -> StyleContent:
    """What a style says that changes little."""
    words: dict[str, Any] = {
        "name": name, "info": None, "prompt": "oil {p}{np}", "params": {}, "is_public": True, "is_nsfw": False,
        "tags": (), "models": ("stable_diffusion",),
    }  # fmt: skip
    return StyleContent(**words | changes)


async def style(ctx: Context, author: User, name: str = "Oil", **changes: Any) -> UUID:
    """A style for images."""
    return await make_style(ctx, author, "image", content(name, **changes), None)


async def collection(ctx: Context, owner: User, *styles: UUID, name: str = "Paintings") -> UUID:
    """A collection of them."""
    return await make_collection(
        ctx, owner, name=name, info=None, is_public=True, styles=tuple(str(style_id) for style_id in styles)
    )
