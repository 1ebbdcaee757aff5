"""Send what is due, from any node, until it was heard: at least once, with the same id at every attempt.

Who takes a message has it until a moment that the table names, and nothing is locked meanwhile. A process that dies
with a message in hand is found out by that moment, and another sends it again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Literal
from uuid import UUID

import httpx
import msgspec
import structlog

import horde
from horde.errors import HordeError
from horde.kinds.base import WebhookEvent
from horde.net.addresses import AddressRefused, PublicOnly, without_keep_alive
from horde.server.context import Context, Services
from horde.server.db.notify import POLL_S
from horde.server.settings import Settings
from horde.server.storage.objects import job_key
from horde.server.storage.pictures import GONE, in_base64
from horde.server.webhooks import sql
from horde.server.webhooks.outbox import TOPIC, Picture
from horde.server.webhooks.sign import Secret, headers, secrets_of

log = structlog.get_logger(__name__)

IN_FLIGHT_MAX = 64
"""Messages that one process sends at once."""
EACH_MAX = 8
"""Of one account. Its next ones begin when all these were answered: a receiver that hangs holds up its owner alone."""
CONNECT_S, TIMEOUT_S = 5.0, 10.0
"""How long a connection, and a whole attempt, may take."""
TAKEN_FOR = timedelta(seconds=60)
"""Whoever has had a message for so long is dead: six times what an attempt may take."""
ANSWER_BYTES_MAX = 1024
"""So much of an answer is read, and kept for the log."""
PAUSES_S = (5, 30, 180, 900, 3600, 6 * 3600, 16 * 3600)
"""After each failed attempt but the last: seconds, half a minute ... in all eight attempts within 23 to 28 hours."""
ATTEMPTS_MAX = len(PAUSES_S) + 1
JITTER = 0.2
"""Each pause is up to a fifth longer, so that receivers that come back are not met by all at once."""
STOP_S = 3.0
"""How long a process that is stopped waits for what it is just sending."""

State = Literal["waiting", "sending", "delivered", "dead"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """A message that this process is to send."""

    id: UUID
    user_id: int
    event: WebhookEvent
    url: str
    body: dict[str, object]
    picture: dict[str, object] | None
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What came of an attempt."""

    status: int | None = None
    body: str | None = None
    failure: str | None = None
    """In words, where it was not heard."""
    is_final: bool = False
    """Whether to try again would be in vain."""


class Sender:
    """Sends with the client that it is given."""

    def __init__(self, services: Services, client: httpx.AsyncClient, *, chance: Random | None = None) -> None:
        self._services = services
        self._client = client
        self._chance = chance or Random()  # noqa: S311 - jitter, not a secret
        self._sending: dict[asyncio.Task[None], int] = {}
        self._has_room: Callable[[], None] | None = None

    async def run_once(self, now: datetime) -> int:
        """Send what is due and wait for all answers; returns how many there were."""
        begun = await self.begin(now)
        await asyncio.gather(*self._sending)
        return begun

    async def begin(self, now: datetime) -> int:
        """Take what is due and there is room for, and begin to send it; returns how many. Raises Overloaded."""
        ctx = Context(self._services, now)
        room = IN_FLIGHT_MAX - len(self._sending)
        if room <= 0:
            return 0
        busy = sorted(set(self._sending.values()))
        async with ctx.database.transaction() as tx:
            taken = await tx.all(
                sql.claim, _Taken, now=now, limit=room, each=EACH_MAX, busy=busy, taken_until=now + TAKEN_FOR
            )
            secrets = await secrets_of(tx, {message.user_id for message in taken}, now=now) if taken else {}
        for message in taken:
            task = asyncio.create_task(self._send(ctx, message, secrets[message.user_id]), name="send webhook")
            self._sending[task] = message.user_id
            task.add_done_callback(self._ended)
        return len(taken)

    async def run_for_ever(self) -> None:
        """Send whatever is put into the outbox, on this node or another, until cancelled or the hints are closed."""
        hints = self._services.hints
        with hints.bell(TOPIC) as bell:
            self._has_room = bell.ring
            while not hints.is_closing:
                try:
                    await self.begin(Context.at_present(self._services).now)
                except HordeError:
                    pass  # the database is away, which the pool has logged
                except Exception:  # the outermost loop of the webhooks: whatever happened, they go on
                    log.exception("webhooks.failed")
                await bell.wait(POLL_S)

    async def stop(self) -> None:
        """Wait a moment for what is under way; what takes longer is sent again by another process, or the next one."""
        if self._sending:
            _, late = await asyncio.wait(list(self._sending), timeout=STOP_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        user_id = self._sending.pop(task)
        if self._has_room and user_id not in self._sending.values():
            self._has_room()  # perhaps the account has more waiting

    async def _send(self, ctx: Context, message: _Taken, secret: Secret) -> None:
        try:
            body = msgspec.json.encode(await _body(ctx, message))
            answer = await self._post(ctx, message, secret, body)
            await self._settle(ctx, message, answer)
        except HordeError as error:
            # The pictures or the database are away. The message is due again when it was taken for long enough.
            log.warning("webhook.held", id=str(message.id), error=str(error))
        except Exception:  # whatever is wrong with one message, the others are sent
            log.exception("webhook.stuck", id=str(message.id))

    async def _post(self, ctx: Context, message: _Taken, secret: Secret, body: bytes) -> _Answer:
        said = {"Content-Type": "application/json", "Horde-Event": message.event}
        said |= headers(secret, str(message.id), body, now=ctx.now)
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._client.stream("POST", message.url, content=body, headers=said) as response,
            ):
                return _judged(response.status_code, await _start_of(response))
        except AddressRefused as error:
            return _Answer(failure=str(error), is_final=True)
        except TimeoutError:
            return _Answer(failure=f"There was no whole answer within {TIMEOUT_S:.0f} s.")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return _Answer(failure=f"{type(error).__name__}: {error}"[:ANSWER_BYTES_MAX])

    async def _settle(self, ctx: Context, message: _Taken, answer: _Answer) -> None:
        state: State = "delivered"
        due_at = None
        if answer.failure is not None:
            is_over = answer.is_final or message.attempts >= ATTEMPTS_MAX
            state = "dead" if is_over else "waiting"
            due_at = None if is_over else ctx.now + self._pause_after(message.attempts)
        async with ctx.database.statement() as tx:
            await tx.run(
                sql.settle,
                id=message.id,
                attempt=message.attempts,
                state=state,
                due_at=due_at,
                answer_status=answer.status,
                answer_body=answer.body,
                failure=answer.failure,
            )
        if state == "dead":
            log.info("webhook.dead", id=str(message.id), user=message.user_id, failure=answer.failure)

    def _pause_after(self, attempts: int) -> timedelta:
        return timedelta(seconds=PAUSES_S[attempts - 1] * (1 + JITTER * self._chance.random()))


