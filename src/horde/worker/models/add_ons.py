"""LoRAs and textual inversions that requests name: fetched when they are first wanted, and kept for the next time."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import httpx
import msgspec
import structlog

from horde.worker.backends.base import AddOn
from horde.worker.models.civitai import Civitai, NotOffered, Offer, Wanted
from horde.worker.models.download import DownloadFailed, download

log = structlog.get_logger("worker")

RECORD = "add_on.json"
WAIT_S_MAX = 60.0
"""How long a job waits for one; after that it is made without, and the download goes on for the next job."""
FRESH_S = 24 * 3600.0
"""After so long it is looked whether there is a newer version; numbers of versions mean the same for ever."""
IN_USE_S = 3600.0
"""What was wanted within this time stays: a job may still need it."""
PAUSE_S_MIN = 0.2

Result = TypeVar("Result")


class _Record(msgspec.Struct, frozen=True):
    """What is known of a file on the disk."""

    file: str
    sha256: str
    triggers: tuple[str, ...]
    is_nsfw: bool


class AddOns:
    """The files of one worker, which all its back ends share. Safe to ask for the same one twice at once."""

    def __init__(
        self,
        folder: Path,
        civitai: Civitai,
        *,
        bytes_max: int,
        allows_nsfw: Callable[[], bool],
        wait_s: float = WAIT_S_MAX,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """`bytes_max`: what they may take on the disk, all together; the one not wanted for longest makes room."""
        self._folder = folder
        self._civitai = civitai
        self._bytes_max = bytes_max
        self._allows_nsfw = allows_nsfw
        self._wait_s = wait_s
        self._now_s = now_s
        self._running: dict[Wanted, asyncio.Task[AddOn | None]] = {}
        self._one_at_a_time = asyncio.Lock()
        self._is_closed = False

    async def get(self, wanted: Sequence[Wanted]) -> tuple[AddOn, ...]:
        """Those of these that can be had, each once; the log says why another cannot."""
        found = await asyncio.gather(*(self._waited(one) for one in dict.fromkeys(wanted)))
        return tuple(add_on for add_on in found if add_on is not None)

    async def close(self) -> None:
        """End what is being fetched; what came of it is kept."""
        self._is_closed = True
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        await self._civitai.close()

    async def _waited(self, wanted: Wanted) -> AddOn | None:
        task = self._running.get(wanted)
        if task is None:
            task = self._running[wanted] = asyncio.create_task(self._had(wanted))
            task.add_done_callback(lambda _: self._running.pop(wanted, None))
        try:
            async with asyncio.timeout(self._wait_s):
                # Shielded: others may wait for it, and the next job will.
                return await asyncio.shield(task)
        except TimeoutError:
            log.warning("an add-on takes too long, so a job goes on without it", kind=wanted.kind, name=wanted.name)
            return None

    async def _had(self, wanted: Wanted) -> AddOn | None:
        place = self._folder / _folder_name(wanted)
        record = _read(place)
        if record is None or not self._is_fresh(wanted, place):
            try:
                async with self._one_at_a_time:
                    record = await self._renewed(wanted, place, record)
            except (NotOffered, DownloadFailed, httpx.HTTPError, OSError) as error:
                reason = str(error) or type(error).__name__
                log.warning("an add-on cannot be had", kind=wanted.kind, name=wanted.name, reason=reason)
        if record is None:
            return None
        if record.is_nsfw and not self._allows_nsfw():
            log.warning("an add-on is not safe for work, so it is left out", kind=wanted.kind, name=wanted.name)
            return None
        self._touch(place)
        return AddOn(
            wanted.kind,
            wanted.name,
            is_version=wanted.is_version,
            path=str(place / record.file),
            sha256=record.sha256,
            triggers=record.triggers,
        )

    async def _renewed(self, wanted: Wanted, place: Path, had: _Record | None) -> _Record:
        offer = await self._civitai.find(wanted)
        sha256 = offer.file.sha256 or ""
        if had is None or had.sha256 != sha256.lower():
            self._make_room(offer.size_bytes, place)
            await _in_background(lambda: self._download(offer, place))
        record = _Record(offer.file.name, sha256.lower(), offer.triggers, offer.is_nsfw)
        _write(place, record)
        os.utime(place / RECORD, (self._now_s(), self._now_s()))
        return record

    def _download(self, offer: Offer, place: Path) -> None:
        def told(so_far: int, _whole: int | None) -> None:
            if self._is_closed:
                raise DownloadFailed("the worker stops")
            if so_far > self._bytes_max:
                raise DownloadFailed(f"it has more than the {self._bytes_max:,} bytes that all may take together")

        download(
            offer.file.url,
            place / offer.file.name,
            sha256=offer.file.sha256,
            headers=self._civitai.headers,
            transport=self._civitai.transport,
            told=told,
            pause_s_min=PAUSE_S_MIN,
        )

    def _make_room(self, needed: int, keep: Path) -> None:
        """Raises DownloadFailed when there is too little of it."""
        sizes = {place: _size(place) for place in self._folder.glob("*/") if place != keep}
        for place in sorted(sizes, key=lambda place: place.stat().st_mtime):
            if sum(sizes.values()) + needed <= self._bytes_max:
                return
            if self._now_s() - place.stat().st_mtime < IN_USE_S:
                break
            shutil.rmtree(place)
            del sizes[place]
            log.info("an add-on made room", folder=place.name)
        if sum(sizes.values()) + needed > self._bytes_max:
            raise DownloadFailed(
                f"it has {needed:,} bytes, and of the {self._bytes_max:,} that all may take together"
                f" {sum(sizes.values()):,} are in use"
            )

    def _is_fresh(self, wanted: Wanted, place: Path) -> bool:
        return wanted.is_version or self._now_s() - (place / RECORD).stat().st_mtime < FRESH_S

    def _touch(self, place: Path) -> None:
        os.utime(place, (self._now_s(), self._now_s()))


def checksums_in(folder: Path) -> frozenset[str]:
    """Checksums of the files that are kept in a folder of these. Takes a while: call it in a thread."""
    return frozenset(record.sha256 for place in folder.glob("*/") if (record := _read(place)) is not None)


def _folder_name(wanted: Wanted) -> str:
    # Names have letters that folders do not have on every system.
    key = hashlib.sha256(f"{wanted.kind} {wanted.is_version} {wanted.name}".encode()).hexdigest()
    return f"{wanted.kind}-{key[:32]}"


def _read(place: Path) -> _Record | None:
    try:
        record = msgspec.json.decode((place / RECORD).read_bytes(), type=_Record)
    except (OSError, msgspec.DecodeError):
        return None
    return record if (place / record.file).is_file() else None


def _write(place: Path, record: _Record) -> None:
    draft = place / f"{RECORD}.part"
    draft.write_bytes(msgspec.json.encode(record))
    draft.replace(place / RECORD)
    for path in place.iterdir():
        if path.name not in (RECORD, record.file):
            path.unlink()


def _size(place: Path) -> int:
    return sum(path.stat().st_size for path in place.iterdir())


async def _in_background(call: Callable[[], Result]) -> Result:
    """In a thread that the end of this process does not wait for: a line may be silent for a minute."""
    outcome: Future[Result] = Future()

    def run() -> None:
        outcome.set_running_or_notify_cancel()
        try:
            outcome.set_result(call())
        except Exception as error:  # noqa: BLE001 - it goes to whoever waits
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(outcome)
