"""Kudos from one account to another, and out of nothing as an award.

Transfers that arrive together are one transaction: all accounts are locked by one book, and each transfer decides on
what those before it left, so nobody gives the same kudos away twice. Rules and their order: contract/api-v2.md, 6.4.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from horde.errors import (
    DeletedPartner,
    DeletedUser,
    EducationCannotSendKudos,
    FaultWhenKudosReceiving,
    FaultWhenKudosSending,
    HordeError,
    IdempotencyKeyConflict,
    InvalidAwardUsername,
    InvalidKudosTransferAmount,
    InvalidTargetUsername,
    KudosAwardToAnon,
    KudosTransferFromAnon,
    KudosTransferNotEnough,
    KudosTransferToAnon,
    KudosTransferToSelf,
    NegativeKudosTransfer,
    NotAllowedAwards,
    SourceAccountFlagged,
    TargetAccountFlagged,
    TooFastKudosTransfers,
)
from horde.errors.sharing import SharedKeyExpired
from horde.server.accounts.sharedkeys import SharedKey, lock_shared_keys, raise_shared, shared_key_id
from horde.server.accounts.users import ID_DIGITS_MAX, User, id_of_alias, users_by_id
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.idempotency.keys import Answer, Key, keep, recall
from horde.server.ledger.accounts import sql
from horde.server.ledger.book import Book, Event, Move
from horde.server.moderation.harmless import harmless
from horde.units import Kudos, kudos, kudos_on_the_wire

NOT_BACK_FOR = timedelta(seconds=60)
"""Who got kudos cannot send some to the giver for so long: what goes round in circles looks like trade."""
AMOUNT_MAX = 10**12
"""Whole kudos that an award may have: far above what anybody has, and far below what the ledger's integers can hold."""
FIRST_ID = 1
"""The account that the public horde lets award kudos: its operator's."""
SHOWN_MAX = 80
"""How much of a name that nobody has is said again in the refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gift:
    source_id: int
    target: str
    """As it was written: `alias#id`, an id alone, or the id of a shared key."""
    amount: int
    """Whole kudos."""
    key: Key | None

    @property
    def target_id(self) -> int | None:
        return _id_of(self.target)

    @property
    def key_id(self) -> UUID | None:
        """The shared key that is meant, where one is."""
        return shared_key_id(self.target)

    @property
    def answer(self) -> Answer:
        return {"amount": self.amount}


class _KeyTaken(Exception):
    """A key was used by somebody else a moment ago: nothing is written, and each transfer is tried alone."""


async def transfer(ctx: Context, source: User, target: str, amount: int, key: Key | None = None) -> Kudos:
    """Give somebody whole kudos out of what lies above one's floor and is not held; returns what was given.

    Takes effect once for each `key`, and is answered again without one. Raises the refusals of section 6.4;
    nothing is written then.
    """
    gift = _Gift(source_id=source.id, target=target, amount=amount, key=key)
    try:
        return await ctx.together(_transfer_together, gift)
    except _KeyTaken:
        # Another node had the key first, and has committed by now: what it answered can be recalled.
        return await ctx.together(_transfer_together, gift)


async def _transfer_together(ctx: Context, gifts: Sequence[_Gift]) -> list[Kudos | HordeError]:
    keys = [gift.key for gift in gifts if gift.key]
    if len({key.name for key in keys}) < len(keys):
        raise _KeyTaken
    async with ctx.database.transaction() as tx:
        answered = await recall(tx, keys) if keys else {}
        anew = [gift for gift in gifts if gift.key is None or not isinstance(answered.get(gift.key), Mapping)]
        made = await _Round.of(tx, ctx, anew, answered) if anew else None
        outcomes = {id(gift): made.outcome(gift) for gift in anew} if made else {}
        if made:
            # Keys are kept after the accounts are locked, as a refusal leaves its key free. A delivery keeps its own
            # before: who uses one key for both at once may be told to try again.
            given = {gift.key: gift.answer for gift in anew if gift.key and outcomes[id(gift)] is None}
            if given and len(await keep(tx, given, now=ctx.now)) < len(given):
                raise _KeyTaken
            await raise_shared(tx, made.raised)
            await made.book.post(ctx.now)
    return [outcomes.get(id(gift)) or kudos(gift.amount) for gift in gifts]


@dataclass(slots=True, kw_only=True)
class _Round:
    """Transfers that are decided one after the other, with all that they are decided on."""

    book: Book
    people: Mapping[int, User]
    answered: Mapping[Key, Answer | HordeError]
    lately: set[tuple[int, int]] = field(default_factory=set)
    """Who sent whom kudos within the last minute."""
    shared: Mapping[UUID, SharedKey]
    """Keys that are given something, locked; it goes to their owners, and may be spent with them."""
    raised: Counter[UUID] = field(default_factory=Counter)
    now: datetime

    @classmethod
    async def of(
        cls, tx: Tx, ctx: Context, gifts: Sequence[_Gift], answered: Mapping[Key, Answer | HordeError]
    ) -> _Round:
        keys = {key_id for gift in gifts if (key_id := gift.key_id) is not None}
        shared = await lock_shared_keys(tx, keys) if keys else {}
        pairs = {(gift.source_id, target) for gift in gifts if (target := _target_of(gift, shared)) is not None}
        sources = {gift.source_id for gift in gifts}
        people = await users_by_id(tx, sources.union(target for _, target in pairs))
        book = await Book.open(tx, people)
        # Asked once the accounts are locked: of two who send each other kudos at once, the second sees the first.
        back = [{"source_id": target, "target_id": source} for source, target in sorted(pairs)]
        lately = set(await tx.all(sql.gifts_between, _pair, pairs=back, since=ctx.now - NOT_BACK_FOR))
        return cls(book=book, people=people, answered=answered, lately=lately, shared=shared, now=ctx.now)

    def outcome(self, gift: _Gift) -> HordeError | None:
        """Enter a transfer, or say why not."""
        source, key = self.people[gift.source_id], self.shared.get(gift.key_id) if gift.key_id else None
        target = self.people.get(key.user_id) if key else _named(self.people, gift.target)
        if source.is_anonymous:
            return KudosTransferFromAnon()
        if target is None:
            return InvalidTargetUsername(f"There is nobody called {gift.target[:SHOWN_MAX]!r}.")
        if key and key.has_expired(self.now):
            return SharedKeyExpired()
        refusal = self._of_people(source, target) or self._of_amount(gift)
        if refusal is None:
            self._enter(source, target, kudos(gift.amount))
            if key:
                self.raised[key.id] += kudos(gift.amount)
        return refusal

    def _of_people(self, source: User, target: User) -> HordeError | None:
        checks: tuple[tuple[bool, type[HordeError]], ...] = (
            (target.is_anonymous, KudosTransferToAnon),
            (target.id == source.id, KudosTransferToSelf),
            ((target.id, source.id) in self.lately, TooFastKudosTransfers),
            (source.is_suspicious, FaultWhenKudosSending),
            (source.is_flagged, SourceAccountFlagged),
            (source.is_education, EducationCannotSendKudos),
            (target.is_suspicious, FaultWhenKudosReceiving),
            (target.is_flagged, TargetAccountFlagged),
            (source.is_deleted or target.is_deleted, DeletedPartner),
        )
        return next((refusal() for holds, refusal in checks if holds), None)

    def _of_amount(self, gift: _Gift) -> HordeError | None:
        if gift.amount < 0:
            return NegativeKudosTransfer(f"{gift.amount} kudos cannot be given: the amount is negative.")
        if gift.amount == 0:
            return InvalidKudosTransferAmount("0 kudos cannot be given.")
        if gift.key and gift.key in self.answered:
            return IdempotencyKeyConflict()
        available = self.book.account(gift.source_id).available
        if kudos(gift.amount) > available:
            return KudosTransferNotEnough(
                f"{gift.amount} kudos are more than the {kudos_on_the_wire(available):.3f} available."
            )
        return None

    def _enter(self, source: User, target: User, amount: Kudos) -> None:
        given = Move(user_id=source.id, spendable=-amount, total="donated" if target.is_education else "gifted")
        got = Move(user_id=target.id, spendable=amount, total="received")
        self.book.enter(Event(id=uuid.uuid4(), kind="gift", moves=[given, got]))
        self.lately.add((source.id, target.id))


async def award(ctx: Context, caller: User, target: str, amount: int) -> Kudos:
    """Give somebody whole kudos out of nothing; returns how many. Each call gives them again.

    Raises DeletedUser, NotAllowedAwards, InvalidAwardUsername, KudosAwardToAnon, TargetAccountFlagged, or
    NegativeKudosTransfer and InvalidKudosTransferAmount for what is no amount.
    """
    if caller.is_deleted:
        raise DeletedUser
    if not may_award(caller):
        raise NotAllowedAwards
    async with ctx.database.transaction() as tx:
        target_id = _id_of(target)
        found = _named(await users_by_id(tx, [] if target_id is None else [target_id]), target)
        if found is None:
            raise InvalidAwardUsername(f"There is nobody called {target[:SHOWN_MAX]!r}.")
        if found.is_anonymous:
            raise KudosAwardToAnon
        if found.is_flagged:
            raise TargetAccountFlagged
        if amount < 0:
            raise NegativeKudosTransfer(f"{amount} kudos cannot be awarded: the amount is negative.")
        if not 0 < amount <= AMOUNT_MAX:
            raise InvalidKudosTransferAmount(f"An award has 1 to {AMOUNT_MAX:,} kudos.")
        book = await Book.open(tx, [found.id])
        move = Move(user_id=found.id, spendable=kudos(amount), total="awarded")
        book.enter(Event(id=uuid.uuid4(), kind="award", moves=[move], note=f"by {caller.alias}"))
        await book.post(ctx.now)
    return kudos(amount)


def may_award(caller: User) -> bool:
    """Admins, and the first account where the operator made it: one that registered by itself may be anybody's."""
    return caller.is_admin or (caller.id == FIRST_ID and not caller.is_pseudonymous)


def _target_of(gift: _Gift, shared: Mapping[UUID, SharedKey]) -> int | None:
    key = shared.get(gift.key_id) if gift.key_id else None
    return key.user_id if key else gift.target_id


def _id_of(name: str) -> int | None:
    is_id = name.isascii() and name.isdecimal() and len(name) <= ID_DIGITS_MAX
    return int(name) if is_id else id_of_alias(name)


def _named(people: Mapping[int, User], name: str) -> User | None:
    user_id = _id_of(name)
    found = None if user_id is None else people.get(user_id)
    # An alias must be right as a whole: a typing error in its number would give the kudos to a stranger. Names are kept
    # harmless, and whoever types one writes it as its owner did.
    is_right = found is not None and (name in (found.alias, str(found.id)) or harmless(name) == found.alias)
    return found if is_right else None


def _pair(source_id: int, target_id: int) -> tuple[int, int]:
    return source_id, target_id
