"""What requestors are told by webhook of jobs and requests. Source: contract/lifecycle.md, section 11."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import msgspec

from horde.kinds import KINDS
from horde.kinds.base import Webhook, WebhookEvent
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.requests import sql
from horde.server.requests.results import Finished, Result
from horde.server.webhooks.outbox import Message, Picture, put, wanted
from horde.units import kudos_on_the_wire


async def tell_of_results(tx: Tx, ctx: Context, finished: Sequence[Finished], results: Mapping[UUID, Result]) -> None:
    """Have the requestors told of results, and of requests that are done with them, as far as they want to hear it."""
    heard = [(ended, results[ended.id]) for ended in finished if results[ended.id].job.webhook is not None]
    groups = {group_id for ended, result in heard if ended.is_over and (group_id := result.job.group_id)}
    over = await _over(tx, groups) if groups else set()
    messages = []
    for ended, result in heard:
        job = result.job
        if result.delivery.state == "cancelled":
            continue
        webhook = msgspec.convert(job.webhook, Webhook)
        if wanted(webhook, "job.done"):
            messages.append(_job_done(result, webhook))
        is_last = ended.is_over and (job.group_id is None or job.group_id in over)
        if is_last and wanted(webhook, "request.done"):
            messages.append(_of_request(ctx, webhook, "request.done", job.asked_id, job.requestor_id))
    await put(tx, ctx, messages)


async def _over(tx: Tx, groups: Collection[UUID]) -> set[UUID]:
    """Those of these groups of which all was done."""
    ids = sorted(groups)
    await tx.values(sql.lock_groups, UUID, ids=ids)
    return set(await tx.values(sql.groups_over, UUID, ids=ids))


async def tell_of_request(
    tx: Tx, ctx: Context, event: WebhookEvent, request_id: UUID, user_id: int, webhook: dict[str, object]
) -> None:
    """Have a requestor told what became of a request, where that is wanted."""
    target = msgspec.convert(webhook, Webhook)
    if wanted(target, event):
        await put(tx, ctx, [_of_request(ctx, target, event, request_id, user_id)])


def _job_done(result: Result, webhook: Webhook) -> Message:
    """The reference's payload, key by key: it has no room for a type, which is in the header `Horde-Event`."""
    job, delivery = result.job, result.delivery
    kind = KINDS[job.kind]
    body: dict[str, object] = {
        "seed": delivery.seed,
        "worker_id": str(job.worker_id),
        "worker_name": job.worker_name,
        "model": job.model,
        "id": str(job.id),
        **kind.state_for_webhook(delivery.state),
        "gen_metadata": delivery.gen_metadata,
        "request": str(job.asked_id),
        "kudos": kudos_on_the_wire(result.worth),
    }
    picture = None
    if kind.makes_files:
        picture = Picture(field=kind.result_field, job_id=job.id, is_inline=job.is_inline, base_url=webhook.base_url)
    else:
        body[kind.result_field] = delivery.text
    if kind.uploads and (parts := tuple(kind.uploads(job.model, delivery.text))):
        picture = Picture(
            field=kind.result_field, parts=parts, job_id=job.id, is_inline=False, base_url=webhook.base_url
        )
    if kind.reworded_for_webhook:
        body = kind.reworded_for_webhook(body)
    return Message(
        event="job.done",
        subject=job.id,
        request_id=job.asked_id,
        user_id=job.requestor_id,
        url=webhook.url,
        body=body,
        picture=picture,
    )


def _of_request(ctx: Context, webhook: Webhook, event: WebhookEvent, request_id: UUID, user_id: int) -> Message:
    """As Standard Webhooks would have it: type, time, and the id by which the rest can be asked for."""
    body: dict[str, object] = {"type": event, "timestamp": ctx.now, "data": {"request": str(request_id)}}
    return Message(event=event, subject=request_id, request_id=request_id, user_id=user_id, url=webhook.url, body=body)
