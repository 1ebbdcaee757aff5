"""What tests of webhooks do again and again: a request that tells a receiver, and its jobs delivered."""

from typing import Any

import msgspec

from horde.kinds.base import Webhook
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.settings import Settings
from horde.server.webhooks.send import Sender, open_client
from tests.server.builders import asked, delivered, leased, look

BASE_URL = "https://horde.example"


def for_loopback(settings: Settings) -> Settings:
    """The same settings for a horde whose webhooks may go to this machine."""
    return msgspec.structs.replace(settings, webhook_targets="any")


def webhook(url: str, *events: Any) -> Webhook:
    return Webhook(url=url, base_url=BASE_URL, **({"events": events} if events else {}))


async def told(ctx: Context, requestor: User, owner: User, url: str, *events: Any, **changes: Any) -> str:
    """Ask with a webhook, and have one job done; returns the job's id."""
    await asked(ctx, requestor, webhook=webhook(url, *events), **changes)
    job_id = await leased(ctx, owner)
    await delivered(ctx, owner, job_id)
    return job_id


async def send(ctx: Context) -> int:
    """What one round of a sender does at this moment, all answers waited for."""
    async with open_client(ctx.services.settings) as client:
        return await Sender(ctx.services, client).run_once(ctx.now)


async def outbox(ctx: Context) -> list[dict[str, Any]]:
    """All messages, in the order in which they were written."""
    return await look(ctx, "SELECT * FROM webhook_deliveries ORDER BY seq")
