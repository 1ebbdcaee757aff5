"""Pictures that show what a style makes: links, for the horde keeps none. Source: contract/api-v2.md, section 10."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from uuid import UUID

import msgspec

from horde.errors import BadInput, Refused
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.styles.manage import locked_style, refuse_others
from horde.server.styles.names import SHOWN_MAX, uuid_or_none
from horde.server.styles.read import Example, Style, sql
from horde.server.styles.refusals import ExampleNotFound

EXAMPLES_MAX = 4
SCHEME = "https://"


async def add_example(ctx: Context, caller: User, style: Style, *, url: str, is_primary: bool) -> UUID:
    """Show one more picture of a style; the first one is the primary one, whatever is asked.

    Raises StylesAnonForbidden, Refused (also where there are four), and BadInput for a URL that it shows already.
    """
    _refuse_others(caller, style)
    example_id = uuid.uuid4()
    async with ctx.database.transaction() as tx:
        shown = (await locked_style(tx, style)).examples
        if len(shown) >= EXAMPLES_MAX:
            raise Refused(f"The style {style.name!r} has {len(shown)} examples, and more are not taken.")
        _refuse_twice(shown, url)
        if is_primary:
            await tx.run(sql.unmark_primary, style_id=style.id)
        is_first = is_primary or not shown
        await tx.run(sql.add_example, id=example_id, style_id=style.id, url=url, is_primary=is_first, now=ctx.now)
    return example_id


async def change_example(
    ctx: Context, caller: User, style: Style, example_id: str, *, url: str | None, is_primary: bool | None
) -> UUID:
    """Show another picture, or make it the primary one.

    Raises ExampleNotFound, StylesAnonForbidden, Refused, and BadInput, also where none would be the primary one.
    """
    async with ctx.database.transaction() as tx:
        shown = (await locked_style(tx, style)).examples
        example = _found(shown, example_id)
        _refuse_others(caller, style)
        url = example.url if url is None else url
        _refuse_twice([other for other in shown if other.id != example.id], url)
        if example.is_primary and is_primary is False:
            raise _last_primary()
        if is_primary:
            await tx.run(sql.unmark_primary, style_id=style.id)
        is_now = example.is_primary if is_primary is None else is_primary
        await tx.run(sql.change_example, id=example.id, url=url, is_primary=is_now)
    return example.id


async def delete_example(ctx: Context, caller: User, style: Style, example_id: str) -> None:
    """Show a picture no more. Raises ExampleNotFound, StylesAnonForbidden, Refused, BadInput for the primary one."""
    async with ctx.database.transaction() as tx:
        shown = (await locked_style(tx, style)).examples
        example = _found(shown, example_id)
        _refuse_others(caller, style)
        if example.is_primary and len(shown) > 1:
            raise _last_primary()
        await tx.run(sql.delete_example, id=example.id)


def check_url(url: str) -> None:
    """Raise BadInput for what is not to be shown on an encrypted page."""
    if not url.startswith(SCHEME):
        raise BadInput(f"The address of an example begins with {SCHEME}, not with {url[: len(SCHEME)]!r}.")


def _found(shown: Sequence[Example], text: str) -> Example:
    example_id = uuid_or_none(text)
    found = next((example for example in shown if example.id == example_id), None)
    if found is None:
        raise ExampleNotFound(f"The style has no example {text[:SHOWN_MAX]!r}.")
    return found


def _refuse_others(caller: User, style: Style) -> None:
    refuse_others(caller, style.user_id, f"The style {style.name!r} is not yours, so you cannot change it.")


def _refuse_twice(shown: Sequence[Example], url: str) -> None:
    if any(example.url == url for example in shown):
        raise BadInput(f"The style shows {msgspec.json.encode(url[:SHOWN_MAX]).decode()} already.")


def _last_primary() -> BadInput:
    return BadInput("One example of a style is its primary one.", hint="make another one primary first.")
