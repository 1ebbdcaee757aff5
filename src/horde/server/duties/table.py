"""Every duty: what it does is in its feature, how often is here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from horde.server.context import Context
from horde.server.idempotency.keys import forget_old_keys
from horde.server.ledger.monthly import pay_monthly
from horde.server.ledger.promotion import promote
from horde.server.matching.lanes import DELETED_MAX, delete_unused
from horde.server.moderation.blocks import forget_old_blocks
from horde.server.requests.expire import ROUND_MAX, forget_expired, return_late_jobs
from horde.server.requests.orphans import delete_orphans
from horde.server.settings import Settings
from horde.server.webhooks.outbox import FORGOTTEN_MAX, forget_old_messages
from horde.server.workers.history import fold_work
from horde.server.workers.messages import forget_old_messages as forget_worker_messages

MINUTELY = timedelta(minutes=1)
HOURLY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that is to be done every `period`; `run` returns how much there was to do."""

    name: str
    period: timedelta
    run: Callable[[Context], Awaitable[int]]
    round_max: int | None = None
    """How much one run takes on: one that did so much is due again at once. None: a run does all there is."""

    def is_full(self, count: int) -> bool:
        """Whether a run that did so much may have left something."""
        return self.round_max is not None and count >= self.round_max


def duties(settings: Settings) -> tuple[Duty, ...]:
    """All of them, with the operator's periods."""
    sweep = timedelta(seconds=settings.duty_period_s)
    return (
        Duty("return late jobs", sweep, return_late_jobs, ROUND_MAX),
        Duty("forget expired requests", 2 * sweep, forget_expired, ROUND_MAX),
        # Every account is looked at: a tenth of a second for a million of them.
        Duty("trust who earned it", MINUTELY, promote),
        Duty("pay monthly kudos", HOURLY, pay_monthly),
        Duty("delete orphaned pictures", HOURLY, delete_orphans),
        Duty("forget old idempotency keys", HOURLY, forget_old_keys),
        Duty("forget old webhook deliveries", HOURLY, forget_old_messages, FORGOTTEN_MAX),
        Duty("forget old blocks", HOURLY, forget_old_blocks),
        Duty("add up old work", HOURLY, fold_work),
        Duty("forget old messages to workers", HOURLY, forget_worker_messages),
        Duty("delete unused lanes", HOURLY, delete_unused, DELETED_MAX),
    )
