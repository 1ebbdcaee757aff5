"""Accounts with all that belongs to them: what can be shown of one, whoever looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from cachetools import LRUCache

from horde.kinds import KINDS
from horde.server.accounts.records import Record, records_of
from horde.server.accounts.sharedkeys import shared_keys_of
from horde.server.accounts.users import Order, User, page_of_users
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.ledger.balance import NOTHING, Balance, balances
from horde.server.requests.read import readable_requests
from horde.server.styles.read import StyleName, styles_of_users
from horde.server.workers.roster import workers_of_all
from horde.units import Kudos

PAGE = 25
PAGES_MAX = 10_000
LISTED_FOR = timedelta(seconds=10)
"""How old a page of accounts may be: to order all of them is work."""
PAGES_REMEMBERED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account with what belongs to it."""

    user: User
    balance: Balance
    records: list[Record]
    worker_count: int
    worker_ids: list[UUID]
    """Empty for the anonymous account: the world's workers are nobody's business."""
    requests: dict[str, list[UUID]]
    """By kind, those that can still be read; empty for the anonymous account, and in lists."""
    styles: list[StyleName]
    """By name, unlisted ones included."""
    sharedkey_ids: list[UUID]

    @property
    def kudos(self) -> Kudos:
        """All but what is in escrow."""
        return self.balance.own


class Listed:
    """Pages of accounts that were read lately."""

    def __init__(self) -> None:
        self.pages: LRUCache[tuple[Order, int, int], tuple[datetime, list[Account]]] = LRUCache(PAGES_REMEMBERED)


async def account(ctx: Context, user: User) -> Account:
    """An account as it is now."""
    async with ctx.database.transaction() as tx:
        [found] = await _accounts(tx, [user])
        kinds = () if user.is_anonymous else KINDS
        requests = {kind: await readable_requests(tx, user.id, kind) for kind in kinds}
    return replace(found, requests=requests)


async def page_of_accounts(ctx: Context, *, order: Order, page: int = 1, size: int = PAGE) -> list[Account]:
    """The accounts with the most kudos, or the oldest, from page 1 on; a few seconds old perhaps."""
    if not 1 <= page <= PAGES_MAX:
        return []
    pages = ctx.remembered(Listed).pages
    if (known := pages.get((order, page, size))) and ctx.now - known[0] < _listed_for(ctx):
        return known[1]
    async with ctx.database.snapshot() as tx:
        users = await page_of_users(tx, order=order, limit=size, skipped=(page - 1) * size)
        listed = await _accounts(tx, users)
    pages[order, page, size] = ctx.now, listed
    return listed


def _listed_for(ctx: Context) -> timedelta:
    # A server that may remember nothing for a while remembers no page either.
    return LISTED_FOR if ctx.services.settings.refresh_s else timedelta(0)


async def _accounts(tx: Tx, found: Sequence[User]) -> list[Account]:
    ids = [user.id for user in found]
    money, records, workers = await balances(tx, ids), await records_of(tx, ids), await workers_of_all(tx, ids)
    styles = await styles_of_users(tx, ids)
    shared = await shared_keys_of(tx, ids)
    return [
        Account(
            user=user,
            balance=money.get(user.id, NOTHING),
            records=records.get(user.id, []),
            worker_count=len(workers.get(user.id, ())),
            worker_ids=[] if user.is_anonymous else workers.get(user.id, []),
            requests={},
            styles=styles.get(user.id, []),
            sharedkey_ids=shared.get(user.id, []),
        )
        for user in found
    ]
