"""Write down what is to be told, in the transaction that makes it true: so neither is there without the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid5

import msgspec

from horde.kinds.base import Webhook, WebhookEvent
from horde.server.context import Context
from horde.server.db.notify import News
from horde.server.db.pool import Tx
from horde.server.webhooks import sql

TOPIC = "webhooks"
"""Whose bell rings when there is something to send."""
KEPT_FOR = timedelta(days=7)
"""How long a message can be looked at, and tried again by hand."""
FORGOTTEN_MAX = 1000
"""In one round, which is short then; the next follows at once."""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A result that is put into the body when it is sent, so that a link is fresh at every attempt."""

    field: str
    parts: tuple[str, ...] = ()
    """What of the field, which is an object, stands for the result; empty: all of it."""
    job_id: UUID
    is_inline: bool
    base_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something that is to be told."""

    event: WebhookEvent
    subject: UUID
    """The job or the request that it happened to. It happens once to each, so the two together name the message."""
    request_id: UUID
    user_id: int
    url: str
    body: dict[str, object]
    picture: Picture | None = None

    @property
    def id(self) -> UUID:
        """By which its receiver knows it again: the same at every attempt."""
        return uuid5(self.subject, self.event)


def wanted(webhook: Webhook, event: WebhookEvent) -> bool:
    """Whether the requestor wants to hear of this."""
    return event in webhook.events


async def put(tx: Tx, ctx: Context, messages: Sequence[Message]) -> None:
    """Have these messages sent as soon as, and only if, the transaction is committed. Nothing is done for none."""
    if not messages:
        return
    rows = [
        {
            "id": message.id,
            "user_id": message.user_id,
            "event": message.event,
            "request_id": message.request_id,
            "url": message.url,
            "body": message.body,
            "picture": message.picture,
        }
        for message in messages
    ]
    await tx.run(sql.put, messages=rows, now=ctx.now)
    tx.when_committed(lambda: ctx.services.hints.publish(News(topics=[TOPIC])))


async def forget_old_messages(ctx: Context) -> int:
    """Forget messages that are done with for a week, and secrets that were replaced; returns how many messages."""
    async with ctx.database.transaction() as tx:
        await tx.run(sql.forget_secrets, now=ctx.now)
        return await tx.run(sql.forget, before=ctx.now - KEPT_FOR, limit=FORGOTTEN_MAX)
