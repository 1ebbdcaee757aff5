"""Make, change and delete styles. Source: contract/api-v2.md, section 10."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

import msgspec

from horde.errors import BadInput, DeletedUser, Refused, StyleNotFound
from horde.kinds import KINDS
from horde.kinds.base import Draft
from horde.server.accounts.sharedkeys import give_to_styles
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.styles.names import Ref, checked_name
from horde.server.styles.pick import forget_picks
from horde.server.styles.read import Style, sql, styles_named
from horde.server.styles.refusals import StylesAnonForbidden, StylesRequiresCustomizer

MODELS_MAX, TAGS_MAX = 5, 10
STYLES_MAX = 1000
"""Styles of one account: they are shown with it, all together."""
PARAMS_MAX = 20_000
"""Characters of a style's parameters as JSON: they are copied into every request."""
EXAMPLE_PROMPT = "a fox###a wolf"
"""What a style is tried with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleContent:
    """All that the author of a style says."""

    name: str
    info: str | None
    prompt: str
    params: Mapping[str, object]
    is_public: bool
    is_nsfw: bool
    tags: tuple[str, ...]
    models: tuple[str, ...]

    @classmethod
    def of(cls, style: Style) -> StyleContent:
        """What a style says now."""
        return cls(
            name=style.name,
            info=style.info,
            prompt=style.prompt,
            params=style.params,
            is_public=style.is_public,
            is_nsfw=style.is_nsfw,
            tags=tuple(style.tags),
            models=tuple(style.models),
        )

    def columns(self) -> dict[str, object]:
        """As the queries take it."""
        return {
            "name": self.name,
            "info": self.info,
            "prompt": self.prompt,
            "params": self.params,
            "is_public": self.is_public,
            "is_nsfw": self.is_nsfw,
            "tags": list(self.tags),
            "models": list(self.models),
        }


def check_counts(*, tags: int, models: int) -> None:
    """Raise BadInput for too many tags or models, or none of these."""
    if not 1 <= models <= MODELS_MAX:
        raise BadInput(f"A style is for 1 to {MODELS_MAX} models, not for {models}.")
    if tags > TAGS_MAX:
        raise BadInput(f"A style has at most {TAGS_MAX} tags, not {tags}.")


async def make_style(ctx: Context, author: User, kind: str, content: StyleContent, sharedkey: str | None) -> UUID:
    """Make a style, for which a shared key of its author's pays if one is given; returns its id.

    Raises StylesRequiresCustomizer, DeletedUser, BadInput for a shared key, for a name that its author uses already,
    for too many styles, and what a request with its parameters would be refused with.
    """
    if author.is_anonymous or not (author.is_customizer or author.is_trusted or author.is_moderator):
        raise StylesRequiresCustomizer
    async with ctx.database.transaction() as tx:
        key_id = await give_to_styles(tx, author, sharedkey, now=ctx.now) if sharedkey else None
        if author.is_deleted:
            raise DeletedUser
        content = replace(content, name=checked_name(content.name))
        if (number := await tx.value(sql.number_of_styles, int, user_id=author.id) or 0) >= STYLES_MAX:
            raise BadInput(f"You have {number} styles, which is as many as an account may have.")
        if await tx.values(sql.namesakes, UUID, user_id=author.id, name=content.name, but=None):
            raise _taken(content.name)
        _check(kind, content)
        style_id, columns = uuid.uuid4(), content.columns() | {"shared_key_id": key_id}
        if not await tx.run(sql.add_style, id=style_id, kind=kind, user_id=author.id, now=ctx.now, **columns):
            raise _taken(content.name)
    forget_picks(ctx)
    return style_id


async def change_style(
    ctx: Context, caller: User, style: Style, change: Callable[[StyleContent], StyleContent], sharedkey: str | None
) -> None:
    """Make a style what `change` makes of what it is now, paid by this shared key; None: as before, "": by none.

    Raises Refused, StyleNotFound where it was deleted meanwhile, and BadInput as `make_style` does.
    """
    if caller.id != style.user_id:
        raise Refused(f"The style {style.name!r} is not yours, so you cannot change it.")
    async with ctx.database.transaction() as tx:
        # Before the style is locked: who deletes a key locks them in this order too.
        key_id = await give_to_styles(tx, caller, sharedkey, now=ctx.now) if sharedkey else None
        content = change(StyleContent.of(await locked_style(tx, style)))
        content = replace(content, name=checked_name(content.name))
        if await tx.values(sql.namesakes, UUID, user_id=style.user_id, name=content.name, but=style.id):
            raise _taken(content.name)
        _check(style.kind, content)
        of_key = {"has_new_key": sharedkey is not None, "shared_key_id": key_id}
        await tx.run(sql.change_style, id=style.id, **content.columns(), **of_key)
    forget_picks(ctx)


async def locked_style(tx: Tx, style: Style) -> Style:
    """A style as it is now, held until the transaction ends. Raises StyleNotFound where it was deleted meanwhile."""
    await tx.values(sql.lock_style, UUID, id=style.id)
    [found] = await styles_named(tx, [Ref(name="", id=style.id)])
    if found is None:
        raise StyleNotFound(f"The style {style.name!r} was deleted.")
    return found


async def delete_style(ctx: Context, caller: User, style: Style) -> None:
    """Delete a style. Its author may, and moderators. Raises StylesAnonForbidden and Refused."""
    refuse_others(caller, style.user_id, f"The style {style.name!r} is not yours, so you cannot delete it.")
    async with ctx.database.statement() as tx:
        await tx.run(sql.delete_style, id=style.id)
    forget_picks(ctx)


def refuse_others(caller: User, owner_id: int, message: str) -> None:
    """Raise StylesAnonForbidden, or Refused with this message, for who is neither the owner nor a moderator."""
    if caller.is_anonymous:
        raise StylesAnonForbidden
    if caller.id != owner_id and not caller.is_moderator:
        raise Refused(message)


def _check(kind: str, content: StyleContent) -> None:
    """Raise what a request in this style would be refused with, then what its own prompt is."""
    row, rules = KINDS[kind], KINDS[kind].style_rules
    if (length := len(msgspec.json.encode(content.params))) > PARAMS_MAX:
        raise BadInput(f"The parameters have {length:,} characters as JSON; at most {PARAMS_MAX:,} are taken.")
    params = rules.tried(msgspec.convert(content.params, row.params))
    prompt = rules.fill(content.prompt, EXAMPLE_PROMPT)
    # As if with a picture: some models only change pictures, and the requestor will send one.
    row.check(Draft(kind=kind, prompt=prompt, params=params, models=content.models, source_processing="img2img"))
    if missing := [place for place in rules.places if place not in content.prompt]:
        raise BadInput(
            f"The prompt of this style lacks {' and '.join(missing)}.",
            hint="`{p}` is where the requestor's prompt goes, `{np}` where what is not wanted goes.",
        )


def _taken(name: str) -> BadInput:
    return BadInput(f"You have a style called {name!r}.", hint="choose another name.")
