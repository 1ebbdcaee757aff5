"""One child process as the worker sees it, from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from typing import Generic

import msgspec

from horde.worker.backends.base import BackendFailed, Can, Made, Ordered, OutOfMemory, Report
from horde.worker.child import messages
from horde.worker.child.engine import Work

END_S_MAX = 2.0
"""How long a child may take to end once its pipe is closed; it does nothing then but exit."""

READ_BYTES = 1 << 16

Answer = messages.Made | messages.Failed


class Child(Generic[Can, Ordered, Made]):
    """A child that has loaded its engine. Takes one order at a time; `start` makes one."""

    def __init__(self, process: Process, work: Work[Can, Ordered, Made], abilities: Can) -> None:
        self._process = process
        self._work: Work[Can, Ordered, Made] = work
        self.abilities: Can = abilities
        self._number = 0
        self._report: Report | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(
        cls, work: Work[Can, Ordered, Made], factory: str, settings: Mapping[str, object], *, within_s: float
    ) -> Child[Can, Ordered, Made]:
        """Start a process and wait until it has loaded its engine.

        Raises BackendFailed when it cannot, dies or is not ready `within_s`; then no process is left.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "horde.worker.child", stdin=PIPE, stdout=PIPE
        )
        try:
            async with asyncio.timeout(within_s):
                await _say(process, messages.Begin(factory, dict(settings), list(sys.path)))
                return cls(process, work, await _loaded(process, work))
        except BaseException as error:
            _kill(process)
            await _gone(process)
            if isinstance(error, TimeoutError):
                raise BackendFailed(f"the back end was not ready within {within_s:g} s") from error
            raise

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    @property
    def lives(self) -> bool:
        """Whether it can be given an order."""
        return not self._reading.done()

    async def ended(self) -> str:
        """Wait until the process is gone; returns what there is to say of its end."""
        return await asyncio.shield(self._reading)

    async def make(self, order: Ordered, report: Report) -> Sequence[Made]:
        """Have an order done. The order before it must have been answered.

        When cancelled, the child goes on: `rest` brings it to an end. Raises BackendFailed.
        """
        assert self._answer is None, "one order at a time"
        self._number += 1
        self._report = report
        self._answer = asyncio.get_running_loop().create_future()
        raw = msgspec.Raw(msgspec.msgpack.encode(order))
        await _say(self._process, messages.Order(self._number, raw))
        answer = await self._answered(self._answer)
        if isinstance(answer, messages.Failed):
            raise (OutOfMemory if answer.is_memory else BackendFailed)(answer.reason)
        return [
            msgspec.msgpack.decode(result, type=self._work.result)
            for result in msgspec.msgpack.decode(answer.results, type=list[msgspec.Raw])
        ]

    async def rest(self, *, within_s: float) -> None:
        """See to it that nothing is being made: stop at the next step, or kill what does not stop `within_s`."""
        self._report = None
        if self._answer is None:
            return
        try:
            async with asyncio.timeout(within_s):
                await _say(self._process, messages.Stop(self._number))
                await self._answered(self._answer)
        except (TimeoutError, BackendFailed):
            await self.kill()

    async def end(self) -> None:
        """End it in order: it exits as soon as its pipe is closed. Safe to call twice."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(END_S_MAX):
                await self.ended()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End it at once and wait until it is gone. Safe to call twice."""
        _kill(self._process)
        await self.ended()

    async def _answered(self, answer: asyncio.Future[Answer]) -> Answer:
        """Wait for it; if the process ends before, its end is what is raised."""
        either: set[asyncio.Future[Answer] | asyncio.Future[str]] = {answer, self._reading}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise BackendFailed(await self.ended())
        self._answer = None
        return answer.result()

    async def _read(self) -> str:
        """Hear the child until it ends; returns what there is to say of that."""
        noise = ""
        try:
            while True:
                self._hear(await _heard(self._process))
        except asyncio.IncompleteReadError:
            pass
        except (ValueError, msgspec.MsgspecError) as error:
            noise = f"the back end's process said what is no message: {error}; "
            _kill(self._process)
        return noise + _obituary(await _gone(self._process))

    def _hear(self, message: messages.FromChild) -> None:
        if isinstance(message, messages.Told):
            if self._report is not None and message.number == self._number:
                self._report(message.progress)
        elif isinstance(message, messages.Made | messages.Failed):
            if self._answer is not None and not self._answer.done() and message.number == self._number:
                self._answer.set_result(message)
        else:
            raise ValueError(f"{type(message).__name__}, after it was ready")


async def _say(process: Process, message: messages.ToChild) -> None:
    assert process.stdin is not None
    # If it has died, its reader notices too and can tell more of it.
    with contextlib.suppress(ConnectionError):
        process.stdin.write(messages.frame(message))
        await process.stdin.drain()


async def _heard(process: Process) -> messages.FromChild:
    """The child's next message. Raises IncompleteReadError at its end, ValueError and MsgspecError for noise."""
    assert process.stdout is not None
    size = messages.length(await process.stdout.readexactly(messages.HEADER.size))
    return messages.from_child(await process.stdout.readexactly(size))


async def _loaded(process: Process, work: Work[Can, Ordered, Made]) -> Can:
    try:
        message = await _heard(process)
        if isinstance(message, messages.Loaded):
            return msgspec.msgpack.decode(message.abilities, type=work.abilities)
    except asyncio.IncompleteReadError:
        raise BackendFailed(f"{_obituary(await _gone(process))} while it loaded") from None
    except (ValueError, msgspec.MsgspecError) as error:
        raise BackendFailed(f"the back end's process said what is no message: {error}") from error
    reason = message.reason if isinstance(message, messages.Refused) else f"it said {type(message).__name__}"
    raise BackendFailed(f"the back end cannot be loaded: {reason}")


def _kill(process: Process) -> None:
    # It may have died by itself a moment ago.
    with contextlib.suppress(ProcessLookupError):
        process.kill()


async def _gone(process: Process) -> int:
    """Wait until the process is no more; returns its status, a negative signal if one killed it."""
    assert process.stdout is not None
    # asyncio calls a process gone when its pipes are, and a pipe that nobody reads stays.
    while await process.stdout.read(READ_BYTES):
        pass
    return await process.wait()


def _obituary(status: int) -> str:
    if status >= 0:
        return f"the back end's process ended with status {status}"
    hint = " (perhaps the system ran out of memory)" if status == -signal.SIGKILL else ""
    return f"the back end's process died with signal {-status}{hint}"
