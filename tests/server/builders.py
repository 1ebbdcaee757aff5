"""What tests of the features build again and again: drafts and calls, users and workers, and looks at the database."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID, uuid4

import msgspec
from PIL import Image

from horde.kinds.base import Draft
from horde.kinds.image import ImageParams
from horde.server.accounts.keys import ANONYMOUS_KEY, authenticate
from horde.server.accounts.register import register
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.db.batch import Batches
from horde.server.db.notify import APPLICATION_NAME
from horde.server.db.pool import open_database
from horde.server.db.queries import Query
from horde.server.ledger.balance import Balance, balance
from horde.server.ledger.jobs import JobPayment
from horde.server.matching.order import AGEING_PERIOD, EPOCH
from horde.server.memory import Memory
from horde.server.requests.deliver import deliver
from horde.server.requests.lease import Popped
from horde.server.requests.pop import Ask, Idle, pop
from horde.server.requests.results import Delivery
from horde.server.requests.submit import submit
from horde.server.workers.checkin import CheckIn, check_in
from horde.server.workers.roster import OfferTerms, Worker
from horde.units import Kudos, kudos
from tests.plugins.hordes import Clock

MODEL = "stable_diffusion"
SMALL = ImageParams(steps=50)
"""512 x 512 x 50: worth 11 kudos, leased for 150 s."""
EARNED = Kudos(8_250)
"""What the owner of the worker of `said` is credited with for that: three quarters, as nobody knows its program."""
CHARGED = Kudos(12_000)
"""What the requestor pays for it."""
TAX = Kudos(1_000)
"""What the requestor paid for asking."""

ROOM = 8 * 512 * 512
"""A worker with so many pixels does as many of the small jobs at once as it asks for."""
FOX = Draft(kind="image", prompt="a red fox", params=SMALL)

T = TypeVar("T")
TABLES = (
    "users", "dev_users", "user_records", "keys", "ledger_accounts", "ledger_events", "ledger_postings",
    "ledger_totals", "teams", "modes", "lanes", "request_groups", "requests", "workers", "worker_models", "jobs",
    "work_done", "work_history", "secrets", "idempotency_keys", "webhook_deliveries", "webhook_secrets",
    "styles", "style_examples", "style_collections", "style_members",
    "address_blocks", "filters", "moderation_revisions", "corrupt_prompts", "user_suspicions", "worker_suspicions",
    "shared_keys", "worker_messages",
)  # fmt: skip


# ------------------------------------------------------------------------------------------ who and what
async def user(ctx: Context, name: str = "Ada", *, has: float = 1000, **roles: Any) -> User:
    """A new account with `has` kudos."""
    return (await register(ctx, name, kudos=kudos(has), **roles)).user


async def anonymous(ctx: Context) -> User:
    """The account that the whole world shares."""
    return await authenticate(ctx, ANONYMOUS_KEY)


def draft(**changes: Any) -> Draft[ImageParams]:
    """A red fox that any worker can do."""
    return replace(FOX, **changes)


def said(name: str = "Atlas", **changes: Any) -> CheckIn:
    """What a worker says of itself: one that can do every plain picture."""
    terms: dict[str, Any] = {
        "features": [], "sizes": {"pixels": ROOM}, "nsfw": True, "is_extra_slow": False, "declined": [],
        "limits_steps": False, "requires_cover": False,
    }  # fmt: skip
    terms |= {key: changes.pop(key) for key in terms.keys() & changes.keys()}
    words = {"kind": "image", "agent": "Test:1:x", "models": (MODEL,), "threads": 1, **changes}
    return CheckIn(name=name, terms=OfferTerms(**terms, flags={}), **words)


def ask(name: str = "Atlas", **changes: Any) -> Ask:
    """A worker's call for one job; what `said` takes can be changed too."""
    call: dict[str, Any] = {"amount": 1, "first_users": (), "blacklist": (), "held_jobs": None}
    call |= {key: changes.pop(key) for key in call.keys() & changes.keys()}
    return Ask(said=said(name, **changes), **call)


async def worker(ctx: Context, owner: User, name: str = "Atlas", **changes: Any) -> Worker:
    """A worker that has just checked in."""
    return (await check_in(ctx, owner, said(name, **changes))).worker


# ----------------------------------------------------------------------------------------- what they do
async def asked(ctx: Context, requestor: User, **changes: Any) -> str:
    """The id of a request that was accepted."""
    return (await submit(ctx, requestor, draft(**changes))).id


async def popped(ctx: Context, owner: User, name: str = "Atlas", **changes: Any) -> Popped:
    """Jobs, which there must be."""
    answer = await pop(ctx, owner, ask(name, **changes))
    assert isinstance(answer, Popped), f"nothing was handed out: {answer}"
    return answer


async def idle(ctx: Context, owner: User, name: str = "Atlas", **changes: Any) -> dict[str, int]:
    """The skip counters, as far as they counted anything, of a pop that must find nothing."""
    answer = await pop(ctx, owner, ask(name, **changes))
    assert isinstance(answer, Idle), f"something was handed out: {answer}"
    return {key: count for key, count in answer.skipped.items() if count}


