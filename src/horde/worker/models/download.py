"""Fetches one file: goes on where it broke off, checks what it got, and never leaves half of it under its name."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import httpx
import stamina

from horde import __version__
from horde.kinds.agents import OUR_AGENT
from horde.net.addresses import AddressRefused

SILENCE_S_MAX = 60.0
TRIES = 10
TRIES_S_MAX = 600.0
SPARE_BYTES = 1024 * 1024 * 1024
"""What stays free on the disk: a machine whose disk is full fails in ways that nobody understands."""
PARTIAL, STAMP = ".part", ".part.version"

NO_HEADERS: Final[Mapping[str, str]] = {}
Transport = Callable[[], httpx.BaseTransport]
Told = Callable[[int, int | None], None]
"""(bytes so far, bytes in all or None). May raise DownloadFailed to end it; what came is kept for the next try."""


class DownloadFailed(Exception):
    """A file could not be fetched; the message says why."""


class _BrokeOff(Exception):
    """The line broke; what came stays, and the next try goes on from there."""


def download(
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
    transport: Transport | None = None,
    told: Told = lambda so_far, whole: None,
    spare_bytes: int = SPARE_BYTES,
    pause_s_min: float = 1.0,
) -> str:
    """Fetch a file and return its SHA-256; safe to call again after anything, but one at a time for a target.

    What is there under the name stays untouched until the new file is whole and right. Of `headers`, `Authorization`
    does not go to another host that the address leads to. `transport` makes what connects, where not every address may
    be reached. Raises DownloadFailed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + PARTIAL)
    try:
        retries = stamina.retry_context(
            on=_BrokeOff, attempts=TRIES, timeout=TRIES_S_MAX, wait_initial=pause_s_min, wait_max=30 * pause_s_min
        )
        for attempt in retries:
            with attempt, httpx.Client(transport=transport and transport(), timeout=SILENCE_S_MAX) as http:
                _fetch(http, url, partial, headers, told, spare_bytes)
    except (_BrokeOff, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise DownloadFailed(f"{_shown(url)} cannot be fetched: {str(error) or type(error).__name__}") from error
    found = sha256_of(partial)
    partial.with_name(target.name + STAMP).unlink(missing_ok=True)
    if sha256 is not None and found != sha256.lower():
        partial.unlink()
        raise DownloadFailed(
            f"{_shown(url)} is not the file that was meant: its SHA-256 is {found}, not {sha256.lower()}"
        )
    os.replace(partial, target)
    return found


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(
    http: httpx.Client, url: str, partial: Path, more_headers: Mapping[str, str], told: Told, spare_bytes: int
) -> None:
    stamp = partial.with_name(partial.name.removesuffix(PARTIAL) + STAMP)
    begun = partial.stat().st_size if partial.exists() and stamp.exists() else 0
    headers = {**more_headers, "User-Agent": f"{OUR_AGENT}/{__version__}", "Accept-Encoding": "identity"}
    if begun:
        # If-Range: a file that changed meanwhile comes whole, and is not glued to the old one's beginning.
        headers |= {"Range": f"bytes={begun}-", "If-Range": stamp.read_text()}
    try:
        with http.stream("GET", url, headers=headers, follow_redirects=True) as answer:
            if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                partial.unlink()
                raise _BrokeOff("what was fetched before does not fit the file")
            if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                raise _BrokeOff(f"the answer is {answer.status_code}")
            if not answer.is_success:
                raise OSError(f"the answer is {answer.status_code} {answer.reason_phrase}")
            if answer.status_code != httpx.codes.PARTIAL_CONTENT:
                begun = 0
            _write(answer, partial, stamp, begun, told, spare_bytes)
    except AddressRefused:
        raise
    except httpx.TransportError as error:
        raise _BrokeOff(str(error) or type(error).__name__) from error


def _write(answer: httpx.Response, partial: Path, stamp: Path, begun: int, told: Told, spare_bytes: int) -> None:
    length = answer.headers.get("content-length")
    whole = None if length is None else begun + int(length)
    _check_room(partial.parent, 0 if whole is None else whole - begun, spare_bytes)
    etag = answer.headers.get("etag", "")
    version = etag if etag and not etag.startswith("W/") else answer.headers.get("last-modified")
    if version:
        stamp.write_text(version)
    else:
        stamp.unlink(missing_ok=True)
    so_far = begun
    with partial.open("ab" if begun else "wb") as file:
        # As they arrive: chunks of one size would lose what had come of the last one when the line breaks.
        for chunk in answer.iter_bytes():
            file.write(chunk)
            so_far += len(chunk)
            told(so_far, whole)
    if whole is not None and so_far < whole:
        raise _BrokeOff(f"it ended after {so_far:,} of {whole:,} bytes")


def _check_room(folder: Path, needed: int, spare_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + spare_bytes:
        raise OSError(f"it needs {needed:,} bytes, and {spare_bytes:,} shall stay free, but the disk has {free:,}")


def _shown(url: str) -> str:
    # A link's query may be a secret.
    return str(httpx.URL(url).copy_with(query=None, fragment=None)) if "://" in url else url
