"""Shared keys: whoever is given one asks for results at its owner's cost, within the limits of the key.

A key's id is the key itself. What requests may still cost that were made with it is not written down with the key but
reckoned from them (requests/allowance.py), so nothing has to be given back where one is cancelled or fails.
Source: contract/api-v2.md, section 6.3.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from cachetools import LRUCache

from horde.errors import AnonForbidden, BadInput, InvalidAPIKey
from horde.errors.sharing import NoSharedKeyModSelected, NotOwnSharedKey, TooManySharedKeys
from horde.server.accounts.keys import REMEMBERED_MAX, authenticate
from horde.server.accounts.trust import lock_user
from horde.server.accounts.users import User, sql, users_by_id
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.moderation.harmless import harmless
from horde.units import Kudos, kudos_in_words

KEYS_MAX, KEYS_MAX_TRUSTED, KEYS_MAX_EDUCATION = 3, 10, 1000
"""How many keys an account may have."""
KUDOS_MAX = Kudos(50_000_000_000)
NAME_MAX = 255
DAYS_MAX = 36_500
"""A century, which is never."""
UUID_LENGTH = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedKey:
    """A key with its limits. None where nothing is limited."""

    id: UUID
    user_id: int
    name: str | None
    left_mk: int | None
    """What may still be spent with it, in milli-kudos; what is promised to requests that wait or run counts in."""
    utilized_mk: int
    expires_at: datetime | None
    max_image_pixels: int | None
    max_image_steps: int | None
    max_text_tokens: int | None
    is_for_styles: bool
    """Whether it was ever a style's. Such a key everybody has read, so it is none to ask with."""
    created_at: datetime

    def has_expired(self, now: datetime) -> bool:
        """Whether it is of no use any more."""
        return self.expires_at is not None and self.expires_at <= now

    @property
    def job_limits(self) -> Mapping[str, int]:
        """How large one job may be, by the names under which kinds tell how large theirs are."""
        limits = {
            "image_pixels": self.max_image_pixels,
            "image_steps": self.max_image_steps,
            "text_tokens": self.max_text_tokens,
        }
        return {name: limit for name, limit in limits.items() if limit is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChanges:
    """What is said of a key. None: stays as it is; negative (-1 on the wire): not limited."""

    name: str | None = None
    kudos: Kudos | None = None
    days: int | None = None
    """From now on. 0: at once, and for a new key never, as the public horde has it."""
    max_image_pixels: int | None = None
    max_image_steps: int | None = None
    max_text_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose account a request is charged to, and with which shared key it was made, if with one."""

    user: User
    shared: SharedKey | None = None


class KnownShared:
    """Shared keys that were shown to this process lately with their owners, each with when it was read."""

    def __init__(self) -> None:
        self.askers: LRUCache[UUID, tuple[Asker, datetime]] = LRUCache(REMEMBERED_MAX)


# -------------------------------------------------------------------------------------------------- use
async def authenticate_asker(ctx: Context, key: str) -> Asker:
    """Whom a key lets ask: an account's own key, or one that it shares. As they were a second ago at the most.

    Raises InvalidAPIKey for one that nobody holds.
    """
    key_id = shared_key_id(key)
    if key_id is None:
        return Asker(await authenticate(ctx, key))
    asker = await asker_with(ctx, key_id)
    if asker is None:
        raise InvalidAPIKey
    return asker


async def asker_with(ctx: Context, key_id: UUID) -> Asker | None:
    """Who asks where it is with this shared key; None where there is none. As it was a second ago at the most."""
    known = ctx.remembered(KnownShared).askers
    asker, read_at = known.get(key_id, (None, ctx.now))
    if asker is not None and ctx.now - read_at < timedelta(seconds=ctx.services.settings.refresh_s):
        return asker
    asker = await ctx.together(_askers_together, key_id)
    if asker is None:
        known.pop(key_id, None)
    else:
        known[key_id] = asker, ctx.now
    return asker


def shared_key_id(text: str) -> UUID | None:
    """The id of the shared key that a text names, or None where it cannot be one: accounts' own keys look different."""
    if len(text) != UUID_LENGTH:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None


async def _askers_together(ctx: Context, ids: Sequence[UUID]) -> list[Asker | None]:
    async with ctx.database.snapshot() as tx:
        keys = await shared_keys_by_id(tx, ids)
        owners = await users_by_id(tx, {key.user_id for key in keys.values()})
    return [Asker(owners[key.user_id], key) if (key := keys.get(key_id)) else None for key_id in ids]


# ------------------------------------------------------------------------------------------------- read
async def shared_keys_by_id(tx: Tx, ids: Iterable[UUID]) -> dict[UUID, SharedKey]:
    """Those of these keys that there are."""
    return {key.id: key for key in await tx.all(sql.shared_keys_by_id, SharedKey, ids=sorted(set(ids)))}


async def shared_key(ctx: Context, text: str) -> tuple[SharedKey, User]:
    """A key with its owner. Raises InvalidAPIKey, also for what is no id."""
    key_id = shared_key_id(text)
    if key_id is not None:
        async with ctx.database.snapshot() as tx:
            if found := (await shared_keys_by_id(tx, [key_id])).get(key_id):
                return found, (await users_by_id(tx, [found.user_id]))[found.user_id]
    raise InvalidAPIKey("There is no shared key with this id.", hint="it may have been deleted; ask its owner.")


async def shared_keys_of(tx: Tx, user_ids: Collection[int]) -> dict[int, list[UUID]]:
    """The ids of accounts' keys, the oldest first."""
    found: defaultdict[int, list[UUID]] = defaultdict(list)
    for user_id, key_id in await tx.all(sql.shared_keys_of, _owned, users=sorted(set(user_ids))):
        found[user_id].append(key_id)
    return found


def _owned(user_id: int, id: UUID) -> tuple[int, UUID]:
    return user_id, id


# ----------------------------------------------------------------------------------------------- change
async def share(ctx: Context, owner: User, wanted: KeyChanges) -> SharedKey:
    """Make a key for others. Each call makes another one.

    Raises AnonForbidden, TooManySharedKeys, BadInput.
    """
    if owner.is_anonymous:
        raise AnonForbidden
    _check(wanted)
    new = SharedKey(
        id=uuid.uuid4(), user_id=owner.id, name=None, left_mk=None, utilized_mk=0, expires_at=None,
        max_image_pixels=None, max_image_steps=None, max_text_tokens=None, is_for_styles=False, created_at=ctx.now,
    )  # fmt: skip
    made = _changed(new, replace(wanted, days=wanted.days or None), ctx.now)
    most = _keys_max(owner)
    async with ctx.database.transaction() as tx:
        await lock_user(tx, owner.id)
        count = len((await shared_keys_of(tx, [owner.id]))[owner.id])
        if count >= most:
            raise TooManySharedKeys(f"This account has {count} shared keys; it may have {most}.")
        await tx.run(sql.add_shared_key, **_columns(made), user_id=made.user_id, created_at=ctx.now)
    return made


async def change_shared_key(ctx: Context, caller: User, text: str, wanted: KeyChanges) -> tuple[SharedKey, User]:
    """Change a key of one's own; returns it with its owner.

    Raises InvalidAPIKey where there is none, NotOwnSharedKey, NoSharedKeyModSelected, BadInput.
    """
    key, owner = await shared_key(ctx, text)
    _refuse_strangers(caller, key)
    if wanted == KeyChanges():
        raise NoSharedKeyModSelected
    _check(wanted)
    async with ctx.database.transaction() as tx:
        locked = (await lock_shared_keys(tx, [key.id])).get(key.id)
        if locked is None:
            raise InvalidAPIKey("There is no shared key with this id.")
        changed = _changed(locked, wanted, ctx.now)
        await tx.run(sql.change_shared_key, **_columns(changed))
    return changed, owner


async def delete_shared_key(ctx: Context, caller: User, text: str) -> None:
    """Make a key of one's own useless; what was asked for with it is still served and paid.

    Raises InvalidAPIKey where there is none, NotOwnSharedKey.
    """
    key, _ = await shared_key(ctx, text)
    _refuse_strangers(caller, key)
    async with ctx.database.transaction() as tx:
        await tx.run(sql.delete_shared_key, id=key.id)
    ctx.remembered(KnownShared).askers.pop(key.id, None)


async def give_to_styles(tx: Tx, owner: User, text: str, *, now: datetime) -> UUID:
    """Let a key of one's own pay for requests in styles, and for no others from now on; it is locked then.

    Raises BadInput where that cannot be.
    """
    key_id = shared_key_id(text)
    found = None if key_id is None else await tx.maybe(sql.give_to_styles, SharedKey, id=key_id, user_id=owner.id)
    if found is None:
        raise BadInput(
            f"You have no shared key {text[:UUID_LENGTH]!r}.", hint="make one of your own, or leave `sharedkey` out."
        )
    if found.has_expired(now):
        raise BadInput(f"The shared key {text!r} has expired.", hint="extend it first.")
    return found.id


def _refuse_strangers(caller: User, key: SharedKey) -> None:
    if caller.id != key.user_id:
        raise NotOwnSharedKey


def _keys_max(owner: User) -> int:
    if owner.is_education:
        return KEYS_MAX_EDUCATION
    return KEYS_MAX_TRUSTED if owner.is_trusted else KEYS_MAX


def _check(wanted: KeyChanges) -> None:
    if wanted.name is not None and len(wanted.name) > NAME_MAX:
        raise BadInput(f"The name has {len(wanted.name)} characters; at most {NAME_MAX} are taken.")
    if wanted.kudos is not None and wanted.kudos > KUDOS_MAX:
        raise BadInput(f"A shared key may have {kudos_in_words(KUDOS_MAX)} kudos at most.")


def _changed(key: SharedKey, wanted: KeyChanges, now: datetime) -> SharedKey:
    return replace(
        key,
        name=key.name if wanted.name is None else harmless(wanted.name) or None,
        left_mk=_limit(key.left_mk, wanted.kudos),
        expires_at=_expiry(key.expires_at, wanted.days, now),
        max_image_pixels=_limit(key.max_image_pixels, wanted.max_image_pixels),
        max_image_steps=_limit(key.max_image_steps, wanted.max_image_steps),
        max_text_tokens=_limit(key.max_text_tokens, wanted.max_text_tokens),
    )


def _limit(now: int | None, wanted: int | None) -> int | None:
    if wanted is None:
        return now
    return None if wanted < 0 else wanted


def _expiry(expires_at: datetime | None, days: int | None, now: datetime) -> datetime | None:
    if days is None:
        return expires_at
    return None if not 0 <= days <= DAYS_MAX else now + timedelta(days=days)


def _columns(key: SharedKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "left_mk": key.left_mk,
        "expires_at": key.expires_at,
        "max_image_pixels": key.max_image_pixels,
        "max_image_steps": key.max_image_steps,
        "max_text_tokens": key.max_text_tokens,
    }


# ------------------------------------------------------------------------------------------------ money
async def lock_shared_keys(tx: Tx, ids: Iterable[UUID]) -> dict[UUID, SharedKey]:
    """Hold these keys until the transaction ends, in the order of their ids; after jobs and before balances."""
    return {key.id: key for key in await tx.all(sql.lock_shared_keys, SharedKey, ids=sorted(set(ids)))}


async def spend_shared(tx: Tx, spent: Mapping[UUID, int]) -> None:
    """What was paid with keys, in milli-kudos, is not left of them. Locks them; one that is gone is left alone."""
    rows = [{"id": key_id, "amount_mk": amount} for key_id, amount in sorted(spent.items()) if amount]
    if rows:
        await tx.run(sql.spend_shared, ids=[row["id"] for row in rows], spent=rows)


async def raise_shared(tx: Tx, raised: Mapping[UUID, int]) -> None:
    """Let so much more, in milli-kudos, be spent with these keys, which are locked; unlimited ones stay so."""
    rows = [{"id": key_id, "amount_mk": amount} for key_id, amount in sorted(raised.items())]
    if rows:
        await tx.run(sql.raise_shared, raised=rows)
