"""Speaks with the horde for one worker: takes batches of jobs, hands results in, gives jobs back.

A horde that is away or busy is asked again for ever, with growing pauses; only refusals come out as errors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import structlog

from horde import __version__
from horde.client import AsyncHorde, HordeError, Retries
from horde.client.agent import HOME_URL
from horde.errors import AbortedGen, DuplicateGen, Missing
from horde.kinds.agents import OUR_AGENT
from horde.kinds.seeds import folded
from horde.wire import v2
from horde.worker import transfer
from horde.worker.backends.base import Abilities, Order, Result, Sources
from horde.worker.settings import Settings

log = structlog.get_logger("worker")

AGENT = f"{OUR_AGENT}:{__version__}:{HOME_URL}"
HOLD_S = 25
"""How long the server may hold a pop until there is work; most proxies cut a silent connection after 30 s or more."""
LEASE_S_DEFAULT = 150
"""The shortest lease of an image job (contract/lifecycle.md, section 7), for servers that name none."""
FOR_EVER = Retries(
    attempts=None,
    total_s=None,
    pause_s_min=0.5,
    pause_s_max=10.0,
    statuses=frozenset({408, 429, 500, 502, 503, 504}),
)
GIVE_BACK_S_MAX = 10.0
FAULTED = "faulted"
FAULTED_SEED = -1
LOST_TEXTS = ("does not exist", "already submitted", "Please check your worker speed")
"""How servers say that a job is no longer ours, whatever code they give it (contract/api-v2.md, section 3.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Jobs of one request that were leased together."""

    job_ids: tuple[str, ...]
    links: tuple[str | None, ...]
    """Where the picture of each job is to be put; None: it goes in with the delivery."""
    deadline: float
    """When the lease ends, on the clock of the event loop."""
    order: Order


class Bridge:
    """The horde as one worker sees it."""

    def __init__(self, horde: AsyncHorde, settings: Settings, abilities: Abilities, *, hold_s: int = HOLD_S) -> None:
        self._horde = horde
        self._hold_s = hold_s
        self._settings = settings
        self._abilities = abilities
        self._messages_seen: set[str] = set()

    async def pop(self, held_jobs: Sequence[str]) -> Batch | None:
        """Wait for work; None when there was none for a while.

        `held_jobs` must name every job that is still worked on: the horde takes all others of this worker back.
        Raises a HordeError when the horde refuses this worker.
        """
        answer = await self._horde.pop(self._offer(held_jobs), wait_s=self._hold_s)
        self._show(answer.messages)
        ids = answer.ids or ([answer.id] if answer.id else [])
        if not ids:
            log.debug("no work", skipped=answer.skipped)
            return None
        try:
            order = order_of(answer, len(ids))
        except msgspec.ValidationError as error:
            log.warning("this job cannot be read, so it goes back", jobs=ids, reason=str(error))
            await self.give_back(ids)
            return None
        links = answer.r2_uploads or ([answer.r2_upload] if answer.r2_upload else [])
        lease_s = LEASE_S_DEFAULT if answer.ttl is None else answer.ttl
        return Batch(
            job_ids=tuple(ids),
            links=tuple(links[at] if at < len(links) else None for at in range(len(ids))),
            deadline=asyncio.get_running_loop().time() + lease_s,
            order=order,
        )

    async def deliver(self, job_id: str, link: str | None, result: Result, *, deadline: float) -> None:
        """Hand a result in, trying until the lease ends. Refusals are logged; nothing is raised for them."""
        try:
            async with asyncio.timeout_at(deadline):
                where = await transfer.place(self._horde, link, result.picture)
                delivery = v2.Submit(
                    id=job_id,
                    generation=where,
                    seed=result.seed,
                    state=result.state,
                    censored=result.state != "ok",
                    gen_metadata=list(result.metadata),
                )
                answer = await self._horde.deliver(delivery)
        except TimeoutError:
            log.warning("the lease ended before the horde took the picture", job=job_id)
        except HordeError as error:
            await self._refused(job_id, error)
        else:
            log.info("delivered", job=job_id, kudos=answer.reward)

    async def give_back(self, job_ids: Sequence[str], *, within_s: float = GIVE_BACK_S_MAX) -> None:
        """Report jobs as faulted, so that the horde hands them to others at once. Raises nothing.

        When that fails, the next pop does the same by not naming them.
        """
        try:
            async with asyncio.timeout(within_s):
                await asyncio.gather(*(self._report_fault(job_id) for job_id in job_ids))
        except TimeoutError:
            log.warning("the horde does not hear of jobs that we cannot end", jobs=list(job_ids))

    async def _report_fault(self, job_id: str) -> None:
        fault = v2.Submit(id=job_id, generation=FAULTED, seed=FAULTED_SEED, state="faulted")
        try:
            await self._horde.deliver(fault)
        except HordeError as error:
            log.debug("the horde did not take the job back", job=job_id, reason=error.message)

    async def _refused(self, job_id: str, error: HordeError) -> None:
        if isinstance(error, DuplicateGen) or "already submitted" in error.message:
            # The answer to an earlier try was lost on its way.
            log.info("delivered before", job=job_id)
        elif is_lost(error):
            log.warning("this job is no longer ours", job=job_id, reason=error.message)
        else:
            log.warning("the horde refuses the picture", job=job_id, code=error.rc, reason=error.sentence)
            await self.give_back([job_id])

    def _offer(self, held_jobs: Sequence[str]) -> v2.Pop:
        settings, abilities = self._settings, self._abilities
        return v2.Pop(
            name=settings.name,
            models=list(abilities.models),
            bridge_agent=AGENT,
            threads=settings.threads,
            amount=abilities.images_max,
            max_pixels=min(settings.max_pixels or abilities.pixels_max, abilities.pixels_max),
            nsfw=settings.nsfw,
            allow_img2img=abilities.img2img,
            allow_painting=abilities.painting,
            allow_post_processing=abilities.post_processing,
            allow_controlnet=abilities.controlnet,
            allow_sdxl_controlnet=abilities.sdxl_controlnet,
            allow_lora=abilities.lora,
            held_jobs=list(held_jobs),
        )

    def _show(self, messages: Sequence[v2.WorkerMessage]) -> None:
        for message in messages:
            if message.id not in self._messages_seen:
                log.warning("message to the owner of this worker", text=message.message, origin=message.origin)
        # Only those that are still sent are remembered, so that the set cannot grow.
        self._messages_seen = {message.id for message in messages}


def is_lost(error: HordeError) -> bool:
    """Whether a refused delivery says that the job is no longer ours: late, cancelled, or taken already."""
    return isinstance(error, Missing | DuplicateGen | AbortedGen) or any(t in error.message for t in LOST_TEXTS)


class Payload(msgspec.Struct):
    """What every image job says; the rest is for back ends that know more."""

    prompt: str
    seed: str
    ddim_steps: int = 30
    width: int = 512
    height: int = 512


def order_of(answer: v2.PopAnswer, images: int) -> Order:
    """What a pop wants made. Raises msgspec.ValidationError for a payload that cannot be read.

    A batch carries one seed: picture number i has the seed plus i.
    """
    payload = msgspec.convert(answer.payload, Payload, strict=False)
    seed = int(payload.seed) if payload.seed.isdecimal() else 0
    prompt, _, negative_prompt = payload.prompt.partition("###")
    return Order(
        model=answer.model or "",
        prompt=prompt.strip(),
        negative_prompt=negative_prompt.strip(),
        width=payload.width,
        height=payload.height,
        steps=payload.ddim_steps,
        seeds=tuple(folded(seed + at) for at in range(images)),
        payload=answer.payload,
        sources=_sources(answer),
    )


def _sources(answer: v2.PopAnswer) -> Sources | None:
    extras = answer.extra_source_images or []
    if answer.source_image is None and not extras:
        return None
    return Sources(
        processing=answer.source_processing,
        picture=answer.source_image,
        mask=answer.source_mask,
        extras=tuple((extra.image, extra.strength) for extra in extras),
    )
