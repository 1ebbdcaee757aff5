"""Workers as those may see them who may see more. Source: contract/api-v2.md, section 7.1."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import UNSET

from horde.server.api.auth import is_moderators
from horde.server.api.v2.messages_translate import answer as message_answer
from horde.server.context import Context
from horde.server.workers.insight import Insight, insights
from horde.server.workers.roster import Worker
from horde.wire import v2


async def seen(
    ctx: Context, workers: Sequence[Worker], api_key: str | None, answer: Callable[[Context, Worker], v2.WorkerAnswer]
) -> list[v2.WorkerAnswer]:
    """Workers on the wire, each with what is shown of it to who has this key; `answer` says what all may see."""
    by_moderator = await is_moderators(ctx, api_key)
    found = await insights(ctx, workers, by_moderator=by_moderator)
    return [_with(answer(ctx, one), one, found.get(one.id), by_moderator=by_moderator) for one in workers]


def _with(shown: v2.WorkerAnswer, worker: Worker, more: Insight | None, *, by_moderator: bool) -> v2.WorkerAnswer:
    if more is None:
        return shown
    shown.owner = more.owner.alias
    shown.messages = [message_answer(one, with_id=False) for one in more.messages]
    if by_moderator:
        shown.paused = worker.is_paused
        shown.contact = more.owner.contact or UNSET
    if more.confidential:
        shown.suspicious = more.confidential.points
        shown.ipaddr = more.confidential.address or UNSET
    return shown
