"""Lends a program what the worker fetched: puts it into the program's folders, and tells what it is called there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Final, TypeAlias

import structlog

from horde.worker.backends.base import AddOn, AddOnKind
from horde.worker.backends.lent_folder import LentFolder
from horde.worker.backends.model_names import bare_name
from horde.worker.backends.program import Program
from horde.worker.backends.same_machine import is_here
from horde.worker.models.add_ons import checksums_in

log = structlog.get_logger("worker")

OPTIONS: Final[Mapping[AddOnKind, str]] = {"lora": "lora_folder", "ti": "embedding_folder"}
"""By which option of a back end its owner names the program's folder."""
WHAT: Final[Mapping[AddOnKind, str]] = {"lora": "LoRAs", "ti": "textual inversions"}

Look: TypeAlias = Callable[[AddOnKind], Awaitable[Iterable[str]]]
"""Has a program look into its folders again; the names that it has then. Raises BackendFailed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a program tells of its folders."""

    folders: Mapping[AddOnKind, Sequence[str]] = field(default_factory=dict)
    """Where it looks, the place that it prefers first; paths of its machine."""
    cannot: Mapping[AddOnKind, str] = field(default_factory=dict)
    """Of which kinds it takes none while it runs, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """What a program calls the add-ons of an order; those that it does not find are missing."""

    loras: Mapping[tuple[str, bool], str] = field(default_factory=dict)
    """By what the payload says: the name, and whether it is a version."""
    embeddings: Mapping[str, str] = field(default_factory=dict)
    """By the name in the payload."""


class Lending:
    """The program's folders for what the worker fetched, as far as there are any.

    `add_ons` is the worker's folder; None: nothing is fetched. `options` are the folders that the owner names.
    """

    def __init__(
        self, program: Program, add_ons: Path | str | None, options: Mapping[AddOnKind, Path | str | None]
    ) -> None:
        self._program = program
        self._add_ons = None if add_ons is None else Path(add_ons)
        self._options = options
        self._folders: dict[AddOnKind, LentFolder] = {}
        self._names: dict[AddOnKind, Mapping[str, str]] = {}
        self._used: Counter[str] = Counter()

    @property
    def kinds(self) -> tuple[AddOnKind, ...]:
        """What the program can be lent."""
        return tuple(self._folders)

    async def open(self, tell: Callable[[], Awaitable[Told]]) -> None:
        """Find the folders and remove what nobody needs any more. The log says what cannot be used, and why."""
        if self._add_ons is None:
            return
        told = await tell()
        is_near = await asyncio.to_thread(is_here, self._program.url)
        for kind in OPTIONS:
            if kind in told.cannot:
                log.warning(f"{WHAT[kind]} are not fetched", program=self._program.title, reason=told.cannot[kind])
                continue
            places = told.folders.get(kind, ()) if is_near else ()
            folder = await asyncio.to_thread(self._opened, kind, places, self._add_ons)
            if folder is not None:
                self._folders[kind] = folder
                await self._tidy(folder)

    @asynccontextmanager
    async def lent(self, add_ons: Sequence[AddOn], look: Look) -> AsyncIterator[Lent]:
        """While this block lasts, the program has these."""
        stems = {
            add_on: self._folders[add_on.kind].stem(add_on.sha256) for add_on in add_ons if add_on.kind in self._folders
        }
        self._used.update(stems.values())
        try:
            # What makes room for one thing fetched is another of any kind.
            for folder in tuple(self._folders.values()) if stems else ():
                await self._tidy(folder)
            names = {add_on: name for kind in OPTIONS for add_on, name in (await self._put(kind, stems, look)).items()}
            yield Lent(
                loras={(one.name, one.is_version): name for one, name in names.items() if one.kind == "lora"},
                embeddings={one.name: name for one, name in names.items() if one.kind == "ti"},
            )
        finally:
            self._used -= Counter(stems.values())

    async def _put(self, kind: AddOnKind, stems: Mapping[AddOn, str], look: Look) -> Mapping[AddOn, str]:
        """Have those of a kind in their folder; the program's names for them."""
        folder = self._folders.get(kind)
        here: dict[AddOn, str] = {}
        is_news = False
        for add_on in (add_on for add_on in stems if add_on.kind == kind):
            assert folder is not None
            try:
                is_news |= await asyncio.to_thread(folder.put, add_on)
            except OSError as error:
                log.warning("a file cannot be lent", program=self._program.title, name=add_on.name, reason=str(error))
            else:
                here[add_on] = stems[add_on]
        if folder is None or not here:
            return {}
        known = self._names.get(kind, {})
        if is_news or not known.keys() >= set(here.values()):
            # What a program calls a file may have folders before it and a suffix behind.
            known = {bare_name(PureWindowsPath(name).name): name for name in await look(kind)}
            await self._check(kind, folder, here, known)
        return {add_on: known[stem] for add_on, stem in here.items() if stem in known}

    async def _check(
        self, kind: AddOnKind, folder: LentFolder, here: Mapping[AddOn, str], known: Mapping[str, str]
    ) -> None:
        lacking = [add_on.name for add_on, stem in here.items() if stem not in known]
        if lacking:
            log.warning(
                f"the program does not find {WHAT[kind]} that were put into its folder",
                program=self._program.title,
                folder=str(folder.folder),
                names=lacking,
                hint=f"set the option {OPTIONS[kind]} to where it looks for them",
            )
        if kind == "lora" and len(lacking) == len(here) and kind not in self._names:
            # None was ever found there, so it is another folder; no more are asked for. A textual inversion may be
            # missing for itself: web UIs list those that they can read.
            self._folders.pop(kind, None)
            await asyncio.to_thread(folder.tidy, frozenset[str])
        else:
            self._names[kind] = known

    def _opened(self, kind: AddOnKind, told: Sequence[str], add_ons: Path) -> LentFolder | None:
        option = self._options.get(kind)
        alike = [path for path in map(Path, told) if path.is_absolute() and path.is_dir()]
        places = alike if option is None else [Path(option).expanduser()]
        reason = "it does not tell a folder that there is on this machine"
        for place in places:
            folder = LentFolder(place, add_ons, sees_alike=place in alike)
            try:
                folder.open()
            except OSError as error:
                reason = str(error)
                continue
            log.info(f"fetched {WHAT[kind]} are lent to the program", program=self._program.title, folder=str(place))
            return folder
        log.warning(
            f"{WHAT[kind]} are not fetched",
            program=self._program.title,
            reason=reason,
            hint=f"set the option {OPTIONS[kind]} to a folder of it, in which the worker can write",
        )
        return None

    async def _tidy(self, folder: LentFolder) -> None:
        add_ons = self._add_ons
        assert add_ons is not None, "without it there are no folders"

        def wanted() -> frozenset[str]:
            kept = {folder.stem(checksum) for checksum in checksums_in(add_ons)}
            # An order may still use what the worker has thrown away since.
            return frozenset(kept | set(self._used))

        await asyncio.to_thread(folder.tidy, wanted)
