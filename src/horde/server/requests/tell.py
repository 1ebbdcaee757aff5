"""What requestors are told by webhook of jobs and requests. Source: contract/lifecycle.md, section 11."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from horde.kinds import KINDS
from horde.kinds.base import Webhook, WebhookEvent
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.webhooks.outbox import Message, Picture, put, wanted
from horde.units import Kudos, kudos_on_the_wire


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneJob:
    """A job with the result that it has now."""

    id: UUID
    request_id: UUID
    requestor_id: int
    kind: str
    worker_id: UUID
    worker_name: str
    model: str
    reward_mk: int
    is_inline: bool
    is_last: bool
    """Whether its request has all its results now."""
    seed: int
    state: str
    gen_metadata: list[object]
    text: str
    """Of kinds that make no files."""
    webhook: dict[str, object]


async def tell_of_jobs(tx: Tx, ctx: Context, jobs: Sequence[DoneJob]) -> None:
    """Have the requestors told of results, and of requests that are done with them, as far as they want to hear it."""
    messages = []
    for job in jobs:
        webhook = msgspec.convert(job.webhook, Webhook)
        if wanted(webhook, "job.done"):
            messages.append(_job_done(job, webhook))
        if job.is_last and wanted(webhook, "request.done"):
            messages.append(_of_request(ctx, webhook, "request.done", job.request_id, job.requestor_id))
    await put(tx, ctx, messages)


async def tell_of_request(
    tx: Tx, ctx: Context, event: WebhookEvent, request_id: UUID, user_id: int, webhook: dict[str, object]
) -> None:
    """Have a requestor told what became of a request, where that is wanted."""
    target = msgspec.convert(webhook, Webhook)
    if wanted(target, event):
        await put(tx, ctx, [_of_request(ctx, target, event, request_id, user_id)])


def _job_done(job: DoneJob, webhook: Webhook) -> Message:
    """The reference's payload, key by key: it has no room for a type, which is in the header `Horde-Event`."""
    kind = KINDS[job.kind]
    body: dict[str, object] = {
        "seed": job.seed,
        "worker_id": str(job.worker_id),
        "worker_name": job.worker_name,
        "model": job.model,
        "id": str(job.id),
        **kind.state_for_webhook(job.state),
        "gen_metadata": job.gen_metadata,
        "request": str(job.request_id),
        "kudos": kudos_on_the_wire(Kudos(job.reward_mk)),
    }
    picture = None
    if kind.makes_files:
        picture = Picture(field=kind.result_field, job_id=job.id, is_inline=job.is_inline, base_url=webhook.base_url)
    else:
        body[kind.result_field] = job.text
    if kind.uploads and (parts := tuple(kind.uploads(job.model, job.text))):
        picture = Picture(
            field=kind.result_field, parts=parts, job_id=job.id, is_inline=False, base_url=webhook.base_url
        )
    if kind.reworded_for_webhook:
        body = kind.reworded_for_webhook(body)
    return Message(
        event="job.done",
        subject=job.id,
        request_id=job.request_id,
        user_id=job.requestor_id,
        url=webhook.url,
        body=body,
        picture=picture,
    )


def _of_request(ctx: Context, webhook: Webhook, event: WebhookEvent, request_id: UUID, user_id: int) -> Message:
    """As Standard Webhooks would have it: type, time, and the id by which the rest can be asked for."""
    body: dict[str, object] = {"type": event, "timestamp": ctx.now, "data": {"request": str(request_id)}}
    return Message(event=event, subject=request_id, request_id=request_id, user_id=user_id, url=webhook.url, body=body)
