"""Filters are kept, changed and true on every node."""

import pytest

from horde.errors import BadInput
from horde.errors.moderation import FilterNotFound, NoFilterModSelected
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.moderation.filters import add_filter, change_filter, delete_filter, filter_by_id, filters
from horde.server.moderation.filterset import Filter
from horde.server.moderation.prompts import judged
from horde.server.moderation.watch import FILTERS_MAX, UNASKED_MAX, watched
from tests.plugins.hordes import Clock
from tests.server.builders import change as by_hand
from tests.server.builders import nodes, seldom_looking, user

MANY = """
INSERT INTO filters (regex, filter_type, created_at)
SELECT 'word ' || number, 20, $2
FROM generate_series(1, $1::integer) AS number
"""


@pytest.fixture
async def moderator(clock: Clock) -> User:
    return await user(clock.ctx, "Mona", is_moderator=True)


async def add(ctx: Context, moderator: User, regex: str = "dragon", filter_type: int = 20, **said: str) -> Filter:
    described: dict[str, str | None] = {"description": said.get("description")}
    return await add_filter(
        ctx, moderator, regex=regex, filter_type=filter_type, replacement=said.get("replacement", ""), **described
    )


async def suspicion(ctx: Context, prompt: str) -> int:
    return judged((await watched(ctx)).filters, prompt).suspicion


async def change(ctx: Context, number: int, **changes: str | int) -> Filter:
    given = {"regex": "", "filter_type": 0, "description": "", "replacement": ""} | changes
    return await change_filter(ctx, number, **given)  # type: ignore[arg-type]


async def test_filter_tells_who_made_it(clock: Clock, moderator: User) -> None:
    made = await add(clock.ctx, moderator, description="no dragons", replacement="lizard")

    assert made == Filter(
        id=made.id,
        regex="dragon",
        filter_type=20,
        description="no dragons",
        replacement="lizard",
        made_by=moderator.alias,
    )
    assert await filter_by_id(clock.ctx, made.id) == made


async def test_filter_that_is_there_stays_as_it_is(clock: Clock, moderator: User) -> None:
    first = await add(clock.ctx, moderator, description="first")

    assert await add(clock.ctx, moderator, description="second") == first
    assert (await add(clock.ctx, moderator, filter_type=10)).id != first.id


async def test_filters_are_found_by_type_and_by_text(clock: Clock, moderator: User) -> None:
    for regex, filter_type in (("dragon", 20), ("elf", 10), ("el(f)", 20)):
        await add(clock.ctx, moderator, regex, filter_type)

    assert [found.regex for found in await filters(clock.ctx)] == ["dragon", "elf", "el(f)"]
    assert [found.regex for found in await filters(clock.ctx, filter_type=20)] == ["dragon", "el(f)"]
    assert [found.regex for found in await filters(clock.ctx, contains="el")] == ["elf", "el(f)"]


async def test_change_leaves_what_is_not_given(clock: Clock, moderator: User) -> None:
    made = await add(clock.ctx, moderator, description="no dragons")

    changed = await change(clock.ctx, made.id, regex="wyrm", filter_type=11)

    assert (changed.regex, changed.filter_type, changed.description) == ("wyrm", 11, "no dragons")


async def test_change_without_anything_or_to_what_cannot_be_is_refused(clock: Clock, moderator: User) -> None:
    made, other = await add(clock.ctx, moderator), await add(clock.ctx, moderator, "elf")

    with pytest.raises(NoFilterModSelected):
        await change(clock.ctx, made.id)
    with pytest.raises(BadInput, match="no filter type 9"):
        await change(clock.ctx, made.id, filter_type=9)
    with pytest.raises(BadInput, match=f"filter {other.id} has this type"):
        await change(clock.ctx, made.id, regex="elf")
    with pytest.raises(BadInput, match="empty text"):
        await change(clock.ctx, made.id, regex="x*")
    assert await filter_by_id(clock.ctx, made.id) == made


async def test_filter_of_nobody_is_not_found(clock: Clock) -> None:
    for act in (
        filter_by_id(clock.ctx, 7),
        delete_filter(clock.ctx, 7),
        change(clock.ctx, 7),
        change(clock.ctx, 7, regex="x"),
    ):
        with pytest.raises(FilterNotFound, match="'7'"):
            await act


async def test_no_more_filters_than_there_may_be(clock: Clock, moderator: User) -> None:
    first = await add(clock.ctx, moderator)
    await by_hand(clock.ctx, MANY, count=FILTERS_MAX - 1, now=clock.now)

    with pytest.raises(BadInput, match="There are 1000 filters already"):
        await add(clock.ctx, moderator, "elf")
    assert await add(clock.ctx, moderator) == first


async def test_process_that_changes_a_filter_goes_by_it_at_once(clock: Clock, moderator: User) -> None:
    ctx = seldom_looking(clock.ctx)
    assert await suspicion(ctx, "a dragon") == 0

    made = await add(ctx, moderator)
    assert await suspicion(ctx, "a dragon") == 1
    await change(ctx, made.id, regex="wyrm")
    assert (await suspicion(ctx, "a dragon"), await suspicion(ctx, "a wyrm")) == (0, 1)
    await delete_filter(ctx, made.id)
    assert await suspicion(ctx, "a wyrm") == 0


async def test_other_nodes_hear_of_a_change_when_they_look_again(clock: Clock, moderator: User) -> None:
    async with nodes(clock.ctx, 2) as (here, there):
        assert await suspicion(there, "a dragon") == 0

        made = await add(here, moderator)
        assert await suspicion(there, "a dragon") == 1
        await delete_filter(here, made.id)
        assert await suspicion(there, "a dragon") == 0


async def test_copy_that_nobody_asked_for_in_a_while_is_not_believed(clock: Clock, moderator: User) -> None:
    async with nodes(clock.ctx, 2) as (here, there):
        assert await suspicion(seldom_looking(there), "a dragon") == 0
        await add(here, moderator)
        assert await suspicion(seldom_looking(there), "a dragon") == 0

        clock.move(seconds=UNASKED_MAX.total_seconds() + 1)
        later = type(there)(seldom_looking(there).services, clock.now)
        assert await suspicion(later, "a dragon") == 1


async def test_filters_are_compiled_only_when_they_change(clock: Clock, moderator: User) -> None:
    await add(clock.ctx, moderator)

    first, second = await watched(clock.ctx), await watched(clock.ctx)

    assert first is second
    assert first.revisions == (("blocks", 0), ("filters", 1))
