"""Pictures that come along with a request: fetched, checked and stored before it is accepted, forgotten with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import msgspec

from horde.errors import Overloaded
from horde.kinds.base import Draft
from horde.kinds.image_refusals import InpaintingMissingMask, SourceImageUrlInvalid
from horde.server.context import Context
from horde.server.storage.fetch import Fetcher
from horde.server.storage.objects import extra_source_key, mask_key, source_key
from horde.server.storage.source_pictures import Part, SourcePicture, measure_picture, read_base64, read_picture

READ_AT_ONCE_MAX = 2
"""Pictures that one process decodes at the same time: each takes a core, and up to 150 MB of memory for a moment."""
WAIT_S_MAX = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SentSources:
    """Pictures as they were sent: base64, or a URL."""

    picture: str | None = None
    mask: str | None = None
    extras: tuple[tuple[str, float], ...] = ()
    """With the strength of each."""


class Sources(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is stored with a request of its pictures, which lie in the storage under keys made of its id."""

    processing: str = ""
    url: str = ""
    """Where the picture lies that is not ours; workers get it from there."""
    of_group: str = ""
    """Whose the picture is: the id of the group that the request is part of."""
    has_picture: bool = True
    has_mask: bool = False
    strengths: tuple[float, ...] = ()
    """Of the extra ones."""

    def keys(self, request_id: str) -> list[str]:
        """Where all of them lie."""
        one = [source_key(request_id)] if self.has_picture and not (self.url or self.of_group) else []
        mask = [mask_key(request_id)] if self.has_mask else []
        return [*one, *mask, *(extra_source_key(request_id, at) for at in range(len(self.strengths)))]


class Readers:
    """What this process reads pictures with."""

    def __init__(self) -> None:
        self.fetcher = Fetcher()
        self.room = asyncio.Semaphore(READ_AT_ONCE_MAX)


def said_of(sent: SentSources, processing: str) -> Sources:
    """What there is to be stored of them."""
    return Sources(
        processing=processing,
        has_picture=sent.picture is not None,
        has_mask=sent.mask is not None,
        strengths=tuple(strength for _, strength in sent.extras),
    )


async def store_sources(ctx: Context, request_id: UUID, draft: Draft[msgspec.Struct], sent: SentSources) -> Sources:
    """Bring all pictures of a request that is about to be accepted into the storage; when one is refused, none stays.

    Raises an ImageValidationFailed, Overloaded, and StorageFailed.
    """
    assert draft.source_processing, "whoever sends pictures says what is to be done with them"
    sources = said_of(sent, draft.source_processing)
    parts: list[tuple[str, Part]] = [(text, "picture") for text in [sent.picture] if text is not None]
    parts += [(text, "mask") for text in [sent.mask] if text is not None]
    parts += [(text, "picture") for text, _ in sent.extras]
    # One after the other, so that a request holds one of them in memory, not seven.
    try:
        for key, (text, part) in zip(sources.keys(str(request_id)), parts, strict=True):
            picture = await read_source(ctx, text, part)
            if part == "picture" and _lacks_mask(sources, picture):
                raise InpaintingMissingMask
            await ctx.services.objects.put(key, picture.webp)
    except BaseException:
        await forget_sources(ctx, [(request_id, sources)])
        raise
    return sources


def _lacks_mask(sources: Sources, picture: SourcePicture) -> bool:
    return sources.processing == "inpainting" and not sources.has_mask and not picture.has_alpha


def is_url(text: str) -> bool:
    """Whether what was sent for a picture says where it lies; else it is the picture in base64."""
    return text[:8].lower().startswith(("http://", "https://"))


async def read_source(ctx: Context, text: str, part: Part) -> SourcePicture:
    """The picture that was sent, read whole. Raises an ImageValidationFailed, and Overloaded."""
    content = await _fetched(ctx, text) if is_url(text) else None
    async with _in_turn(ctx):
        if content is None:
            return await asyncio.to_thread(read_base64, text, part)
        return await asyncio.to_thread(read_picture, content, part)


async def measured(ctx: Context, url: str) -> tuple[int, int]:
    """Width and height of the picture that lies there. Raises an ImageValidationFailed, and Overloaded."""
    content = await _fetched(ctx, url)
    async with _in_turn(ctx):
        return await asyncio.to_thread(measure_picture, content)


async def _fetched(ctx: Context, url: str) -> bytes:
    settings = ctx.services.settings
    if settings.source_urls == "off":
        raise SourceImageUrlInvalid("Image validation failed: this server fetches no pictures from elsewhere.")
    return await ctx.remembered(Readers).fetcher.fetch(url, also_from=settings.source_networks)


@asynccontextmanager
async def _in_turn(ctx: Context) -> AsyncIterator[None]:
    room = ctx.remembered(Readers).room
    try:
        async with asyncio.timeout(WAIT_S_MAX):
            await room.acquire()
    except TimeoutError as error:
        raise Overloaded from error
    try:
        yield
    finally:
        room.release()


async def forget_sources(ctx: Context, owners: Iterable[tuple[UUID, Sources]]) -> None:
    """Delete the pictures of these requests; those that are gone already are no error. Raises StorageFailed."""
    await ctx.services.objects.delete([key for owner, sources in owners for key in sources.keys(str(owner))])
