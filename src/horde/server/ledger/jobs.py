"""What a request moves on its way: the tax and a hold when it is accepted, a payment a job, and what is left returned.

Pure: these enter events in a book. Rules: contract/kudos.md, sections 4 to 6.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from uuid import UUID

import msgspec

from horde.server.accounts.users import ANONYMOUS_ID
from horde.server.ledger.book import Book, Event, Move
from horde.units import Kudos, hundredths_of, kudos

ESCROW_SHARE = 2
"""Of what an account earns that is not trusted yet, one in so many goes into escrow."""
FOR_STYLE = kudos(2)
"""To its author for each request of others in a style, which pays as much more tax; if it can."""


def ask(book: Book, request_id: UUID, user_id: int, *, tax: Kudos, held: Kudos, asked_id: UUID | None = None) -> Kudos:
    """Take the tax, and put aside what is held for a request; no more than is available beside the tax.

    Returns what was there of the tax: an account at its floor pays none, because it is lifted to it again.

    `asked_id`: under which its requestor knows it, where that is another one.
    """
    paid = min(tax, book.account(user_id).available)
    move = Move(user_id=user_id, spendable=-tax - held, held=held)
    book.enter(Event(id=request_id, kind="ask", moves=[move], request_id=asked_id or request_id))
    return paid


def reward_style(book: Book, request_id: UUID, author_id: int, *, payer_id: int, paid: Kudos) -> None:
    """Pay the author of a style for its use by a request of somebody else (contract/kudos.md, section 7).

    Out of what was really `paid` of its tax, and nothing for the anonymous account: else whoever asks for nothing, or
    as nobody, could have kudos made for an author, or have those moved to him that belong to all.
    """
    if payer_id == ANONYMOUS_ID:
        return
    move = Move(user_id=author_id, spendable=min(FOR_STYLE, paid), total="styled")
    book.enter(Event(id=uuid.uuid4(), kind="style", moves=[move], request_id=request_id))


def give_back(book: Book, request_id: UUID, user_id: int, amount: Kudos, *, note: str) -> None:
    """Return what was held for a request and is not needed any more."""
    move = Move(user_id=user_id, spendable=amount, held=-amount)
    book.enter(Event(id=uuid.uuid4(), kind="return", moves=[move], request_id=request_id, note=note))


def credited(user_id: int, amount: Kudos, *, escrow: Kudos) -> Move:
    """What serving brings an account: all at once to the anonymous one, which nobody will ever trust."""
    kept_back = Kudos(0) if user_id == ANONYMOUS_ID else escrow
    return Move(user_id=user_id, spendable=amount - kept_back, escrow=kept_back)


class JobPayment(msgspec.Struct, frozen=True, kw_only=True):
    """What the end of a job moves."""

    job_id: UUID
    request_id: UUID
    """Under which its requestor knows it."""
    worker_id: UUID
    payer_id: int
    owner_id: int
    """Whose worker it is."""
    owner_is_trusted: bool
    charge: Kudos
    credit: Kudos

    @property
    def escrow(self) -> Kudos:
        """The part of the credit that its owner cannot spend yet."""
        is_free = self.owner_is_trusted or self.owner_id == ANONYMOUS_ID
        return Kudos(0) if is_free else hundredths_of(self.credit / ESCROW_SHARE)


def settle(book: Book, payments: Sequence[JobPayment], *, held_before: int, held_after: int) -> None:
    """Pay for jobs of one request that ended together, out of what is held for it as far as that goes.

    `held_before` and `held_after` in milli-kudos, without and with these. What need not be held any more comes back
    with the last of them.
    """
    left = held_before
    for payment in payments:
        drawn = min(payment.charge, left)
        left -= drawn
        returned = left - held_after if payment is payments[-1] else 0
        moves = [
            Move(user_id=payment.payer_id, spendable=drawn + returned - payment.charge, held=-drawn - returned),
            credited(payment.owner_id, payment.credit, escrow=payment.escrow),
        ]
        book.enter(
            Event(
                id=payment.job_id,
                kind="job",
                request_id=payment.request_id,
                job_id=payment.job_id,
                worker_id=payment.worker_id,
                moves=moves,
            )
        )
