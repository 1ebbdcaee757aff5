"""Between the messages of v2 for styles and the words of the engine, and a request's body in the style it names."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import msgspec
from msgspec import UNSET

from horde.errors import BadInput
from horde.kinds import KINDS
from horde.kinds.image import ImageParams
from horde.server.api.v2.sharedkeys import answer as key_answer
from horde.server.context import Context
from horde.server.styles.collections import Collection, CollectionContent
from horde.server.styles.manage import StyleContent
from horde.server.styles.pick import StyleUse, pick
from horde.server.styles.read import Style
from horde.wire import v2, v2_styles, v2_text

B = TypeVar("B", v2.GenerateAsync, v2_text.TextAsync)
NewStyle = v2_styles.NewImageStyle | v2_styles.NewTextStyle
StyleChange = v2_styles.ImageStyleChange | v2_styles.TextStyleChange


async def in_style(ctx: Context, kind: str, body: B) -> tuple[B, StyleUse | None]:
    """A request as the style that it names has it, and that it uses it; as it is where it names none.

    Raises StyleNotFound, StyleMismatch, InvalidPromptSize.
    """
    if body.style is UNSET:
        return body, None
    picked = await pick(ctx, kind, body.style)
    prompt, params = picked.applied(body.prompt, body.params)
    return msgspec.structs.replace(body, prompt=prompt, params=params, models=list(picked.style.models)), picked.use


class _Named(msgspec.Struct):
    params: dict[str, msgspec.Raw] = {}


def _kept(kind: str, params: msgspec.Struct, body: bytes) -> dict[str, object]:
    """Those of the parameters that the body names: in a struct they cannot be told from defaults."""
    if isinstance(params, ImageParams) and params.special is not UNSET:
        raise BadInput("A style cannot have a special field.")
    return KINDS[kind].style_rules.kept(params, msgspec.json.decode(body, type=_Named).params.keys())


def new_style(kind: str, data: NewStyle, body: bytes) -> StyleContent:
    """A style as its author says it. Raises BadInput."""
    return StyleContent(
        name=data.name,
        info=None if data.info is UNSET else data.info,
        prompt=data.prompt,
        params=_kept(kind, data.params, body),
        is_public=data.public,
        is_nsfw=data.nsfw,
        tags=tuple(dict.fromkeys(data.tags)),
        models=tuple(dict.fromkeys(data.models)),
    )


def changed_style(kind: str, before: StyleContent, data: StyleChange, body: bytes) -> StyleContent:
    """A style as it shall be. Raises BadInput."""
    return replace(
        before,
        name=before.name if data.name is UNSET else data.name,
        info=before.info if data.info is UNSET else data.info,
        prompt=before.prompt if data.prompt is UNSET else data.prompt,
        params=before.params if data.params is UNSET else _kept(kind, data.params, body),
        is_public=before.is_public if data.public is UNSET else data.public,
        is_nsfw=before.is_nsfw if data.nsfw is UNSET else data.nsfw,
        tags=before.tags if data.tags is UNSET else tuple(dict.fromkeys(data.tags)),
        models=before.models if data.models is UNSET else tuple(dict.fromkeys(data.models)),
    )


def style_answer(style: Style) -> v2_styles.StyleAnswer:
    """A style as everybody may see it."""
    row = KINDS[style.kind]
    examples = [v2_styles.ExampleAnswer(str(one.id), one.url, one.is_primary) for one in style.examples]
    return v2_styles.StyleAnswer(
        id=str(style.id),
        name=style.name,
        info=style.info or UNSET,
        prompt=style.prompt,
        params={**row.style_rules.shown, **style.params},
        public=style.is_public,
        nsfw=style.is_nsfw,
        tags=style.tags,
        models=style.models,
        use_count=style.use_count,
        creator=style.creator,
        examples=examples if row.makes_files else UNSET,
        shared_key=key_answer(style.shared_key, style.creator) if style.shared_key and row.makes_files else UNSET,
    )


def listed_style(style: Style) -> v2_styles.StyleAnswer:
    """A style in a list, where an info that there is not is an empty one."""
    return msgspec.structs.replace(style_answer(style), info=style.info or "")


def collection_content(data: v2_styles.CollectionChange) -> CollectionContent:
    """What shall be changed of a collection."""
    return CollectionContent(
        name=None if data.name is UNSET else data.name,
        info=None if data.info is UNSET else data.info,
        is_public=None if data.public is UNSET else data.public,
        styles=None if data.styles is UNSET else tuple(data.styles),
    )


def collection_answer(collection: Collection) -> v2_styles.CollectionAnswer:
    """A collection as everybody may see it."""
    return v2_styles.CollectionAnswer(
        id=str(collection.id),
        name=collection.name,
        type=collection.kind,
        info=collection.info,
        public=collection.is_public,
        styles=[v2_styles.CollectedStyle(member.name, str(member.id)) for member in collection.styles],
        use_count=collection.use_count,
    )
