"""A message to workers as v2 writes it."""

from __future__ import annotations

from msgspec import UNSET

from horde.server.api.v2.users_translate import moment
from horde.server.workers.messages import Message
from horde.wire import v2


def answer(found: Message, *, with_id: bool = True) -> v2.MessageAnswer:
    """A message on the wire; in the worker it is for, it has no id."""
    return v2.MessageAnswer(
        id=str(found.id) if with_id else UNSET,
        worker_id=str(found.worker_id) if found.worker_id else UNSET,
        user_id=str(found.user_id),
        message=found.message,
        origin=found.origin,
        created=moment(found.created_at),
        expiry=moment(found.expires_at),
    )