def _judged(status: int, body: str) -> _Answer:
    if 200 <= status < 300:
        return _Answer(status=status, body=body)
    if 300 <= status < 400:
        return _Answer(status=status, body=body, failure=f"The answer was {status}; redirects are not followed.")
    is_gone = status == 410
    return _Answer(status=status, body=body, failure=f"The answer was {status}.", is_final=is_gone)


async def _start_of(response: httpx.Response) -> str:
    """The first of an answer, in text; as it came, for to unpack what is packed could be much."""
    found = bytearray()
    async for chunk in response.aiter_raw(ANSWER_BYTES_MAX):
        found += chunk
        if len(found) >= ANSWER_BYTES_MAX:
            break
    # PostgreSQL takes no NUL.
    return bytes(found[:ANSWER_BYTES_MAX]).decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


async def _body(ctx: Context, message: _Taken) -> dict[str, object]:
    if message.picture is None:
        return message.body
    picture = msgspec.convert(message.picture, Picture)
    shown: object = await _shown(ctx, picture)
    if picture.parts:
        whole = msgspec.convert(message.body[picture.field], dict[str, object])
        shown = {**whole, **dict.fromkeys(picture.parts, shown)}
    return {**message.body, picture.field: shown}


async def _shown(ctx: Context, picture: Picture) -> str:
    key = job_key(str(picture.job_id))
    if picture.is_inline:
        return await in_base64(ctx.services.objects, key)
    # Requests are forgotten after 20 minutes: no link is better than one that leads nowhere.
    if not await ctx.services.objects.exists(key):
        return GONE
    return ctx.services.signer.link(picture.base_url, "GET", key, now=ctx.now)


@asynccontextmanager
async def open_client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """What messages are sent with: it follows no redirects, uses no proxy, and reaches what the settings allow."""
    transport: httpx.AsyncBaseTransport = without_keep_alive(connections=IN_FLIGHT_MAX)
    if settings.webhook_targets == "public":
        transport = PublicOnly(transport)
    said = {"User-Agent": f"stable-horde/{horde.__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}
    timeout = httpx.Timeout(TIMEOUT_S, connect=CONNECT_S)
    async with httpx.AsyncClient(transport=transport, headers=said, timeout=timeout, trust_env=False) as client:
        yield client


@asynccontextmanager
async def sending(services: Services) -> AsyncIterator[None]:
    """Send messages for as long as the block lasts."""
    async with open_client(services.settings) as client:
        sender = Sender(services, client)
        running = asyncio.create_task(sender.run_for_ever(), name="webhooks")
        try:
            yield
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            await sender.stop()