def payment(
    payer: User, owner: User, credit: float, charge: float | None = None, job_id: UUID | None = None
) -> JobPayment:
    """What a job's end moves, in whole kudos; the payer is charged all of it unless it is said."""
    return JobPayment(
        job_id=job_id or uuid4(),
        request_id=uuid4(),
        worker_id=uuid4(),
        payer_id=payer.id,
        owner_id=owner.id,
        owner_is_trusted=owner.is_trusted,
        credit=kudos(credit),
        charge=kudos(credit if charge is None else charge),
    )


async def leased(ctx: Context, owner: User, name: str = "Atlas", **changes: Any) -> str:
    """The id of the one job that was handed out."""
    [job_id] = (await popped(ctx, owner, name, **changes)).job_ids
    return job_id


def picture(format: str = "WEBP", size: tuple[int, int] = (8, 8), mode: str = "RGB") -> bytes:
    """A small picture as a file."""
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, format)
    return buffer.getvalue()


PICTURE = picture()


def delivery(job_id: str, **changes: Any) -> Delivery:
    """A good result."""
    return replace(
        Delivery(job_id=job_id, kind="image", picture=PICTURE, state="ok", seed=7, gen_metadata=[]), **changes
    )


async def delivered(ctx: Context, owner: User, job_id: str, **changes: Any) -> Kudos:
    """What a good result was worth."""
    return Kudos((await deliver(ctx, owner, delivery(job_id, **changes))).reward_mk)


@asynccontextmanager
async def nodes(ctx: Context, count: int, connections: int = 8) -> AsyncIterator[list[Context]]:
    """Contexts of several servers on the same database, each with connections of its own."""
    async with AsyncExitStack() as stack:
        url = ctx.services.settings.database_url
        pools = [await stack.enter_async_context(open_database(url, connections=connections)) for _ in range(count)]
        # Memory of its own too: it is what makes a process a node.
        yield [
            replace(ctx, services=replace(ctx.services, database=pool, batches=Batches(), memory=Memory()))
            for pool in pools
        ]


def seldom_looking(ctx: Context, refresh_s: float = 60) -> Context:
    """The same node with a memory that is as old as it is in production, or older: it goes by what it was told."""
    settings = msgspec.structs.replace(ctx.services.settings, refresh_s=refresh_s)
    return replace(ctx, services=replace(ctx.services, settings=settings))


def at_a_tick(clock: Clock) -> Context:
    """The context of the moment at which everybody who waits has just aged."""
    return clock.move(seconds=(-((clock.now - EPOCH) % AGEING_PERIOD)).total_seconds())


# --------------------------------------------------------------------------------- the database as it is
async def look(ctx: Context, sql: str, **arguments: Any) -> list[dict[str, Any]]:
    """The rows of a statement, with `$1`, `$2` ... in the order of the arguments: for what no verb shows."""
    async with ctx.database.transaction() as tx:
        return await tx.all(Query("look", sql, tuple(arguments)), dict, **arguments)


async def change(ctx: Context, sql: str, **arguments: Any) -> int:
    """Change what no verb changes yet; returns how many rows were touched."""
    async with ctx.database.transaction() as tx:
        return await tx.run(Query("change", sql, tuple(arguments)), **arguments)


async def one(ctx: Context, sql: str, **arguments: Any) -> Any:
    """The one value that a statement gives."""
    [row] = await look(ctx, sql, **arguments)
    [value] = row.values()
    return value


async def everything(ctx: Context) -> dict[str, list[str]]:
    """Every row of every table, to see whether anything changed."""
    return {table: [row["row"] for row in await look(ctx, f"SELECT t::text AS row FROM {table} AS t ORDER BY 1")]
            for table in TABLES}  # fmt: skip


async def has(ctx: Context, owner: User) -> Kudos:
    """What is a user's own: what can be spent and what is held."""
    return (await purse(ctx, owner)).own


async def purse(ctx: Context, owner: User) -> Balance:
    """All that a user has."""
    async with ctx.database.statement() as tx:
        return await balance(tx, owner.id)


async def earned(ctx: Context, owner: User) -> Kudos:
    """What a user was credited with who began with nothing but the floor, escrow included."""
    found = await purse(ctx, owner)
    return Kudos(found.own + found.escrow_mk - found.floor_mk)


async def sum_of_balances(ctx: Context) -> int:
    """Zero, always."""
    return int(await one(ctx, "SELECT sum(balance_mk)::bigint AS total FROM ledger_balances"))


async def hang_up(ctx: Context, query: str = "%") -> int:
    """Kill all other connections to this database whose last statement is like `query`; returns how many."""
    sql = """
    SELECT pg_terminate_backend(pid)
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND query ILIKE $1
    """
    return len(await look(ctx, sql, query=query))


LISTENS = """
SELECT
FROM pg_stat_activity
WHERE datname = current_database() AND application_name = $1 AND state = 'idle' AND query <> ''
"""


async def listening(ctx: Context) -> None:
    """Return when this database is listened to for hints, which is soon after `services` came up."""
    async with asyncio.timeout(10):
        while not await look(ctx, LISTENS, name=APPLICATION_NAME):
            pass


async def comes_true(holds: Callable[[], bool]) -> None:
    """Return when something holds that others in this process bring about."""
    async with asyncio.timeout(10):
        for _ in iter(holds, True):
            await asyncio.sleep(0)


async def somebody_waits_for_a_lock(ctx: Context) -> None:
    """Return when a transaction in this database waits for another one."""
    sql = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while not await look(ctx, sql):
            pass
