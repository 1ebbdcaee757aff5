"""Between the messages of v2 and the words of the engine; of texts: text_translate.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec import UNSET, UnsetType

from horde.errors import BadInput, InvalidPriorityUsername
from horde.kinds import image
from horde.kinds.agents import capabilities
from horde.kinds.base import Draft, Webhook, WebhookEvent
from horde.kinds.seeds import random_seed, seed_number
from horde.server.accounts.users import id_of_alias
from horde.server.context import Context
from horde.server.requests.lease import Popped
from horde.server.requests.orders import Accepted
from horde.server.requests.pop import Ask, Idle
from horde.server.requests.read import Progress
from horde.server.requests.results import Delivery, Paid
from horde.server.settings import Settings
from horde.server.storage.objects import job_key
from horde.server.storage.pictures import from_base64
from horde.server.webhooks.target import check_target
from horde.server.workers.checkin import MODELS_MAX, CheckIn
from horde.server.workers.notices import Notice
from horde.server.workers.roster import OfferTerms
from horde.units import kudos_on_the_wire, whole_kudos_on_the_wire
from horde.wire import v2

BLACKLIST_MAX, BLACKWORD_CHARACTERS_MAX = 200, 15
NOBODY_NOW = "Warning: No available workers can fulfill this request. It will expire in 20 minutes unless one appears."
UPLOADED = "R2"
REMARKS_MAX = 50

SWITCHES = {
    "img2img": "allow_img2img",
    "inpainting": "allow_painting",
    "unsafe_ip": "allow_unsafe_ipaddr",
    "post-processing": "allow_post_processing",
    "controlnet": "allow_controlnet",
    "sdxl_controlnet": "allow_sdxl_controlnet",
    "lora": "allow_lora",
}
"""What a worker's owner can decline, and the field that says so by being false."""


def draft(
    body: v2.GenerateAsync, client_agent: str, *, address: str = "", webhook: Webhook | None = None
) -> Draft[image.ImageParams]:
    """What is asked for."""
    variation = body.params.seed_variation
    seed = seed_number(body.params.seed) if body.params.seed else None
    if seed is None and variation is not UNSET:
        seed = random_seed()
    has_source = body.source_image is not UNSET and bool(body.source_image)
    return Draft(
        kind=image.NAME,
        prompt=body.prompt,
        params=body.params,
        n=body.params.n,
        models=tuple(body.models),
        nsfw=body.nsfw,
        censor_nsfw=body.censor_nsfw,
        trusted_workers=body.trusted_workers,
        slow_workers=body.slow_workers,
        extra_slow_workers=body.extra_slow_workers,
        workers=tuple(body.workers),
        worker_blacklist=body.worker_blacklist,
        disable_batching=body.disable_batching,
        allow_downgrade=body.allow_downgrade,
        # Without pictures there is nothing to be processed, whatever the request calls it.
        source_processing=body.source_processing if has_source or body.extra_source_images else None,
        has_only_extra_sources=not has_source and bool(body.extra_source_images),
        has_source_mask=body.source_mask is not UNSET and bool(body.source_mask),
        extra_sources=len(body.extra_source_images),
        is_inline=not body.r2,
        seed=seed,
        seed_variation=0 if variation is UNSET else variation,
        client_agent=client_agent,
        webhook=webhook,
        address=address,
        replaces_suspicious=body.replacement_filter,
        proxied_account=None if body.proxied_account is UNSET else body.proxied_account,
    )


class AsksToBeTold(Protocol):
    """A body of any kind with a webhook."""

    webhook: str | UnsetType
    webhook_events: list[WebhookEvent]


def webhook(body: AsksToBeTold, settings: Settings, base_url: str) -> Webhook | None:
    """Where the requestor wants to be told, and of what. Raises BadInput for a place that is never called."""
    if body.webhook is UNSET:
        return None
    check_target(settings, body.webhook)
    return Webhook(url=body.webhook, events=tuple(dict.fromkeys(body.webhook_events)), base_url=base_url)


def accepted(request: Accepted, *, tells_nobody: bool) -> v2.GenerateAccepted:
    """Under which id it waits, with a message where nobody can do it now, if that is told (in raid mode it is not)."""
    message = NOBODY_NOW if tells_nobody and not request.is_possible else None
    return v2.GenerateAccepted(id=request.id, kudos=whole_kudos_on_the_wire(request.price), message=message)


def check(progress: Progress) -> v2.CheckAnswer:
    """How far it is."""
    return v2.CheckAnswer(
        finished=progress.finished,
        processing=progress.processing,
        restarted=progress.restarted,
        waiting=progress.waiting,
        done=progress.is_done,
        faulted=progress.is_faulted,
        wait_time=progress.wait_s,
        queue_position=progress.queue_position,
        kudos=kudos_on_the_wire(progress.charged),
        is_possible=progress.is_possible,
        explanation=progress.explanation or UNSET,
    )


