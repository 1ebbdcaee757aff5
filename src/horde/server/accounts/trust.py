"""Trusting an account, or not: what a trusted one earns can be spent at once, and it may do what others may not."""

from __future__ import annotations

from collections.abc import Collection

from horde.server.accounts.users import ANONYMOUS_ID, sql
from horde.server.db.pool import Tx


async def lock_user(tx: Tx, user_id: int) -> None:
    """Hold an account's row until the transaction ends; before its balance, where both are locked."""
    await tx.value(sql.lock_user, int, user_id=user_id)


async def trust(tx: Tx, user_id: int) -> None:
    """Trust an account. Processes that remember it hear of it within a second."""
    await tx.run(sql.trust, user_id=user_id)


async def suspect(tx: Tx, user_ids: Collection[int]) -> None:
    """Suspect accounts once more each; the anonymous one never, for it is many people. Locks the users."""
    if suspected := sorted(set(user_ids) - {ANONYMOUS_ID}):
        await tx.run(sql.suspect, user_ids=suspected)


async def suspect_once(tx: Tx, user_id: int, reason: str) -> None:
    """Suspect an account for a reason that counts once, however often it is given. Locks the user."""
    if user_id != ANONYMOUS_ID and await tx.run(sql.give_reason, user_id=user_id, reason=reason):
        await suspect(tx, [user_id])
