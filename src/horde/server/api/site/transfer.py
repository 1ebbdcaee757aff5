"""Give kudos away by a form. The key is typed in for each transfer: it is kept nowhere and never part of an address."""

from __future__ import annotations

import html
import secrets

from litestar import MediaType, Response, get, post

from horde.errors import BadInput, HordeError
from horde.server.accounts.keys import authenticate
from horde.server.api.connection import AnyRequest, Ctx, address_of
from horde.server.api.site import pages
from horde.server.context import Context
from horde.server.idempotency.keys import Key
from horde.server.ledger.gifts import transfer
from horde.units import KUDOS_SCALE

FIELDS = ("username", "amount", "src_api_key", "once")
NOT_KEPT = {"Cache-Control": "no-store"}
DIGITS_MAX = 15


@get("/transfer", media_type=MediaType.HTML, include_in_schema=False)
async def show_transfer() -> Response[str]:
    """A form for a name, an amount and a key."""
    return _form({}, "", 200)


@post("/transfer", media_type=MediaType.HTML, include_in_schema=False)
async def transfer_by_form(request: AnyRequest, ctx: Ctx) -> Response[str]:
    """Give kudos, and show what was given; a refusal is shown above the form, with all but the key still in it."""
    form = await request.form()
    fields = {name: str(form.get(name, "")).strip() for name in FIELDS}
    try:
        given = await _give(ctx, fields, address_of(request))
    except HordeError as refusal:
        return _form(fields, refusal.sentence, refusal.status)
    shown = {"amount": str(given), "username": html.escape(fields["username"])}
    return Response(pages.page("transferred.html", shown), status_code=200, headers=NOT_KEPT)


async def _give(ctx: Context, fields: dict[str, str], address: str) -> int:
    user = await authenticate(ctx, fields["src_api_key"])
    digits, target = fields["amount"], fields["username"]
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= DIGITS_MAX):
        raise BadInput("The amount must be a whole number of kudos.")
    # What the form carries along makes a second click, or a page that is loaded again, the same transfer.
    text = f"{target}\0{digits}".encode()
    once = fields["once"]
    key = Key.of(user, once, route="POST /transfer", body=text, address=address) if once else None
    return await transfer(ctx, user, target, int(digits), key) // KUDOS_SCALE


def _form(fields: dict[str, str], refusal: str, status_code: int) -> Response[str]:
    shown = {
        "refusal": f'<p class="refusal" role="alert">{html.escape(refusal)}</p>' if refusal else "",
        "username": html.escape(fields.get("username", "")),
        "amount": html.escape(fields.get("amount", "")),
        "once": secrets.token_urlsafe(16),
    }
    return Response(pages.page("transfer.html", shown), status_code=status_code, headers=NOT_KEPT)