def ask(body: v2.Pop, address: str = "") -> Ask:
    """What a worker offers and asks for, and from where (empty: not known).

    Raises InvalidPriorityUsername.
    """
    flags = {name: value for name, value in msgspec.structs.asdict(body).items() if name.startswith("allow_")}
    declined = [feature for feature, flag in SWITCHES.items() if not flags[flag]]
    terms = OfferTerms(
        features=sorted(capabilities(body.bridge_agent).difference(declined)),
        sizes={"pixels": body.max_pixels},
        nsfw=body.nsfw,
        is_extra_slow=body.extra_slow_worker,
        flags=flags,
        declined=declined,
        serves=body.serves,
        limits_steps=body.limit_max_steps,
        requires_cover=body.require_upfront_kudos,
    )
    said = CheckIn(
        name=body.name,
        kind=image.NAME,
        agent=body.bridge_agent,
        models=tuple(dict.fromkeys(body.models))[:MODELS_MAX],
        threads=body.threads,
        terms=terms,
        address=address,
    )
    words = (word[:BLACKWORD_CHARACTERS_MAX].lower() for word in body.blacklist[:BLACKLIST_MAX])
    return Ask(
        said=said,
        amount=body.amount,
        first_users=first_users(body),
        blacklist=tuple(word for word in words if word),
        held_jobs=held_jobs(body),
    )


class NamesFirstUsers(Protocol):
    """A pop of any kind."""

    priority_usernames: list[str]


class SaysWhatItHolds(Protocol):
    """A pop of any kind."""

    held_jobs: list[str] | UnsetType


def first_users(body: NamesFirstUsers) -> tuple[int, ...]:
    """Whom a worker serves first. Raises InvalidPriorityUsername."""
    return tuple(_user_id(alias) for alias in body.priority_usernames)


def held_jobs(body: SaysWhatItHolds) -> frozenset[str] | None:
    """What a worker still works on; None: it does not say."""
    return None if body.held_jobs is UNSET else frozenset(body.held_jobs)


def _user_id(alias: str) -> int:
    found = id_of_alias(alias)
    if found is None:
        raise InvalidPriorityUsername(f"The priority username {alias[:80]!r} does not look like alias#id.")
    return found


def popped(ctx: Context, answer: Popped | Idle, base_url: str) -> v2.PopAnswer:
    """Jobs with a link for each upload, or the reasons why there are none."""
    if isinstance(answer, Idle):
        return v2.PopAnswer(payload=image.idle_payload(), skipped=answer.skipped, messages=messages(answer))
    links = [ctx.services.signer.link(base_url, "PUT", job_key(job_id), now=ctx.now) for job_id in answer.job_ids]
    return v2.PopAnswer(
        payload=answer.payload,
        id=answer.job_ids[0],
        ids=answer.job_ids,
        model=answer.model,
        r2_upload=links[0],
        r2_uploads=links,
        ttl=answer.lease_s,
        messages=[_message(found) for found in answer.notices],
    )


def messages(answer: Popped | Idle) -> list[v2.WorkerMessage]:
    """What a worker is told beside."""
    return [_message(notice) for notice in answer.notices]


def _message(notice: Notice) -> v2.WorkerMessage:
    expiry = notice.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return v2.WorkerMessage(id=notice.id, message=notice.text, origin=notice.origin, expiry=expiry)


def delivery(body: v2.Submit) -> Delivery:
    """A result. Remarks about censorship decide, as for the reference, over the state that a worker names.

    Raises ImageValidationFailed for a picture that is no base64, BadInput for too many remarks.
    """
    refuse_many(body.gen_metadata)
    censorship = {remark.value for remark in body.gen_metadata if remark.type == "censorship"}
    return Delivery(
        job_id=body.id,
        kind=image.NAME,
        picture=None if body.generation == UPLOADED else from_base64(body.generation),
        state="csam" if "csam" in censorship else "censored" if censorship else "ok",
        seed=body.seed,
        gen_metadata=msgspec.to_builtins(body.gen_metadata),
    )


def refuse_many(remarks: Sequence[object]) -> None:
    """Raises BadInput for more remarks about a result than are kept; it may be handed in again with fewer."""
    if len(remarks) > REMARKS_MAX:
        raise BadInput(f"There are {len(remarks)} remarks in gen_metadata; at most {REMARKS_MAX} are taken.")


def paid(paid: Paid) -> v2.SubmitAnswer:
    """What a delivery brought."""
    return v2.SubmitAnswer(
        reward=kudos_on_the_wire(paid.reward_mk),
        credited=kudos_on_the_wire(paid.credited_mk),
        escrowed=kudos_on_the_wire(paid.escrowed_mk),
    )
