"""Whether a request may be asked at all."""

import threading
from typing import Any

import pytest

from horde.errors import BadInput
from horde.errors.moderation import CorruptPrompt, TimeoutIP
from horde.server.accounts.change import Changes, ModeratorChanges
from horde.server.accounts.change import change as change_account
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.moderation.blocks import kept_out_for
from horde.server.moderation.filters import add_filter
from horde.server.moderation.filterset import Filter, FilterSet
from horde.server.moderation.prompts import NEGATIVE_TERMS
from horde.server.requests.quote import estimated
from horde.server.requests.screen import CHARACTERS_AT_ONCE, looked_at, screened
from horde.server.requests.submit import submit
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, draft, idle, look, one, popped, user

WHERE = "8.8.8.8"
CORRUPT = "an elf with a dragon"


@pytest.fixture
async def ctx(clock: Clock) -> Context:
    """A horde in which elves become knights, and nobody may ask for one with a dragon."""
    moderator = await user(clock.ctx, "Mona", is_moderator=True)
    for regex, filter_type, replacement in (("elf", 10, "knight"), ("tiny", 11, ""), ("dragon", 20, "")):
        await add_filter(
            clock.ctx, moderator, regex=regex, filter_type=filter_type, description=None, replacement=replacement
        )
    return clock.ctx


async def suspicion(ctx: Context, of: User) -> int:
    return int(await one(ctx, "SELECT suspicion FROM users WHERE id = $1", id=of.id))


async def prompt_of(ctx: Context, requestor: User, prompt: str, **changes: Any) -> str:
    return (await screened(ctx, requestor, draft(prompt=prompt, **changes))).prompt


async def with_role(ctx: Context, who: User, role: str) -> User:
    by = ModeratorChanges(is_flagged=role == "flagged", is_education=role == "education")
    return (await change_account(ctx, await user(ctx, "Max", is_moderator=True), who, Changes(by_moderator=by))).user


@pytest.mark.parametrize("prompt", ["a fox", "an elf", "a dragon", "an elf ### dragon", "(an elf:1.2), tiny"])
async def test_prompt_that_hits_one_group_stays_as_it_is(ctx: Context, prompt: str) -> None:
    assert await prompt_of(ctx, await user(ctx), prompt, replaces_suspicious=False) == prompt


async def test_prompt_that_hits_both_groups_has_it_replaced_unless_it_says_otherwise(ctx: Context) -> None:
    ada = await user(ctx)

    assert await prompt_of(ctx, ada, CORRUPT) == f"an knight with a dragon###{NEGATIVE_TERMS}"
    assert await suspicion(ctx, ada) == 0
    with pytest.raises(CorruptPrompt):
        await prompt_of(ctx, ada, CORRUPT, replaces_suspicious=False)


async def test_replaced_prompt_is_what_waits(ctx: Context) -> None:
    accepted = await submit(ctx, await user(ctx), draft(prompt=CORRUPT))

    assert await one(ctx, "SELECT prompt FROM requests WHERE id = $1::text::uuid", id=accepted.id) == (
        f"an knight with a dragon###{NEGATIVE_TERMS}"
    )


async def test_education_accounts_have_it_replaced_always(ctx: Context) -> None:
    school = await with_role(ctx, await user(ctx), "education")

    assert await prompt_of(ctx, school, CORRUPT, replaces_suspicious=False) != CORRUPT


async def test_in_long_prompts_nothing_is_replaced(ctx: Context) -> None:
    with pytest.raises(BadInput, match="7007 characters"):
        await prompt_of(ctx, await user(ctx), CORRUPT + " " * (7007 - len(CORRUPT)))


async def test_corrupt_prompt_is_held_against_its_author_once_and_its_address_each_time(
    ctx: Context, clock: Clock
) -> None:
    ada = await user(ctx)
    minutes = []
    for _ in range(3):
        with pytest.raises(CorruptPrompt):
            await submit(clock.ctx, ada, draft(prompt="a tiny dragon", address=WHERE))
        lasting = await kept_out_for(clock.ctx, WHERE)
        assert lasting
        minutes.append(lasting.total_seconds() / 60)
        with pytest.raises(TimeoutIP, match=WHERE):
            await submit(clock.ctx, ada, draft(address=WHERE))
        clock.now += lasting

    assert minutes == [3, 9, 15]
    assert await suspicion(ctx, ada) == 1
    assert (await submit(clock.ctx, ada, draft(address=WHERE))).id


async def test_dry_run_does_not_tell_the_way_around_the_filters(ctx: Context) -> None:
    ada = await user(ctx)

    with pytest.raises(CorruptPrompt):
        await estimated(ctx, ada, draft(prompt="a tiny dragon", address=WHERE))

    assert await suspicion(ctx, ada) == 1
    with pytest.raises(TimeoutIP):
        await estimated(ctx, ada, draft(address=WHERE))


