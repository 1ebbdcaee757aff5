"""A ledger in which everything happened once, and hands that write past the server."""

import uuid
from dataclasses import dataclass
from uuid import UUID

from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.db.queries import Query
from horde.server.ledger.book import Book, Event, Move
from horde.server.ledger.grants import grant
from horde.server.requests.cancel import cancel
from horde.server.workers.uptime import pay_uptime
from horde.units import Kudos, kudos
from tests.server.builders import anonymous, asked, delivered, leased, one, user, worker


@dataclass(frozen=True)
class Busy:
    """Who and what there is in the ledger."""

    ada: User
    """Asked for pictures; had 1000 kudos."""
    bob: User
    """Made one of them with the worker Atlas; not trusted."""
    paid: str
    """A request of Ada's that was made and paid."""
    waiting: str
    """A request of Ada's for which kudos are held."""
    cancelled: str
    gift: UUID
    """5 kudos from Ada to Bob."""


async def enter(ctx: Context, *moves: Move, kind: str = "gift", note: str | None = None) -> UUID:
    """Enter one event as any verb would."""
    event = Event(id=uuid.uuid4(), kind=kind, moves=moves, note=note)  # type: ignore[arg-type]  # the database checks it
    async with ctx.database.transaction() as tx:
        book = await Book.open(tx, {move.user_id for move in moves})
        book.enter(event)
        await book.post(ctx.now)
    return event.id


async def gift(ctx: Context, source: User, target: User, amount: float) -> UUID:
    """A gift, as it is posted."""
    moved = kudos(amount)
    return await enter(
        ctx,
        Move(user_id=source.id, spendable=-moved, total="gifted"),
        Move(user_id=target.id, spendable=moved, total="received"),
    )


async def busy(ctx: Context) -> Busy:
    """A ledger with events of nearly every kind."""
    ada, bob, nobody = await user(ctx, "Ada"), await user(ctx, "Bob", has=0), await anonymous(ctx)
    atlas = await worker(ctx, bob)
    paid = await asked(ctx, ada)
    await delivered(ctx, bob, await leased(ctx, bob))
    cancelled = await asked(ctx, ada)
    await cancel(ctx, cancelled, kind="image")
    waiting = await asked(ctx, ada)
    async with ctx.database.transaction() as tx:
        await pay_uptime(tx, [atlas], now=ctx.now)
    async with ctx.database.transaction() as tx:
        await grant(tx, uuid.uuid4(), bob.id, Kudos(7_000), now=ctx.now)
    # Falls below the floor, to which it is lifted.
    await enter(ctx, Move(user_id=nobody.id, spendable=-kudos(60)), kind="job")
    return Busy(ada, bob, paid, waiting, cancelled, await gift(ctx, ada, bob, 5))


async def tamper(ctx: Context, *statements: str) -> None:
    """Write as a superuser who has switched off what guards the tables."""
    async with ctx.database.transaction() as tx:
        for statement in ("SET LOCAL session_replication_role = replica", *statements):
            await tx.run(Query("tamper", statement, ()))


async def seq_of(ctx: Context, event_id: UUID) -> int:
    """The place of an event."""
    return int(await one(ctx, "SELECT seq FROM ledger_events WHERE id = $1", id=event_id))
