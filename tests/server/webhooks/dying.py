"""A process that is killed right after it delivered a job."""

import asyncio
import os
import signal

from horde.server.accounts.keys import authenticate
from horde.server.app import open_services
from horde.server.context import Context
from horde.server.settings import Settings
from tests.server.builders import delivered


def deliver_and_die(settings: Settings, key: str, job_id: str) -> None:
    """Commit, and be killed before anything is sent."""
    asyncio.run(_deliver_and_die(settings, key, job_id))


async def _deliver_and_die(settings: Settings, key: str, job_id: str) -> None:
    async with open_services(settings) as services:
        ctx = Context.at_present(services)
        await delivered(ctx, await authenticate(ctx, key), job_id)
        os.kill(os.getpid(), signal.SIGKILL)
