"""What may still be asked for with shared keys: what is left of each, less what is promised to jobs that wait or run.

What is promised is reckoned from the requests themselves, so a job that fails or is cancelled gives it back by itself.
Keys are locked while it is decided, so two nodes never promise the same kudos.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import msgspec

from horde.errors import InvalidAPIKey
from horde.errors.sharing import SharedKeyEmpty, SharedKeyExpired, SharedKeyInsufficientKudos, SharedKeyLimit
from horde.kinds import KINDS
from horde.kinds.base import Draft
from horde.server.accounts.sharedkeys import SharedKey, lock_shared_keys, spend_shared
from horde.server.db.pool import Tx
from horde.server.requests import sql
from horde.server.requests.cost import Cost
from horde.units import kudos_in_words

P = TypeVar("P", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class _Promised:
    shared_key_id: UUID
    promised_mk: int


def check_shared(key: SharedKey, draft: Draft[P], *, now: datetime, promised_mk: int = 0, needed_mk: int = 0) -> None:
    """Refuse what a key does not allow, as far as is known of it.

    `promised_mk` is spent already, as far as this request goes. Raises SharedKeyExpired, SharedKeyEmpty,
    SharedKeyInsufficientKudos, and SharedKeyLimit for a job that is too large (contract/lifecycle.md, section 2).
    """
    if key.has_expired(now):
        raise SharedKeyExpired
    if key.left_mk == 0:
        raise SharedKeyEmpty
    kind = KINDS[draft.kind]
    if key.left_mk is not None:
        needed, free = max(needed_mk, kind.estimate(draft)), max(key.left_mk - promised_mk, 0)
        if needed > free:
            raise SharedKeyInsufficientKudos(
                f"This may cost {kudos_in_words(needed)} kudos, and this shared key has {kudos_in_words(free)} free.",
                hint="ask its owner for more, ask for less, or set `allow_downgrade` to be served after all others.",
            )
    for name, size in kind.job_sizes(draft.params).items():
        limit = key.job_limits.get(name)
        if limit is not None and size > limit:
            what = name.replace("_", " ")
            raise SharedKeyLimit(f"The job has {size:,} {what}, and this shared key allows {limit:,}.")


class Allowances:
    """Shared keys that a transaction has locked, and what it promises and spends of them."""

    def __init__(self, keys: Mapping[UUID, SharedKey], promised: Mapping[UUID, int], now: datetime) -> None:
        self._keys = keys
        self._promised = Counter(promised)
        self._spent: Counter[UUID] = Counter()
        self._now = now

    @classmethod
    async def open(cls, tx: Tx, keys: Collection[SharedKey | None], *, now: datetime) -> Allowances:
        """Lock the keys among these; asks the database nothing where there is none. Before accounts are locked."""
        ids = sorted({key.id for key in keys if key})
        if not ids:
            return cls({}, {}, now)
        locked = await lock_shared_keys(tx, ids)
        promised = await tx.all(sql.promised_of_shared, _Promised, ids=ids)
        return cls(locked, {row.shared_key_id: row.promised_mk for row in promised}, now)

    def check(self, key: SharedKey | None, cost: Cost, draft: Draft[P]) -> None:
        """Raises what `check_shared` raises, and InvalidAPIKey for a key that was deleted a moment ago."""
        if key is None:
            return
        found = self._keys.get(key.id)
        if found is None:
            raise InvalidAPIKey
        check_shared(
            found, draft, now=self._now, promised_mk=self._promised[key.id], needed_mk=cost.tax + cost.hold
        )  # fmt: skip

    def promise(self, key: SharedKey | None, cost: Cost) -> None:
        """What a request may cost is not free any more."""
        if key is not None:
            self._promised[key.id] += cost.tax + cost.hold

    def spend(self, key: SharedKey | None, amount_mk: int) -> None:
        """Something is paid with the key at once."""
        if key is not None:
            self._spent[key.id] += amount_mk

    async def post(self, tx: Tx) -> None:
        """Write what was spent."""
        await spend_shared(tx, self._spent)
