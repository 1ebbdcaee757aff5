"""New accounts, by form or by program."""

from __future__ import annotations

import html
from dataclasses import dataclass

from litestar import MediaType, Response, get, post
from litestar.openapi.spec import OpenAPIType, Operation, Schema

from horde.server.accounts.register import USERNAME_MAX, register
from horde.server.api.body import decode
from horde.server.api.connection import AnyRequest, Ctx, address_of
from horde.server.api.documentation import json_body
from horde.server.api.site import pages
from horde.server.moderation.blocks import refuse_blocked
from horde.server.modes.modes import refuse_strangers
from horde.wire.native import Register, Registered

FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


@get("/register", media_type=MediaType.HTML, include_in_schema=False)
async def show_form() -> str:
    """A form for a name."""
    return pages.page("register.html", {})


@dataclass
class DescribedRegistration(Operation):
    """The operation in the document, with its body."""

    def __post_init__(self) -> None:
        name = Schema(type=OpenAPIType.STRING, min_length=1, max_length=USERNAME_MAX)
        self.request_body = json_body({"username": name}, example={"username": "robin"})


@post("/register", operation_class=DescribedRegistration, status_code=201, tags=["Accounts"], summary="Register")
async def register_account(request: AnyRequest, ctx: Ctx) -> Response[Registered | str]:
    """A pseudonymous account with a key, which is shown this once. Takes JSON `{"username"}` or a form."""
    content_type, _ = request.content_type
    is_form = content_type in FORM_TYPES
    if is_form:
        username = str((await request.form()).get("username", ""))
    else:
        username = decode(await request.body(), Register).username
    await refuse_blocked(ctx, address_of(request))
    await refuse_strangers(ctx)
    new = await register(ctx, username)
    if is_form:
        # Names are kept harmless: escaped once more, this one would show its entities.
        shown = {"alias": new.user.alias, "key": html.escape(new.key)}
        return Response(pages.page("registered.html", shown), media_type=MediaType.HTML)
    return Response(Registered(new.user.id, new.user.alias, new.key))
