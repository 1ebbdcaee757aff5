"""Change an account: what its owner, a moderator or an admin may. Source: contract/api-v2.md, section 6.2.

All of a call's changes are made, or none.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from horde.errors import (
    AnonForbiddenUserMod,
    NonServiceForbidden,
    NotAdmin,
    NotModerator,
    NoUserModSelected,
    UserNotDeleted,
)
from horde.server.accounts.passkeys import make_passkey
from horde.server.accounts.register import username
from horde.server.accounts.trust import lock_user
from horde.server.accounts.users import User, sql, users_by_id
from horde.server.context import Context
from horde.server.ledger.balance import balance
from horde.server.ledger.escrow import release
from horde.server.ledger.grants import grant
from horde.server.ledger.monthly import set_monthly
from horde.server.moderation.harmless import harmless
from horde.units import Kudos

EDUCATION_CONCURRENCY, USUAL_CONCURRENCY = 200, 30
GRANT_MAX = Kudos(10**15)
"""Milli-kudos that one change may give or take: sums of many still fit the ledger's integers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminChanges:
    """What only admins may change. None: stays as it is."""

    kudos: Kudos | None = None
    """To give, or to take where negative."""
    monthly: Kudos | None = None
    """To add to what is granted every month."""
    usage_multiplier: float | None = None
    is_moderator: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeratorChanges:
    """What moderators may change. None: stays as it is."""

    concurrency: int | None = None
    worker_invited: int | None = None
    is_trusted: bool | None = None
    is_flagged: bool | None = None
    is_customizer: bool | None = None
    is_vpn: bool | None = None
    is_service: bool | None = None
    is_education: bool | None = None
    is_special: bool | None = None
    admin_comment: str | None = None
    resets_suspicion: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnChanges:
    """What an account may change of itself, and moderators for it. None: stays as it is."""

    has_public_workers: bool | None = None
    name: str | None = None
    contact: str | None = None
    wants_passkey: bool = False
    undeletes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """All that a call wants changed."""

    by_admin: AdminChanges = AdminChanges()
    by_moderator: ModeratorChanges = ModeratorChanges()
    own: OwnChanges = OwnChanges()


@dataclass(frozen=True, slots=True)
class Changed:
    """An account after a change, and the kudos of its own."""

    user: User
    kudos: Kudos
    passkey: str | None = None
    """A new one for the account's proxy, in clear for this once."""


async def change(ctx: Context, caller: User, target: User, changes: Changes) -> Changed:
    """Change an account and return it as it is then.

    Roles of the anonymous account stay as they are. Raises NotAdmin, NotModerator, AnonForbiddenUserMod,
    NonServiceForbidden, NoUserModSelected, UserNotDeleted, TooLongUserName, BadInput.
    """
    _refuse(caller, target, changes)
    async with ctx.database.transaction() as tx:
        await lock_user(tx, target.id)
        before = (await users_by_id(tx, [target.id]))[target.id]
        if changes.own.undeletes and not before.is_deleted:
            raise UserNotDeleted
        await tx.run(sql.change_user, id=before.id, **_columns(before, changes))
        if changes.by_moderator.resets_suspicion:
            await tx.run(sql.forget_reasons, user_id=before.id)
        if changes.by_admin.monthly is not None:
            await set_monthly(tx, before.id, _monthly(before, changes.by_admin.monthly), ctx.now)
        after = (await users_by_id(tx, [before.id]))[before.id]
        # Money comes last: its accounts are locked after all else.
        if changes.by_admin.kudos:
            amount = Kudos(max(min(changes.by_admin.kudos, GRANT_MAX), -GRANT_MAX))
            await grant(tx, uuid.uuid4(), after.id, amount, now=ctx.now, note=f"by {caller.alias}")
        if after.is_trusted and not before.is_trusted:
            await release(tx, after.id, ctx.now)
        passkey = await make_passkey(ctx, tx, after.id) if changes.own.wants_passkey else None
        return Changed(after, (await balance(tx, after.id)).own, passkey)


def _refuse(caller: User, target: User, changes: Changes) -> None:
    if _is_wanted(changes.by_admin) and not caller.is_admin:
        raise NotAdmin
    if _is_wanted(changes.by_moderator) and not caller.is_moderator:
        raise NotModerator
    own = changes.own
    if _is_wanted(own):
        if caller.is_anonymous:
            raise AnonForbiddenUserMod
        if caller.id != target.id and not caller.is_moderator:
            raise NotModerator
    elif not (_is_wanted(changes.by_admin) or _is_wanted(changes.by_moderator)):
        raise NoUserModSelected
    if own.name is not None:
        username(own.name)
    if own.wants_passkey and not caller.is_service:
        raise NonServiceForbidden


def _is_wanted(part: AdminChanges | ModeratorChanges | OwnChanges) -> bool:
    return part != type(part)()


def _columns(before: User, changes: Changes) -> dict[str, object]:
    """The columns to change, None where they stay."""
    roles = {
        "is_trusted": changes.by_moderator.is_trusted,
        "is_flagged": changes.by_moderator.is_flagged,
        "is_customizer": changes.by_moderator.is_customizer,
        "is_vpn": changes.by_moderator.is_vpn,
        "is_service": changes.by_moderator.is_service,
        "is_education": changes.by_moderator.is_education,
        "is_special": changes.by_moderator.is_special,
        "is_moderator": changes.by_admin.is_moderator,
    }
    if before.is_anonymous:
        roles = dict.fromkeys(roles)
    elif changes.by_admin.is_moderator:
        roles["is_trusted"] = True
    own, comment = changes.own, changes.by_moderator.admin_comment
    return roles | {
        "name": None if own.name is None else username(own.name),
        "contact": None if own.contact is None else harmless(own.contact),
        "has_public_workers": own.has_public_workers,
        "is_undeleted": own.undeletes,
        "concurrency": _concurrency(before, roles["is_education"], changes.by_moderator.concurrency),
        "worker_invited": changes.by_moderator.worker_invited,
        "suspicion": 0 if changes.by_moderator.resets_suspicion else None,
        "admin_comment": None if comment is None else harmless(comment),
        "usage_multiplier": changes.by_admin.usage_multiplier,
    }


def _concurrency(before: User, is_education: bool | None, wanted: int | None) -> int | None:
    now = before.concurrency if wanted is None else wanted
    if is_education and now < EDUCATION_CONCURRENCY:
        return EDUCATION_CONCURRENCY
    if is_education is False and now == EDUCATION_CONCURRENCY:
        return USUAL_CONCURRENCY
    return wanted


def _monthly(before: User, more: Kudos) -> Kudos:
    return Kudos(min(max(before.monthly_mk + more, 0), GRANT_MAX))
