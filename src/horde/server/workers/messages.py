"""Messages to workers: what their owners and moderators have to say, shown with the answers to pops until it expires.

A pop reads what this process remembers of them, and asks the database nothing. Source: contract/api-v2.md, section 7.2.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from horde.errors import AnonForbidden, BadInput
from horde.errors.sharing import MessagesOnlyOwnWorkers, NotOwnMessages, TooManyMessages, WorkermessageNotFound
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.memory import Copy
from horde.server.moderation.harmless import harmless
from horde.server.workers.read import worker
from horde.server.workers.roster import ONLINE_FOR, sql

HOURS_USUAL, HOURS_MAX = 12, 720
TEXT_MAX, ORIGIN_MAX = 10_240, 255
AT_ONCE_MAX = 50
"""Messages of one account, moderators aside, that are shown at once: every server keeps them all in memory."""
PAGE, PAGES_MAX = 50, 10_000
PERIODS = 10
"""How many times as old as other pictures of the horde this one may be: messages live for hours."""
KEPT_FOR = timedelta(days=30)
"""How long an expired message can still be read."""

Validity = Literal["active", "expired", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something that a worker's owner should read."""

    id: UUID
    worker_id: UUID | None
    """None: for all workers."""
    user_id: int
    """Who wrote it."""
    message: str
    origin: str
    """In whose name."""
    created_at: datetime
    expires_at: datetime


# ------------------------------------------------------------------------------------------------ write
async def write_message(
    ctx: Context, author: User, text: str, *, worker_id: str | None, origin: str | None = None, hours: int | None = None
) -> Message:
    """Have something shown to a worker, or to all. Each call writes another message.

    Raises AnonForbidden, WorkerNotFound, MessagesOnlyOwnWorkers, TooManyMessages, BadInput for no text or too long a
    life.
    """
    if author.is_anonymous:
        raise AnonForbidden
    target = None if worker_id is None else await worker(ctx, worker_id)
    if not author.is_moderator and (target is None or target.user_id != author.id):
        raise MessagesOnlyOwnWorkers
    hours = HOURS_USUAL if hours is None else hours
    words = harmless(text)
    if not words:
        raise BadInput("A message cannot be empty.")
    if not 1 <= hours <= HOURS_MAX:
        raise BadInput(f"A message is shown for 1 to {HOURS_MAX} hours, not for {hours}.")
    named = origin if origin and author.is_moderator else str(author.id)
    written = Message(
        id=uuid.uuid4(),
        worker_id=target.id if target else None,
        user_id=author.id,
        message=words,
        origin=harmless(named),
        created_at=ctx.now,
        expires_at=ctx.now + timedelta(hours=hours),
    )
    async with ctx.database.statement() as tx:
        at_most = None if author.is_moderator else AT_ONCE_MAX
        if not await tx.values(sql.add_message, UUID, **_columns(written), at_most=at_most):
            raise TooManyMessages(f"{AT_ONCE_MAX} messages of this account are shown to workers already.")
    return written


def _columns(written: Message) -> dict[str, object]:
    return {name: getattr(written, name) for name in Message.__slots__}


async def delete_message(ctx: Context, caller: User, message_id: str) -> None:
    """Show a message no more. Raises WorkermessageNotFound, NotOwnMessages."""
    found = await message(ctx, message_id)
    if found.user_id != caller.id and not caller.is_moderator:
        raise NotOwnMessages
    async with ctx.database.statement() as tx:
        await tx.run(sql.delete_message, id=found.id)


async def forget_old_messages(ctx: Context) -> int:
    """Delete what expired long ago; returns how many."""
    async with ctx.database.statement() as tx:
        return await tx.run(sql.forget_messages, before=ctx.now - KEPT_FOR)


# ------------------------------------------------------------------------------------------------- read
async def message(ctx: Context, message_id: str) -> Message:
    """A message, expired or not. Raises WorkermessageNotFound, also for what is no UUID."""
    try:
        key = UUID(message_id)
    except ValueError:
        key = None
    found = None
    if key:
        async with ctx.database.statement() as tx:
            found = await tx.maybe(sql.message_by_id, Message, id=key)
    if found is None:
        raise WorkermessageNotFound(f"There is no message with ID {message_id[:80]!r}.")
    return found


async def messages(
    ctx: Context,
    caller: User,
    *,
    author: str | None = None,
    worker_id: str | None = None,
    validity: Validity = "active",
    page: int = 1,
) -> list[Message]:
    """A page of messages, the newest first: for moderators all, else one's own, those to own workers and to everybody.

    `author` and `worker_id` leave only those of theirs. Raises NotOwnMessages for somebody else's.
    """
    if author is not None and author != str(caller.id) and not caller.is_moderator:
        raise NotOwnMessages("Only moderators may read the messages of others.", hint="leave `user_id` out.")
    if not 1 <= page <= PAGES_MAX:
        return []
    wanted = (_number(author), _uuid(worker_id))
    if (author is not None and wanted[0] is None) or (worker_id is not None and wanted[1] is None):
        return []
    async with ctx.database.statement() as tx:
        return await tx.all(
            sql.messages_seen,
            Message,
            seen_by=None if caller.is_moderator else caller.id,
            author=wanted[0],
            worker_id=wanted[1],
            is_active={"active": True, "expired": False, "all": None}[validity],
            now=ctx.now,
            limit=PAGE,
            skipped=(page - 1) * PAGE,
        )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) <= 18 else None


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text is not None else None
    except ValueError:
        return None


async def messages_of_workers(ctx: Context, worker_ids: Iterable[UUID]) -> dict[UUID, list[Message]]:
    """What is shown to each of these workers alone, the oldest first."""
    ids = sorted(set(worker_ids))
    found: defaultdict[UUID, list[Message]] = defaultdict(list)
    if ids:
        async with ctx.database.statement() as tx:
            for one in await tx.all(sql.messages_of_workers, Message, workers=ids, now=ctx.now):
                assert one.worker_id is not None, "asked for by worker"
                found[one.worker_id].append(one)
    return found


# ------------------------------------------------------------------------------------------------- tell
class Told:
    """What is shown to workers online: to all, and to each."""

    def __init__(self, shown: Iterable[Message] = ()) -> None:
        self._to_all: list[Message] = []
        self._to_worker: defaultdict[UUID, list[Message]] = defaultdict(list)
        for one in shown:
            (self._to_worker[one.worker_id] if one.worker_id else self._to_all).append(one)

    def to(self, worker_id: UUID, now: datetime) -> list[Message]:
        """What this worker is shown now, the oldest first."""
        if not self._to_all and worker_id not in self._to_worker:
            return []
        own = self._to_worker.get(worker_id, [])
        found = [one for one in (*self._to_all, *own) if one.expires_at > now]
        return sorted(found, key=lambda one: one.created_at)


class Shown:
    """This process's copy of it."""

    def __init__(self) -> None:
        self.copy = Copy(_read)


async def told(ctx: Context, worker_id: UUID) -> list[Message]:
    """What a worker is shown with its pop, as this process remembers it: some ten seconds old at the most."""
    period_s = PERIODS * ctx.services.settings.refresh_s
    return (await ctx.remembered(Shown).copy.read(ctx, now=ctx.now, period_s=period_s)).to(worker_id, ctx.now)


async def _read(ctx: Context, _previous: Told | None) -> Told:
    async with ctx.database.statement() as tx:
        return Told(await tx.all(sql.messages_shown, Message, now=ctx.now, since=ctx.now - ONLINE_FOR))
