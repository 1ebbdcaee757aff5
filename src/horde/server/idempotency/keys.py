"""Idempotency keys: who repeats a call with the same key and body gets the stored answer, and nothing happens again.

The answer is stored in the transaction that has the effect, so there is never one without the other. Refusals are not
stored: nothing happened, and the call can be made again with the same key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from horde.errors import BadInput, IdempotencyKeyConflict
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.db.queries import load

sql = load(__package__)

KEY_MAX = 255
KEPT_FOR = timedelta(hours=24)
"""How long a call may be repeated."""

Name = tuple[int, str]
"""An account's id and the key's text: what makes a key one."""
Answer = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Key:
    """The key of one call."""

    name: Name
    digest: bytes
    """Of what was asked: the route and the body."""

    @classmethod
    def of(cls, user: User, text: str, *, route: str, body: bytes, address: str) -> Key:
        """The key that a caller named. Raises BadInput for one that is empty or too long."""
        if not 0 < len(text) <= KEY_MAX:
            raise BadInput(f"An Idempotency-Key has 1 to {KEY_MAX} characters, not {len(text)}.")
        # The anonymous account is many people, who do not know of each other's keys.
        scoped = f"{address} {text}" if user.is_anonymous else text
        return cls((user.id, scoped), sha256(route.encode() + b"\0" + body).digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    user_id: int
    key: str
    digest: bytes
    answer: dict[str, object]


async def recall(tx: Tx, keys: Iterable[Key]) -> dict[Key, Answer | IdempotencyKeyConflict]:
    """What was answered to those of the calls that were made before; a refusal where another call had the key."""
    wanted = set(keys)
    asked = [{"user_id": user_id, "key": text} for user_id, text in {key.name for key in wanted}]
    kept = {(row.user_id, row.key): row for row in await tx.all(sql.kept, _Kept, keys=asked)}
    return {
        key: row.answer if row.digest == key.digest else IdempotencyKeyConflict()
        for key in wanted
        if (row := kept.get(key.name))
    }


async def answer_to(ctx: Context, key: Key) -> Answer | None:
    """What this one call was answered, if it was made before. Raises IdempotencyKeyConflict."""
    async with ctx.database.statement() as tx:
        answer = (await recall(tx, [key])).get(key)
    if isinstance(answer, IdempotencyKeyConflict):
        raise answer
    return answer


async def keep(tx: Tx, answers: Mapping[Key, Answer], *, now: datetime) -> set[Name]:
    """Store what these calls are answered; returns those whose keys are new. What the others ask must not be done."""
    rows = [
        {"user_id": key.name[0], "key": key.name[1], "digest": key.digest.hex(), "answer": answer}
        for key, answer in answers.items()
    ]
    return set(await tx.all(sql.keep, _name, answers=rows, now=now))


def _name(user_id: int, key: str) -> Name:
    return user_id, key


async def forget_old_keys(ctx: Context) -> int:
    """Forget the keys of calls that are too old to be repeated; returns how many."""
    async with ctx.database.statement() as tx:
        return await tx.run(sql.forget, before=ctx.now - KEPT_FOR)
