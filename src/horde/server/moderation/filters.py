"""Add, change and delete filters. Source: contract/api-v2.md, section 9."""

from __future__ import annotations

import asyncio

from horde.errors import BadInput
from horde.errors.moderation import FilterNotFound, NoFilterModSelected
from horde.server.accounts.users import ID_DIGITS_MAX, User
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.moderation.filterset import FILTER_TYPES, Filter
from horde.server.moderation.patterns import pattern
from horde.server.moderation.watch import FILTERS_MAX, revise, sql


def filter_id(text: str) -> int:
    """The number in an address. Raises FilterNotFound for what can be none's."""
    if text.isascii() and text.isdecimal() and len(text) <= ID_DIGITS_MAX:
        return int(text)
    raise _missing(text)


async def filters(ctx: Context, *, filter_type: int | None = None, contains: str | None = None) -> list[Filter]:
    """All filters, or those of a type, or those whose expression contains a text."""
    async with ctx.database.statement() as tx:
        found = await tx.all(sql.all_filters, Filter, limit=FILTERS_MAX)
    return [one for one in found if filter_type in (None, one.filter_type) and (not contains or contains in one.regex)]


async def filter_by_id(ctx: Context, number: int) -> Filter:
    """One filter. Raises FilterNotFound."""
    async with ctx.database.statement() as tx:
        return await _found(tx, number)


async def add_filter(
    ctx: Context, moderator: User, *, regex: str, filter_type: int, description: str | None, replacement: str
) -> Filter:
    """A new filter; the one that there is where there is one of this type with this expression, unchanged.

    Raises BadInput for an expression that cannot be run, or where there are as many filters as there may be.
    """
    await _checked(regex)
    async with ctx.database.transaction() as tx:
        await revise(ctx, tx, "filters")
        number = await tx.value(sql.filter_like, int, filter_type=filter_type, regex=regex)
        if number is None:
            if (await tx.value(sql.count_filters, int) or 0) >= FILTERS_MAX:
                raise BadInput(
                    f"There are {FILTERS_MAX} filters already, and there may be no more.",
                    hint="join some with | into one.",
                )
            number = await tx.value(
                sql.add_filter,
                int,
                regex=regex,
                filter_type=filter_type,
                description=description,
                replacement=replacement,
                user_id=moderator.id,
                now=ctx.now,
            )
        assert number is not None, "nobody else changes filters while the revision is ours"
        return await _found(tx, number)


async def change_filter(
    ctx: Context, number: int, *, regex: str, filter_type: int, description: str, replacement: str
) -> Filter:
    """Change what is given of a filter: empty texts and 0 are not.

    Raises FilterNotFound, NoFilterModSelected, and BadInput for an expression that cannot be run, for a type that there
    is not, or where another filter is like that.
    """
    if not (regex or filter_type or description or replacement):
        await filter_by_id(ctx, number)
        raise NoFilterModSelected
    if filter_type and filter_type not in FILTER_TYPES:
        raise BadInput(f"There is no filter type {filter_type}; they go from {FILTER_TYPES[0]} to {FILTER_TYPES[-1]}.")
    if regex:
        await _checked(regex)
    async with ctx.database.transaction() as tx:
        await revise(ctx, tx, "filters")
        before = await _found(tx, number)
        like = await tx.value(
            sql.filter_like, int, filter_type=filter_type or before.filter_type, regex=regex or before.regex
        )
        if like not in (None, number):
            raise BadInput(f"The filter {like} has this type and this regex already.", hint="delete one of the two.")
        await tx.run(
            sql.change_filter,
            id=number,
            regex=regex or None,
            filter_type=filter_type or None,
            description=description or None,
            replacement=replacement or None,
        )
        return await _found(tx, number)


async def delete_filter(ctx: Context, number: int) -> None:
    """Delete a filter. Raises FilterNotFound."""
    async with ctx.database.transaction() as tx:
        await revise(ctx, tx, "filters")
        if not await tx.run(sql.delete_filter, id=number):
            raise _missing(str(number))


async def _checked(regex: str) -> None:
    # Beside the loop: a large one takes milliseconds.
    await asyncio.to_thread(pattern, regex)


async def _found(tx: Tx, number: int) -> Filter:
    found = await tx.maybe(sql.filter_by_id, Filter, id=number)
    if found is None:
        raise _missing(str(number))
    return found


def _missing(text: str) -> FilterNotFound:
    return FilterNotFound(f"Filter with ID {text[:80]!r} not found.")
