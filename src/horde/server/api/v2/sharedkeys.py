"""Shared keys. Source: contract/api-v2.md, section 6.3."""

from __future__ import annotations

from litestar import Router, delete, get, patch, put
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, UnsetType

from horde.server.accounts.keys import authenticate
from horde.server.accounts.sharedkeys import (
    KeyChanges,
    SharedKey,
    change_shared_key,
    delete_shared_key,
    share,
    shared_key,
)
from horde.server.api.auth import ApiKey
from horde.server.api.body import StrictJson
from horde.server.api.casts import whole
from horde.server.api.connection import Ctx
from horde.server.api.errors import BadPayload
from horde.server.api.v2.users_translate import day
from horde.units import KUDOS_SCALE, Kudos, kudos
from horde.wire import v2_accounts

UNLIMITED = -1
KUDOS_OF_A_NEW_KEY = kudos(5000)
SIZE_MAX = 2**31 - 1
KUDOS_MAX = 50_000_000


@put("/", status_code=200, dto=StrictJson[v2_accounts.SharedKeyChange], return_dto=None, summary="Share kudos by a key")
async def create_shared_key(
    ctx: Ctx, data: JSONBody[v2_accounts.SharedKeyChange], api_key: ApiKey
) -> v2_accounts.SharedKeyAnswer:
    """Make a key for others, who then ask for results at your cost, within its limits; they use its id as `apikey`.

    What is left out is not limited, but for the kudos: a new key has 5000.
    """
    owner = await authenticate(ctx, api_key)
    wanted = _changes(data, kudos_if_left_out=KUDOS_OF_A_NEW_KEY)
    return answer(await share(ctx, owner, wanted), owner.alias)


@get("/{key_id:str}", summary="One shared key")
async def read_shared_key(ctx: Ctx, key_id: FromPath[str]) -> v2_accounts.SharedKeyAnswer:
    """What a shared key allows, and what is left of it. Whoever has the key may read it."""
    key, owner = await shared_key(ctx, key_id)
    return answer(key, owner.alias)


@patch(
    "/{key_id:str}", dto=StrictJson[v2_accounts.SharedKeyChange], return_dto=None, summary="Change a shared key"
)  # fmt: skip
async def update_shared_key(
    ctx: Ctx, key_id: FromPath[str], data: JSONBody[v2_accounts.SharedKeyChange], api_key: ApiKey
) -> v2_accounts.SharedKeyAnswer:
    """Change what a key of your own allows; `kudos` says what may be spent from now on. What is left out stays."""
    caller = await authenticate(ctx, api_key)
    key, owner = await change_shared_key(ctx, caller, key_id, _changes(data))
    return answer(key, owner.alias)


@delete("/{key_id:str}", status_code=200, summary="Delete a shared key")
async def remove_shared_key(ctx: Ctx, key_id: FromPath[str], api_key: ApiKey) -> v2_accounts.Done:
    """Make a key of your own useless. What was asked for with it before is still made, and paid by you."""
    await delete_shared_key(ctx, await authenticate(ctx, api_key), key_id)
    return v2_accounts.Done()


def answer(key: SharedKey, owner: str) -> v2_accounts.SharedKeyAnswer:
    """A key on the wire, with its owner's alias. Kudos are rounded so that both add up to what the key was given."""
    return v2_accounts.SharedKeyAnswer(
        id=str(key.id),
        username=owner,
        name=key.name or UNSET,
        kudos=UNLIMITED if key.left_mk is None else key.left_mk // KUDOS_SCALE,
        expiry=day(key.expires_at),
        utilized=-(-key.utilized_mk // KUDOS_SCALE),
        max_image_pixels=_or_unlimited(key.max_image_pixels),
        max_image_steps=_or_unlimited(key.max_image_steps),
        max_text_tokens=_or_unlimited(key.max_text_tokens),
    )


def _or_unlimited(limit: int | None) -> int:
    return UNLIMITED if limit is None else limit


def _changes(data: v2_accounts.SharedKeyChange, *, kudos_if_left_out: Kudos | None = None) -> KeyChanges:
    """What is wanted. Raises BadPayload for what is no number, below -1 or beyond all bounds."""
    amount = _number("kudos", data.kudos, most=KUDOS_MAX)
    return KeyChanges(
        name=None if isinstance(data.name, UnsetType) else data.name,
        kudos=kudos_if_left_out if amount is None else kudos(amount),
        days=_number("expiry", data.expiry),
        max_image_pixels=_number("max_image_pixels", data.max_image_pixels),
        max_image_steps=_number("max_image_steps", data.max_image_steps),
        max_text_tokens=_number("max_text_tokens", data.max_text_tokens),
    )


def _number(name: str, value: v2_accounts.Number | UnsetType, *, most: int = SIZE_MAX) -> int | None:
    if isinstance(value, UnsetType):
        return None
    number = whole(name, value)
    if not UNLIMITED <= number <= most:
        raise BadPayload({name: f"{name}. {number} is not between {UNLIMITED} and {most}"})
    return number


router = Router(
    "/sharedkeys",
    route_handlers=[create_shared_key, read_shared_key, update_shared_key, remove_shared_key],
    tags=["Accounts"],
)
