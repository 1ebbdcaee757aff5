"""Puts a worker together and runs it until its owner or a signal ends it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from types import FrameType

import structlog

from horde.client import AsyncHorde
from horde.worker import control, gpu
from horde.worker.backends.base import AddOn, AnyBackend, ImageAbilities
from horde.worker.bridge import AGENT, FOR_EVER, Bridge
from horde.worker.gate import Gate
from horde.worker.kept import Kept
from horde.worker.models.add_ons import AddOns
from horde.worker.models.civitai import Civitai, Wanted
from horde.worker.owner import Owner
from horde.worker.settings import HordeAddress
from horde.worker.shift import Shift, Source, Wishes
from horde.worker.slots import Slots
from horde.worker.sources import SourcePictures
from horde.worker.state import state_of
from horde.worker.tally import Tally
from horde.worker.trades import trade_of
from horde.worker.trades.base import Fetch, FetchAddOns, FetchPicture, Said, no_add_ons
from horde.worker.turns import Turns

log = structlog.get_logger("worker")

WISHES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Ctrl-C, `kill`, a closed terminal, and Ctrl-Break on Windows."""
GB = 10**9
KEPT = "kept"
"""Folder of results that wait for delivery."""
OWN = " (own)"
"""Ends the name under which the owner's own requests are asked for, which take the machine at once."""


@dataclass(frozen=True, slots=True)
class Team:
    """A worker in one piece: whose it is, what it works with, and how it does."""

    owner: Owner
    backends: dict[str, AnyBackend]
    """By the names under which they were chosen; none is started yet."""
    tally: Tally = field(default_factory=Tally)
    wishes: Wishes = field(default_factory=Wishes)


def run(team: Team) -> None:
    """Run a worker in this process until it is told to stop.

    Raises the HordeError of a horde that does not want this worker, and what a back end raises that cannot start.
    """
    asyncio.run(_until_signalled(team))


async def work(team: Team) -> None:
    """Run a worker on this event loop until there is a wish to stop. The back ends are started and closed here."""
    owner, settings = team.owner, team.owner.settings
    gate = Gate(owner, team.tally, gpu_busy_percent=gpu.busy_percent)
    async with AsyncExitStack() as opened:
        for backend in team.backends.values():
            opened.push_async_callback(backend.close)
            await backend.start()
        hordes = [
            await opened.enter_async_context(
                AsyncHorde(address.url, address.api_key, client_agent=AGENT, retries=FOR_EVER)
            )
            for address in (HordeAddress(url=settings.horde_url, api_key=settings.api_key), *settings.other_hordes)
        ]
        pictures = [(await opened.enter_async_context(SourcePictures(horde))).fetch for horde in hordes]
        lines = list(zip(hordes, pictures, strict=True))
        add_ons = _add_ons(owner)
        if add_ons is not None:
            opened.push_async_callback(add_ons.close)
        shifts = [
            shift
            for number, (name, backend) in enumerate(team.backends.items())
            for shift in _shifts(team, gate, backend, lines, add_ons, suffix=f" ({name})" if number else "")
        ]
        log.info("starting", name=settings.name, hordes=[horde.url for horde in hordes], backends=list(team.backends))
        await opened.enter_async_context(control.listening(settings.data, settings.name, _obey(team, gate)))
        await _all(shifts, team.wishes)
    log.info("stopped")


def _add_ons(owner: Owner) -> AddOns | None:
    settings = owner.settings
    if settings.add_ons is None:
        return None
    return AddOns(
        settings.add_ons,
        Civitai(settings.civitai_url, settings.civitai_api_token),
        bytes_max=int(settings.max_lora_cache_size * GB),
        allows_nsfw=lambda: owner.settings.nsfw,
    )


def _fetches_add_ons(backend: AnyBackend, add_ons: AddOns) -> FetchAddOns:
    async def fetch(wanted: Sequence[Wanted]) -> tuple[AddOn, ...]:
        abilities = backend.abilities
        if not isinstance(abilities, ImageAbilities):
            return ()
        own = {name.lower() for name in abilities.own_add_ons}
        return await add_ons.get(
            [one for one in wanted if one.kind in abilities.takes_add_ons and one.name.lower() not in own]
        )

    return fetch


def _shifts(
    team: Team,
    gate: Gate,
    backend: AnyBackend,
    lines: Sequence[tuple[AsyncHorde, FetchPicture]],
    add_ons: AddOns | None,
    *,
    suffix: str,
) -> list[Shift]:
    owner, settings = team.owner, team.owner.settings
    trade = trade_of(backend.abilities)

    def threads() -> int:
        return owner.settings.threads or backend.abilities.parallel

    turns = Turns(threads())
    kept = Kept(settings.data / KEPT)

    fetch_add_ons = no_add_ons if add_ons is None else _fetches_add_ons(backend, add_ons)

    def shift(lines: Sequence[tuple[AsyncHorde, FetchPicture]], suffix: str, *, is_own: bool) -> Shift:
        def said() -> Said:
            return owner.said(suffix, "owner" if is_own else None, threads())

        sources = [
            Source(Bridge(horde, trade, said), Fetch(picture=fetch_picture, add_ons=fetch_add_ons))
            for horde, fetch_picture in lines
        ]
        ahead = 0 if is_own else settings.queue_size
        slots = Slots(turns.count, ahead=ahead, turns=turns, is_urgent=is_own, machines=threads)
        return Shift(
            backend,
            sources,
            slots,
            grace_s=settings.grace_s,
            kept=kept,
            tally=team.tally,
            may_work=gate.may_work,
            shut=gate.shut,
        )

    shifts = [shift(lines, suffix, is_own=False)]
    if settings.local_first:
        shifts.append(shift(lines[:1], suffix + OWN, is_own=True))
    return shifts


async def _all(shifts: Sequence[Shift], wishes: Wishes) -> None:
    """Run shifts side by side; one that fails ends the others in order, and its error is raised."""
    tasks = [asyncio.create_task(shift.run(wishes)) for shift in shifts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        wishes.stop.set()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException):
            raise error


def _obey(team: Team, gate: Gate) -> Callable[[control.Verb], control.State]:
    def obey(verb: control.Verb) -> control.State:
        if verb == "stop":
            team.wishes.add()
        elif verb == "pause":
            gate.pause()
        elif verb == "resume":
            gate.resume()
        return state_of(team.owner.settings, list(team.backends.items()), team.tally, gate.reason())

    return obey


async def _until_signalled(team: Team) -> None:
    with _listening(team.wishes.add):
        await work(team)


@contextmanager
def _listening(wish: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def hear(number: int, frame: FrameType | None) -> None:
        # Not loop.add_signal_handler, which Windows does not have; this wakes the loop on every system.
        loop.call_soon_threadsafe(wish)

    numbers = [getattr(signal, name) for name in WISHES if hasattr(signal, name)]
    before = {number: signal.signal(number, hear) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
