"""What was told and what was not, for the account whose requests it was about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from horde.errors import AnonForbidden, WebhookDeliveryNotFound
from horde.kinds.base import WebhookEvent
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.db.notify import News
from horde.server.webhooks import sql
from horde.server.webhooks.outbox import TOPIC
from horde.server.webhooks.send import State

RETRY_PAUSE = timedelta(seconds=10)
"""Between an attempt and the next one by hand: nobody floods a third party through us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which of an account's messages are meant."""

    state: State | None = None
    event: WebhookEvent | None = None
    request_id: UUID | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message and what became of it."""

    seq: int
    id: UUID
    event: WebhookEvent
    request_id: UUID
    url: str
    state: State
    attempts: int
    created_at: datetime
    tried_at: datetime | None
    due_at: datetime | None
    answer_status: int | None
    answer_body: str | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Messages, the newest first."""

    deliveries: list[Delivery]
    next_before: int | None
    """Where the next page begins, if there is one."""


async def deliveries(ctx: Context, user: User, search: Search, *, limit: int) -> Page:
    """The account's own messages. Raises AnonForbidden for the account that is everybody's."""
    _refuse_anonymous(user)
    found = await _read(ctx, user, search, limit=limit + 1)
    page = found[:limit]
    return Page(page, page[-1].seq if len(found) > limit else None)


async def try_again(ctx: Context, user: User, delivery_id: str) -> Delivery:
    """Send one of the account's own messages once more, also one that was heard; returns it as it is now.

    One that is just being sent is left alone. Raises WebhookDeliveryNotFound, AnonForbidden.
    """
    _refuse_anonymous(user)
    try:
        key = UUID(delivery_id)
    except ValueError:
        raise _not_found(delivery_id) from None
    async with ctx.database.transaction() as tx:
        await tx.run(sql.try_again, id=key, user_id=user.id, now=ctx.now, pause=RETRY_PAUSE)
        tx.when_committed(lambda: ctx.services.hints.publish(News(topics=[TOPIC])))
    found = await _read(ctx, user, Search(), limit=1, key=key)
    if not found:
        raise _not_found(delivery_id)
    return found[0]


async def _read(ctx: Context, user: User, search: Search, *, limit: int, key: UUID | None = None) -> list[Delivery]:
    async with ctx.database.statement() as tx:
        return await tx.all(
            sql.deliveries,
            Delivery,
            user_id=user.id,
            id=key,
            before=search.before,
            state=search.state,
            event=search.event,
            request_id=search.request_id,
            limit=limit,
        )


def _not_found(delivery_id: str) -> WebhookDeliveryNotFound:
    return WebhookDeliveryNotFound(f"Webhook delivery with ID {delivery_id[:80]!r} not found.")


def _refuse_anonymous(user: User) -> None:
    if user.is_anonymous:
        raise AnonForbidden("The anonymous account is everybody's, so nobody is shown what it was told.")
