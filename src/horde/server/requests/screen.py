"""Whether a request may be asked at all: where it comes from, and what its prompt says.

All is looked up in memory, unless a prompt is refused.
Source: contract/lifecycle.md, sections 2 (rows 15 to 17) and 14.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import msgspec
import structlog

from horde.errors import BadInput
from horde.errors.moderation import CorruptPrompt
from horde.kinds import KINDS
from horde.kinds.base import Draft
from horde.kinds.models import is_any_nsfw
from horde.server.accounts.trust import suspect_once
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.moderation import prompts
from horde.server.moderation.blocks import refuse_blocked, time_out
from horde.server.moderation.filterset import FilterSet
from horde.server.moderation.watch import watched

P = TypeVar("P", bound=msgspec.Struct)
R = TypeVar("R")
log = structlog.get_logger(__name__)

REPLACED_MAX = 7000
"""Characters of a prompt in which anything is replaced (contract/lifecycle.md, section 14)."""
READ_AT_ONCE = 20_000_000
"""Characters times steps of all filters: more is read in a thread, as it could hold up everybody for 25 ms."""
CHARACTERS_AT_ONCE = 5_000


async def screened(ctx: Context, user: User, draft: Draft[P]) -> Draft[P]:
    """The request as it may be asked: what filters hit is replaced in its prompt where its author wants that.

    Raises TimeoutIP, CorruptPrompt, and BadInput for a prompt that is too long to have anything replaced. Whoever
    sends a corrupt prompt is suspected once more, and kept out for a while; moderators are not.
    """
    await refuse_blocked(ctx, draft.address)
    filters, kind = (await watched(ctx)).filters, KINDS[draft.kind]
    prompt: str | None = draft.prompt
    if kind.is_prompt_filtered and filters.can_refuse:
        prompt = await _filtered(filters, user, draft)
    if prompt and (user.is_flagged or is_any_nsfw(draft.models)):
        prompt = await _with_adults(filters, user, prompt, has_negative=kind.has_negative_prompt)
    if prompt is None:
        await _punish(ctx, user, draft.address)
        raise CorruptPrompt
    return draft if prompt == draft.prompt else replace(draft, prompt=prompt)


async def _filtered(filters: FilterSet, user: User, draft: Draft[P]) -> str | None:
    """The prompt as it is, or with what was hit replaced; None: it is corrupt."""
    prompt = draft.prompt
    if not (await looked_at(filters, prompt, lambda: prompts.judged(filters, prompt))).is_corrupt:
        return prompt
    if not (draft.replaces_suspicious or user.is_education):
        return None
    _refuse_long(prompt)
    return await looked_at(filters, prompt, lambda: prompts.replaced(filters, prompt))


async def _with_adults(filters: FilterSet, user: User, prompt: str, *, has_negative: bool) -> str | None:
    is_wanted = user.is_flagged or await looked_at(filters, prompt, lambda: prompts.is_about_the_young(filters, prompt))
    if not is_wanted:
        return prompt
    return await looked_at(filters, prompt, lambda: prompts.made_adult(filters, prompt, has_negative=has_negative))


def _refuse_long(prompt: str) -> None:
    if len(prompt) > REPLACED_MAX:
        raise BadInput(
            f"The prompt has {len(prompt)} characters; anything is replaced in at most {REPLACED_MAX}.",
            hint="make it shorter, or say it in other words.",
        )


async def looked_at(filters: FilterSet, prompt: str, read: Callable[[], R]) -> R:
    """What `read` makes of a prompt: at once, or in a thread where that could take long."""
    if len(prompt) <= CHARACTERS_AT_ONCE and len(prompt) * filters.steps <= READ_AT_ONCE:
        return read()
    return await asyncio.to_thread(read)


async def _punish(ctx: Context, user: User, address: str) -> None:
    lasting = None
    if not user.is_moderator:
        async with ctx.database.transaction() as tx:
            await suspect_once(tx, user.id, "corrupt prompt")
        lasting = await time_out(ctx, address)
    log.warning("prompt.refused", user=user.alias, address=address, timeout_s=lasting and lasting.total_seconds())
