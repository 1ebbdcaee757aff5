"""Brings a picture to where the horde wants it: to a link, or along with the delivery."""

from __future__ import annotations

import base64

import structlog

from horde.client import AsyncHorde, HordeError

log = structlog.get_logger("worker")

UPLOADED = "R2"
"""What a delivery says in place of a picture that was put to its link."""


async def place(horde: AsyncHorde, link: str | None, picture: bytes) -> str:
    """Put a picture to its link and return what the delivery has to say of it.

    Without a link, or when its storage refuses the picture, that is the picture itself in base64.
    """
    if link is not None:
        try:
            await horde.upload(link, picture)
        except HordeError as error:
            log.warning("the storage refuses the picture, so it goes to the horde itself", reason=error.message)
        else:
            return UPLOADED
    return base64.b64encode(picture).decode()
