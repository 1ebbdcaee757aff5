"""The trade of pictures. Source: contract/api-v2.md, section 3."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from horde.client import Call, work
from horde.kinds.seeds import folded
from horde.wire import faults, v2
from horde.worker.backends.base import ImageAbilities, ImageOrder, Picture, Sources
from horde.worker.models.civitai import Wanted
from horde.worker.trades.base import LEASE_S_DEFAULT, Batch, Fetch, FetchPicture, Said, Taken

FAULTED_SEED = -1
CENSOR = "use_nsfw_censor"
"""The field of a payload that wants pictures censored that are not safe for work."""


class Payload(msgspec.Struct):
    """What every image job says; the rest is for back ends that know more."""

    prompt: str
    seed: str
    ddim_steps: int = 30
    width: int = 512
    height: int = 512


class _Named(msgspec.Struct):
    name: str
    is_version: bool = False


class _AddOns(msgspec.Struct):
    loras: list[_Named] = []
    tis: list[_Named] = []


class Images:
    """Offers what both the back end can and the owner allows."""

    kind = "image"
    result = Picture

    def pop(
        self, said: Said, abilities: ImageAbilities, held_jobs: Sequence[str], pixels_max: int | None, wait_s: int
    ) -> Call[v2.PopAnswer]:
        """Ask for a batch of pictures."""
        bounds = [abilities.pixels_max, said.max_pixels, pixels_max]
        offer = v2.Pop(
            name=said.name,
            models=said.offered(abilities.models),
            bridge_agent=said.agent,
            threads=said.threads,
            amount=abilities.images_max,
            max_pixels=min(bound for bound in bounds if bound is not None),
            nsfw=said.nsfw,
            blacklist=list(said.blacklist),
            priority_usernames=list(said.priority_usernames),
            allow_img2img=said.allow_img2img and abilities.img2img,
            allow_painting=said.allow_painting and abilities.painting,
            allow_post_processing=said.allow_post_processing and abilities.post_processing,
            allow_controlnet=said.allow_controlnet and abilities.controlnet,
            allow_sdxl_controlnet=said.allow_controlnet and abilities.sdxl_controlnet,
            allow_lora=said.allow_lora
            and (abilities.lora or ("lora" in abilities.takes_add_ons and said.fetches_add_ons)),
            allow_unsafe_ipaddr=said.allow_unsafe_ipaddr,
            require_upfront_kudos=said.require_upfront_kudos,
            extra_slow_worker=said.extra_slow_worker,
            limit_max_steps=said.limit_max_steps,
            serves=said.serves,
            held_jobs=list(held_jobs),
        )
        return work.pop_images(offer, wait_s)

    def read(self, answer: v2.PopAnswer, said: Said) -> Taken[ImageOrder]:
        """At most one batch: all its pictures are of one request."""
        ids = answer.ids or ([answer.id] if answer.id else [])
        told: Taken[ImageOrder] = Taken(messages=answer.messages, skipped=answer.skipped)
        if not ids:
            return told
        try:
            order = order_of(answer, len(ids), said)
            wanted = _wanted(order.payload)
        except msgspec.ValidationError:
            return Taken(unreadable=ids, messages=answer.messages, skipped=answer.skipped)
        links = answer.r2_uploads or ([answer.r2_upload] if answer.r2_upload else [])

        async def prepare(fetch: Fetch) -> ImageOrder:
            sources, add_ons = await asyncio.gather(_sources(answer, fetch.picture), fetch.add_ons(wanted))
            return replace(order, sources=sources, add_ons=add_ons)

        batch = Batch(
            job_ids=tuple(ids),
            links=tuple(links[at] if at < len(links) else None for at in range(len(ids))),
            lease_s=LEASE_S_DEFAULT if answer.ttl is None else answer.ttl,
            about=f"{order.model} {order.width}x{order.height}, {order.steps} steps",
            prepare=prepare,
            pixels=order.width * order.height,
        )
        return Taken(batches=[batch], messages=answer.messages, skipped=answer.skipped)

    def picture(self, result: Picture) -> bytes | None:
        """Each result is one."""
        return result.picture

    def deliver(self, job_id: str, result: Picture, place: str | None) -> Call[v2.SubmitAnswer]:
        """`place` is where the picture lies, or the picture in base64."""
        assert place is not None, "each result has a picture"
        return work.deliver_image(
            v2.Submit(
                id=job_id,
                generation=place,
                seed=result.seed,
                state=result.state,
                censored=result.state != "ok",
                gen_metadata=list(result.metadata),
            )
        )

    def fault(self, job_id: str, reason: str) -> Call[v2.SubmitAnswer]:
        """The reason stands where the picture would."""
        return work.deliver_image(
            v2.Submit(id=job_id, generation=faults.text_of(reason), seed=FAULTED_SEED, state=faults.FAULTED)
        )


def order_of(answer: v2.PopAnswer, images: int, said: Said) -> ImageOrder:
    """What a pop wants made, but for the pictures to begin from.

    A batch carries one seed: picture number i has the seed plus i. Raises msgspec.ValidationError for a payload that
    cannot be read.
    """
    payload = msgspec.convert(answer.payload, Payload, strict=False)
    seed = int(payload.seed) if payload.seed.isdecimal() else 0
    prompt, _, negative_prompt = payload.prompt.partition("###")
    return ImageOrder(
        model=answer.model or "",
        prompt=prompt.strip(),
        negative_prompt=negative_prompt.strip(),
        width=payload.width,
        height=payload.height,
        steps=payload.ddim_steps,
        seeds=tuple(folded(seed + at) for at in range(images)),
        payload={**answer.payload, CENSOR: True} if said.wants_censoring(prompt) else answer.payload,
    )


async def _sources(answer: v2.PopAnswer, fetch: FetchPicture) -> Sources | None:
    extras = answer.extra_source_images or []
    if answer.source_image is None and not extras:
        return None
    return Sources(
        processing=answer.source_processing,
        picture=None if answer.source_image is None else await fetch(answer.source_image),
        mask=None if answer.source_mask is None else await fetch(answer.source_mask),
        extras=tuple([(await fetch(extra.image), extra.strength) for extra in extras]),
    )


def _wanted(payload: Mapping[str, object]) -> list[Wanted]:
    named = msgspec.convert(payload, _AddOns, strict=False)
    return [
        *(Wanted("lora", lora.name, lora.is_version) for lora in named.loras),
        *(Wanted("ti", inversion.name) for inversion in named.tis),
    ]
