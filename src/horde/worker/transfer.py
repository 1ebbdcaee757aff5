"""Brings a picture to where the horde wants it: to a link, or along with the delivery."""

from __future__ import annotations

import asyncio
import base64

import structlog

from horde.client import AsyncHorde, HordeError

log = structlog.get_logger("worker")

UPLOADED = "R2"
"""What a delivery says in place of a picture that was put to its link."""
UPLOAD_S_MAX = 60.0
"""How long a storage may take or be away, before the picture goes another way."""


async def place(
    horde: AsyncHorde, link: str | None, picture: bytes | None, *, within_s: float = UPLOAD_S_MAX
) -> str | None:
    """Put a picture to its link and return what the delivery has to say of it; None when there is no picture.

    Without a link, or when its storage refuses the picture or is away, that is the picture itself in base64.
    """
    if picture is None:
        return None
    if link is not None:
        try:
            async with asyncio.timeout(within_s):
                await horde.upload(link, picture)
        except (HordeError, TimeoutError) as error:
            log.warning("the storage does not take the picture, so it goes to the horde itself", reason=str(error))
        else:
            return UPLOADED
    return base64.b64encode(picture).decode()
