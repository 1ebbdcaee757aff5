"""Pictures by signed link: workers put them, requestors get them."""

from __future__ import annotations

from typing import Annotated

from litestar import MediaType, Response, Router, get, put
from litestar.params import FromPath, QueryParameter

from horde.errors import TooLarge
from horde.server.api.connection import AnyRequest, Ctx
from horde.server.context import Context
from horde.server.storage.links import FILES_PATH, Method
from horde.server.storage.pictures import PICTURE_BYTES_MAX, as_webp

Expires = Annotated[int, QueryParameter(description="Unix time until which the link is valid.", ge=0, le=2**53)]
Signature = Annotated[str, QueryParameter(description="What makes the link ours.", max_length=200)]


@put("/{key:str}", status_code=200, include_in_schema=False)
async def put_file(
    request: AnyRequest, ctx: Ctx, key: FromPath[str], expires: Expires, signature: Signature
) -> Response[bytes]:
    """A worker's upload: a webp, png or jpeg, with any Content-Type or none. Answers exactly 200."""
    _check(ctx, "PUT", key, expires, signature)
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > PICTURE_BYTES_MAX:
            raise TooLarge(f"The file is larger than {PICTURE_BYTES_MAX} bytes.")
    # The type is checked here already, so that a broken upload is known to the worker while it still has the picture.
    await ctx.services.objects.put(key, await as_webp(bytes(content)))
    return Response(b"", media_type=MediaType.TEXT)


@get("/{key:str}", include_in_schema=False)
async def get_file(ctx: Ctx, key: FromPath[str], expires: Expires, signature: Signature) -> Response[bytes]:
    """A requestor's download."""
    _check(ctx, "GET", key, expires, signature)
    content = await ctx.services.objects.get(key)
    # What strangers made is never to be taken for a page of ours.
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=1800"}
    return Response(content, media_type="image/webp", headers=headers)


def _check(ctx: Context, method: Method, key: FromPath[str], expires: int, signature: str) -> None:
    ctx.services.signer.check(method, key, expires, signature, now=ctx.now)


router = Router(FILES_PATH, route_handlers=[put_file, get_file])