async def test_moderators_are_refused_without_consequences(ctx: Context) -> None:
    moderator = await user(ctx, "Mel", is_moderator=True)

    with pytest.raises(CorruptPrompt):
        await prompt_of(ctx, moderator, "a tiny dragon", address=WHERE)

    assert await suspicion(ctx, moderator) == 0
    assert await kept_out_for(ctx, WHERE) is None


async def test_anonymous_account_is_never_suspected_but_its_address_is(ctx: Context) -> None:
    nobody = await anonymous(ctx)

    with pytest.raises(CorruptPrompt):
        await prompt_of(ctx, nobody, "a tiny dragon", address=WHERE)

    assert await suspicion(ctx, nobody) == 0
    assert await kept_out_for(ctx, WHERE) is not None


async def test_corrupt_prompt_counts_again_once_the_suspicion_was_taken_back(ctx: Context) -> None:
    ada, moderator = await user(ctx), await user(ctx, "Mel", is_moderator=True)

    async def corrupt() -> int:
        with pytest.raises(CorruptPrompt):
            await prompt_of(ctx, ada, "a tiny dragon")
        return await suspicion(ctx, ada)

    assert await corrupt() == 1
    forgiven = Changes(by_moderator=ModeratorChanges(resets_suspicion=True))
    await change_account(ctx, moderator, ada, forgiven)
    assert await corrupt() == 1


async def test_flagged_account_is_always_filtered(ctx: Context) -> None:
    flagged = await with_role(ctx, await user(ctx), "flagged")

    assert await prompt_of(ctx, flagged, "a fox ### blurry", replaces_suspicious=False) == (
        f"a fox###{NEGATIVE_TERMS}, blurry"
    )
    assert await prompt_of(ctx, flagged, "(girl:1.2), elf") == f"adult woman knight###{NEGATIVE_TERMS}"
    with pytest.raises(CorruptPrompt):
        await prompt_of(ctx, flagged, "!!! ### blurry")


async def test_flagged_account_may_ask_for_what_has_no_prompt(ctx: Context) -> None:
    flagged = await with_role(ctx, await user(ctx), "flagged")

    assert await prompt_of(ctx, flagged, "") == ""


async def test_flagged_account_waits_behind_those_with_nothing(ctx: Context) -> None:
    flagged = await with_role(ctx, await user(ctx, has=5), "flagged")

    await submit(ctx, flagged, draft())
    await submit(ctx, await user(ctx, "Bob", has=0), draft())

    places = await look(ctx, "SELECT user_id FROM requests ORDER BY rank DESC")
    assert places[-1]["user_id"] == flagged.id


async def test_models_for_grown_ups_show_grown_ups(ctx: Context) -> None:
    ada = await user(ctx)

    assert await prompt_of(ctx, ada, "a girl", models=("Pony NSFW",)) == f"a adult woman###{NEGATIVE_TERMS}"
    assert await prompt_of(ctx, ada, "a fox, walking", models=("Pony NSFW",)) == "a fox, walking"
    assert await prompt_of(ctx, ada, "a girl", models=("Pony",)) == "a girl"


@pytest.mark.parametrize(
    ("characters", "repetitions", "is_beside"),
    [(CHARACTERS_AT_ONCE, 1, False), (CHARACTERS_AT_ONCE + 1, 1, True), (CHARACTERS_AT_ONCE, 40, True)],
)
async def test_prompt_that_takes_long_is_looked_at_beside_the_loop(
    characters: int, repetitions: int, is_beside: bool
) -> None:
    many = FilterSet(
        Filter(id=place, regex=f"{place}[^a-c]{{100}}", filter_type=20, description=None, replacement="", made_by=None)
        for place in range(repetitions)
    )

    thread = await looked_at(many, "x" * characters, threading.current_thread)

    assert (thread is not threading.current_thread()) == is_beside


async def test_long_prompt_is_read_to_its_end(ctx: Context) -> None:
    with pytest.raises(CorruptPrompt):
        await prompt_of(ctx, await user(ctx), "a fox " * 10_000 + "tiny dragon", replaces_suspicious=False)


@pytest.mark.parametrize("role", ["education", "service"])
async def test_education_accounts_get_harmless_pictures_of_trusted_workers(clock: Clock, role: str) -> None:
    school = await with_role(clock.ctx, await user(clock.ctx), role)
    bob, cyd = await user(clock.ctx, "Bob"), await user(clock.ctx, "Cyd", is_trusted=True)
    is_safe = role == "education"
    wish = draft(nsfw=True, censor_nsfw=False, trusted_workers=False)
    request = await submit(clock.ctx, school, wish)
    await estimated(clock.ctx, school, wish)

    skipped = await idle(clock.ctx, bob, nsfw=False)
    assert skipped == ({"untrusted": 1} if is_safe else {"nsfw": 1})
    job = await popped(clock.ctx, cyd, "Boreas", nsfw=not is_safe)
    assert (job.request_id, job.payload.get("use_nsfw_censor", False)) == (request.id, is_safe)
