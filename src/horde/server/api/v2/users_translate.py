"""Between an account and its messages of v2; who sees what: contract/api-v2.md, section 6.1."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from horde.kinds import image
from horde.server.accounts.change import AdminChanges, Changed, Changes, ModeratorChanges, OwnChanges
from horde.server.accounts.records import Record
from horde.server.accounts.users import User
from horde.server.api.v2.kinds import NAMES
from horde.server.context import Context
from horde.server.ledger.balance import Balance
from horde.server.status.account import Account
from horde.units import KUDOS_SCALE, PIXELSTEPS_PER_MPS, Kudos, kudos, kudos_on_the_wire
from horde.wire import v2_accounts


def answer(ctx: Context, account: Account, *, seen_by: User | None) -> v2_accounts.UserAnswer:
    """An account as that caller may see it."""
    user = account.user
    is_moderator = seen_by is not None and seen_by.is_moderator
    is_own = is_moderator or (seen_by is not None and seen_by.id == user.id)
    found = v2_accounts.UserAnswer(**_seen(ctx, account))  # type: ignore[arg-type]  # named as the fields
    found.styles = _styles(account, is_own=is_own)
    if is_own or user.has_public_workers:
        found.worker_ids = [str(worker_id) for worker_id in account.worker_ids]
    if is_own:
        found.sharedkey_ids = [str(key_id) for key_id in account.sharedkey_ids]
        found.contact = user.contact or UNSET
        found.vpn, found.special = user.is_vpn, user.is_special
        found.active_generations = v2_accounts.ActiveGenerations(
            **{
                # The contract never fills in those of alchemy.
                kind: [str(request_id) for request_id in account.requests[kind]]
                for kind in ("image", "text")
                if account.requests.get(kind)
            }
        )
        found.evaluating_kudos = kudos_on_the_wire(account.balance.escrow_mk)
        if user.monthly_mk or user.monthly_paid_at:
            found.monthly_kudos = v2_accounts.MonthlyKudos(user.monthly_mk // KUDOS_SCALE, day(user.monthly_paid_at))
    if is_moderator:
        found.suspicious = user.suspicion
        found.admin_comment = user.admin_comment or UNSET
    return found


def listed(ctx: Context, account: Account) -> v2_accounts.ListedUser:
    """An account in the list of all, as everybody may see it."""
    found = v2_accounts.ListedUser(**_seen(ctx, account))  # type: ignore[arg-type]  # named as the fields
    found.styles = _styles(account, is_own=False)
    return found


def _seen(ctx: Context, account: Account) -> dict[str, object]:
    user = account.user
    return {
        "username": user.alias,
        "id": user.id,
        "kudos": kudos_on_the_wire(account.kudos),
        "concurrency": user.concurrency,
        "worker_invited": user.worker_invited,
        "moderator": user.is_moderator,
        "trusted": user.is_trusted,
        "flagged": user.is_flagged,
        "pseudonymous": user.is_pseudonymous,
        "service": user.is_service,
        "education": user.is_education,
        "customizer": user.is_customizer,
        "deleted": user.is_deleted,
        "worker_count": account.worker_count,
        "account_age": max(round((ctx.now - user.created_at).total_seconds()), 0),
        "kudos_details": details(account.balance),
        "records": _records(account.records),
    }


def _styles(account: Account, *, is_own: bool) -> list[v2_accounts.StyleOfUser]:
    return [
        v2_accounts.StyleOfUser(f"{account.user.alias}::style::{style.name}", str(style.id), style.kind)
        for style in account.styles
        if style.is_public or is_own
    ]


def details(balance: Balance) -> v2_accounts.UserKudosDetails:
    """Where the kudos come from and went; what was given away is negative."""
    totals = {name: kudos_on_the_wire(amount) for name, amount in balance.totals.items()}
    return v2_accounts.UserKudosDetails(accumulated=kudos_on_the_wire(balance.accumulated), **totals)


def _records(records: list[Record]) -> v2_accounts.UserRecords:
    fulfilled, asked, styled = v2_accounts.AmountByKind(), v2_accounts.AmountByKind(), v2_accounts.AmountByKind()
    usage, contribution = v2_accounts.Work(), v2_accounts.Work()
    for record in records:
        name = NAMES.get(record.kind)
        if name is None:
            continue  # v2 has no place for it
        setattr(fulfilled, name, record.fulfilled)
        setattr(asked, name, record.requests)
        setattr(styled, name, record.styled)
        if record.kind == image.NAME:
            usage.megapixelsteps = round(record.used / PIXELSTEPS_PER_MPS, 2)
            contribution.megapixelsteps = round(record.contributed / PIXELSTEPS_PER_MPS, 2)
        elif name == "text":
            usage.tokens, contribution.tokens = round(record.used), round(record.contributed)
    return v2_accounts.UserRecords(usage, contribution, fulfilled, asked, styled)


def day(at: datetime | None) -> str | UnsetType:
    """A moment as v2 writes it; left out where there is none."""
    return moment(at) if at else UNSET


def moment(at: datetime) -> str:
    """A moment as v2 writes it (contract/api-v2.md, section 1.7)."""
    # As RFC 822 has it for "UTC, and who knows which zone".
    return at.strftime("%a, %d %b %Y %H:%M:%S -0000")


def changes(asked: v2_accounts.UserChange) -> Changes:
    """What a call wants changed, sorted by who may."""
    given = {name: None if value is UNSET else value for name, value in msgspec.structs.asdict(asked).items()}
    return Changes(
        by_admin=AdminChanges(
            kudos=_whole(asked.kudos),
            monthly=_whole(asked.monthly_kudos),
            usage_multiplier=given["usage_multiplier"],
            is_moderator=given["moderator"],
        ),
        by_moderator=ModeratorChanges(
            concurrency=given["concurrency"],
            worker_invited=given["worker_invited"],
            is_trusted=given["trusted"],
            is_flagged=given["flagged"],
            is_customizer=given["customizer"],
            is_vpn=given["vpn"],
            is_service=given["service"],
            is_education=given["education"],
            is_special=given["special"],
            admin_comment=given["admin_comment"],
            resets_suspicion=asked.reset_suspicion,
        ),
        own=OwnChanges(
            has_public_workers=given["public_workers"],
            name=given["username"],
            contact=given["contact"],
            wants_passkey=asked.generate_proxy_passkey,
            undeletes=asked.undelete,
        ),
    )


def _whole(amount: float | UnsetType) -> Kudos | None:
    return None if amount is UNSET else kudos(int(amount))


def changed(done: Changed, asked: v2_accounts.UserChange) -> v2_accounts.UserChanged:
    """Those of the fields that were to be changed, as they are now."""
    user = done.user
    now: dict[str, object] = {
        "monthly_kudos": kudos_on_the_wire(user.monthly_mk),
        "usage_multiplier": user.usage_multiplier,
        "moderator": user.is_moderator,
        "concurrency": user.concurrency,
        "worker_invited": user.worker_invited,
        "trusted": user.is_trusted,
        "flagged": user.is_flagged,
        "customizer": user.is_customizer,
        "vpn": user.is_vpn,
        "service": user.is_service,
        "education": user.is_education,
        "special": user.is_special,
        "admin_comment": user.admin_comment,
        "public_workers": user.has_public_workers,
        "username": user.name,
        "contact": user.contact,
    }
    shown = {name: value for name, value in now.items() if getattr(asked, name) is not UNSET}
    if asked.education is not UNSET:
        shown["concurrency"] = user.concurrency
    if asked.kudos is not UNSET:
        shown["new_kudos"] = kudos_on_the_wire(done.kudos)
    if asked.reset_suspicion:
        shown["new_suspicion"] = user.suspicion
    if done.passkey:
        shown["proxy_passkey"] = done.passkey
    if asked.undelete:
        shown["undeleted"] = True
    return v2_accounts.UserChanged(**shown)  # type: ignore[arg-type]  # named as the fields
