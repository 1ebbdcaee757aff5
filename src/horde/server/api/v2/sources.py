"""Pictures that come along with a request: out of what a requestor sends, into what a worker gets."""

from __future__ import annotations

import pybase64
from msgspec import UNSET

from horde.errors import ObjectNotFound
from horde.kinds.agents import reads_links
from horde.server.context import Context
from horde.server.requests.lease import Popped
from horde.server.requests.sources import SentSources
from horde.server.storage.objects import extra_source_key, mask_key, source_key
from horde.wire import v2


def sent(body: v2.GenerateAsync) -> SentSources | None:
    """The pictures of a request; None: there are none. Some programs send an empty text for none."""
    picture = None if body.source_image is UNSET else body.source_image or None
    mask = None if body.source_mask is UNSET else body.source_mask or None
    if picture is None and not body.extra_source_images:
        return None
    extras = tuple((extra.image, extra.strength) for extra in body.extra_source_images)
    return SentSources(picture=picture, mask=mask, extras=extras)


async def give(ctx: Context, answer: v2.PopAnswer, popped: Popped, base_url: str, agent: str) -> None:
    """Put a job's pictures into the answer: as links, or in base64 for programs that read no links."""
    sources, owner = popped.sources, popped.request_id
    assert sources, "asked only for jobs with pictures"
    as_link = reads_links(agent, is_https=base_url.startswith("https://"))

    async def of(key: str) -> str:
        link = ctx.services.signer.link(base_url, "GET", key, now=ctx.now)
        if as_link:
            return link
        try:
            return pybase64.b64encode_as_string(await ctx.services.objects.get(key))
        except ObjectNotFound:
            # The worker cannot read it and gives the job back, as it would with a link that leads nowhere.
            return link

    answer.source_processing = sources.processing
    if sources.has_picture:
        answer.source_image = await of(source_key(owner))
    if sources.has_mask:
        answer.source_mask = await of(mask_key(owner))
    if sources.strengths:
        answer.extra_source_images = [
            v2.ExtraSourceImage(await of(extra_source_key(owner, at)), strength)
            for at, strength in enumerate(sources.strengths)
        ]
