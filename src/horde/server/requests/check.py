"""Whether a request may be asked for as it is, by whom it is, and what it needs then; all from what it says itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar
from uuid import UUID

import msgspec

from horde.errors import DeletedUser, OnlyServiceAccountProxy, RequiresTrust, WorkerNotFound
from horde.kinds import KINDS
from horde.kinds.base import Draft, Needs
from horde.kinds.image_refusals import MoreThanMinExtraSourceImage, TooManyExtraSourceImages
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.workers.roster import unknown_among

P = TypeVar("P", bound=msgspec.Struct)

WORKERS_KEPT = 5
"""Listed workers beyond these are not looked at (contract/api-v2.md, section 2.1)."""
EXTRA_SOURCES_MAX = 5
"""Pictures beside the source image; who is not trusted may send one (contract/lifecycle.md, section 2, row 9)."""


def checked(user: User, draft: Draft[P]) -> Needs:
    """What a draft needs.

    Raises OnlyServiceAccountProxy, DeletedUser, TooManyExtraSourceImages, MoreThanMinExtraSourceImage, what the kind's
    own checks raise, WorkerNotFound for a listed worker that is no id, and RequiresTrust.
    """
    if draft.proxied_account is not None and not user.is_service:
        raise OnlyServiceAccountProxy
    if user.is_deleted:
        raise DeletedUser
    kind = KINDS[draft.kind]
    if draft.extra_sources > EXTRA_SOURCES_MAX:
        raise TooManyExtraSourceImages
    if draft.extra_sources > 1 and not user.is_trusted:
        raise MoreThanMinExtraSourceImage
    kind.check(draft)
    kind.check_asker(draft, user.person)
    if draft.workers:
        draft = replace(draft, workers=_worker_ids(draft.workers))
    if draft.n > 1 and draft.disable_batching and not user.is_trusted:
        raise RequiresTrust
    return kind.needs(draft)


def as_asked_by(user: User, draft: Draft[P]) -> Draft[P]:
    """The draft as an account may ask for it: schools get harmless pictures of trusted workers, whatever they ask for.

    Source: contract/lifecycle.md, section 2, "Request preparation".
    """
    if not (user.is_education and KINDS[draft.kind].is_prompt_filtered):
        return draft
    return replace(draft, nsfw=False, censor_nsfw=True, trusted_workers=True)


def _worker_ids(texts: tuple[str, ...]) -> tuple[str, ...]:
    # One spelling of an id: matching compares texts.
    ids = []
    for text in texts[:WORKERS_KEPT]:
        try:
            ids.append(str(UUID(text)))
        except ValueError:
            raise WorkerNotFound(f"Worker with ID {text[:80]!r} not found.") from None
    return tuple(ids)


async def refuse_unknown_workers(ctx: Context, needs: Needs) -> None:
    """Raises WorkerNotFound for a listed worker that there is not."""
    if not needs.workers:
        return
    async with ctx.database.statement() as tx:
        unknown = await unknown_among(tx, [UUID(text) for text in needs.workers])
    if unknown:
        raise WorkerNotFound(f"Worker with ID '{unknown[0]}' not found.")
