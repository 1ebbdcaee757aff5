"""Finished results on the disk until the horde has them: a broken line, a crash or a restart costs nothing made.

One file a result, replaced as a whole, so that a crash leaves either all of it or nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

log = structlog.get_logger("worker")

SUFFIX = ".result"
KEPT_MAX = 1000
"""Results that are looked at, at a start; more can only be there when somebody put them there."""


class KeptResult(msgspec.Struct, frozen=True, kw_only=True):
    """One result that the horde does not have yet."""

    horde: str
    """Its address, without a path."""
    worker: str
    kind: str
    job_id: str
    link: str | None
    until_s: float
    """End of the lease, in seconds since 1970."""
    result: msgspec.Raw
    """As the trade of its kind reads it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The results of one machine's workers, in a folder."""

    folder: Path

    def put(self, kept: KeptResult) -> None:
        """Keep one. Safe to call twice. A full disk is logged and costs no more than the safety."""
        path = self._path(kept.job_id)
        draft = path.with_suffix(".draft")
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft.write_bytes(msgspec.msgpack.encode(kept))
            os.replace(draft, path)
        except OSError as error:
            log.warning("a result cannot be kept on the disk until it is delivered", reason=str(error))
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)

    def drop(self, job_id: str) -> None:
        """The horde has it, or does not want it. Safe to call twice."""
        with contextlib.suppress(OSError):
            self._path(job_id).unlink(missing_ok=True)

    def of(self, horde: str, worker: str, kind: str, *, now_s: float) -> Sequence[KeptResult]:
        """What is there for this worker and may still be handed in. What is over, or broken, is deleted."""
        return [kept for kept in self._all(now_s) if (kept.horde, kept.worker, kept.kind) == (horde, worker, kind)]

    def _all(self, now_s: float) -> Iterator[KeptResult]:
        for path in sorted(self.folder.glob(f"*{SUFFIX}"))[:KEPT_MAX]:
            try:
                kept = msgspec.msgpack.decode(path.read_bytes(), type=KeptResult)
            except (OSError, msgspec.DecodeError):
                kept = None
            if kept is not None and kept.until_s > now_s:
                yield kept
            else:
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)

    def _path(self, job_id: str) -> Path:
        # The id is a stranger's word, so it names no path: its bytes do.
        return self.folder / f"{job_id.encode().hex()[:200]}{SUFFIX}"
