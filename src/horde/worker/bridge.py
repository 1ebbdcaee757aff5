"""Speaks with one horde for one worker: takes batches of jobs, hands results in, gives jobs back.

A horde that is away or busy is asked again for ever, with growing pauses; only refusals come out as errors.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence

import structlog

from horde import __version__
from horde.client import AsyncHorde, BadAnswer, HordeError, Retries, work
from horde.client.agent import HOME_URL
from horde.errors import AbortedGen, DuplicateGen, Missing
from horde.kinds.agents import OUR_AGENT
from horde.wire import native, v2
from horde.worker import transfer
from horde.worker.backends.base import BackendFailed, Progress
from horde.worker.trades import AnyTrade
from horde.worker.trades.base import Said, Taken

log = structlog.get_logger("worker")

AGENT = f"{OUR_AGENT}:{__version__}:{HOME_URL}"
HOLD_S = 25
"""How long the server may hold a pop until there is work; most proxies cut a silent connection after 30 s or more."""
FOR_EVER = Retries(
    attempts=None,
    total_s=None,
    pause_s_min=0.5,
    pause_s_max=10.0,
    statuses=frozenset({408, 429, 500, 502, 503, 504}),
)
GIVE_BACK_S_MAX = 10.0
LOST_TEXTS = ("does not exist", "already submitted", "Please check your worker speed")
"""How servers say that a job is no longer ours, whatever code they give it (contract/api-v2.md, section 3.2)."""


class Bridge:
    """The horde as one worker sees it."""

    def __init__(self, horde: AsyncHorde, trade: AnyTrade, said: Callable[[], Said]) -> None:
        self.horde = horde
        self.trade = trade
        self._said = said
        self._messages_seen: set[str] = set()
        self._hears_progress = True

    @property
    def worker(self) -> str:
        """The name under which it is known to the horde."""
        return self._said().name

    async def pop(
        self, abilities: object, held_jobs: Sequence[str], *, pixels_max: int | None = None, wait_s: int = HOLD_S
    ) -> Taken[object]:
        """Wait for work; no batches when there was none for a while.

        `held_jobs` must name every job that is still worked on: the horde takes all others of this worker back.
        Raises a HordeError when the horde refuses this worker.
        """
        said = self._said()
        call = self.trade.pop(said, abilities, held_jobs, pixels_max, wait_s)
        taken = self.trade.read(await self.horde.call(call), said)
        self._show(taken.messages)
        if taken.unreadable:
            log.warning("a job cannot be read, so it goes back", jobs=taken.unreadable)
            await self.give_back(taken.unreadable, "the payload cannot be read")
        return taken

    async def deliver(
        self, job_id: str, link: str | None, result: object, *, deadline: float
    ) -> v2.SubmitAnswer | None:
        """Hand a result in, trying until the lease ends; None, and a word in the log, when it is late or lost.

        Raises BackendFailed when the horde does not like the result; the job is given back then.
        """
        try:
            async with asyncio.timeout_at(deadline):
                place = await transfer.place(self.horde, link, self.trade.picture(result))
                answer = await self.horde.call(self.trade.deliver(job_id, result, place))
        except TimeoutError:
            log.warning("the lease ended before the horde took the result", job=job_id)
        except HordeError as error:
            await self._refused(job_id, error)
        else:
            log.info("delivered", job=job_id, kudos=answer.reward)
            return answer
        return None

    async def tell(self, job_id: str, progress: Progress) -> bool:
        """Say how far a job is; whether its result is still wanted, as far as the horde says. Raises nothing.

        A horde that does not know such calls is asked once.
        """
        if not self._hears_progress:
            return True
        preview = None if progress.preview is None else base64.b64encode(progress.preview).decode()
        if preview is not None and len(preview) > native.PREVIEW_BASE64_MAX:
            preview = None
        told = native.ToldProgress(share=min(1.0, max(0.0, progress.share)), text=progress.text, preview=preview)
        try:
            return (await self.horde.call(work.tell_progress(job_id, told))).is_wanted
        except (Missing, BadAnswer):
            self._hears_progress = False
        except HordeError as error:
            log.debug("the horde does not hear of progress now", job=job_id, reason=error.message)
        return True

    async def give_back(self, job_ids: Sequence[str], reason: str, *, within_s: float = GIVE_BACK_S_MAX) -> None:
        """Report jobs as faulted, so that the horde hands them to others at once. Raises nothing.

        When that fails, the next pop does the same by not naming them.
        """
        try:
            async with asyncio.timeout(within_s):
                await asyncio.gather(*(self._report_fault(job_id, reason) for job_id in job_ids))
        except TimeoutError:
            log.warning("the horde does not hear of jobs that we cannot end", jobs=list(job_ids))

    async def _report_fault(self, job_id: str, reason: str) -> None:
        try:
            await self.horde.call(self.trade.fault(job_id, reason))
        except HordeError as error:
            log.debug("the horde did not take the job back", job=job_id, reason=error.message)

    async def _refused(self, job_id: str, error: HordeError) -> None:
        if isinstance(error, DuplicateGen) or "already submitted" in error.message:
            # The answer to an earlier try was lost on its way.
            log.info("delivered before", job=job_id)
        elif is_lost(error):
            log.warning("this job is no longer ours", job=job_id, reason=error.message)
        else:
            await self.give_back([job_id], error.sentence)
            raise BackendFailed(f"the horde refuses the result: {error.sentence}") from error

    def _show(self, messages: Sequence[v2.WorkerMessage]) -> None:
        for message in messages:
            if message.id not in self._messages_seen:
                log.warning("message to the owner of this worker", text=message.message, origin=message.origin)
        # Only those that are still sent are remembered, so that the set cannot grow.
        self._messages_seen = {message.id for message in messages}


def is_lost(error: HordeError) -> bool:
    """Whether a refused delivery says that the job is no longer ours: late, cancelled, or taken already."""
    return isinstance(error, Missing | DuplicateGen | AbortedGen) or any(t in error.message for t in LOST_TEXTS)
