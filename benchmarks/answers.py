"""Splits the bytes of a connection into HTTP/1.1 answers. No I/O, so it is tested without any.

By hand and not by a library because the driver shares the machine with what it measures: an answer that comes in one
piece costs a search for its end and one slice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HEAD_BYTES_MAX = 64 * 1024
END_OF_HEAD = b"\r\n\r\n"
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked[ \t]*\r\n", re.IGNORECASE)
BODILESS = (204, 304)


class Unreadable(Exception):
    """What came over the connection is no HTTP/1.1 answer that says how long it is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer; `head` is everything before the blank line."""

    status: int
    head: bytes
    body: bytes


class Answers:
    """Takes bytes as they come, in whatever pieces, and gives whole answers in their order."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> list[Answer]:
        """The answers that are whole now. Raises Unreadable."""
        self._bytes += data
        answers = []
        while (found := self._next()) is not None:
            answers.append(found)
        return answers

    def _next(self) -> Answer | None:
        end = self._bytes.find(END_OF_HEAD)
        if end < 0:
            if len(self._bytes) > HEAD_BYTES_MAX:
                raise Unreadable(f"no end of the headers within {HEAD_BYTES_MAX} bytes")
            return None
        head = bytes(self._bytes[: end + 2])
        status = STATUS.match(head)
        if status is None:
            raise Unreadable(f"not the first line of an answer: {head[:80]!r}")
        body = self._body(head, int(status[1]), end + len(END_OF_HEAD))
        return None if body is None else Answer(int(status[1]), head, body)

    def _body(self, head: bytes, status: int, start: int) -> bytes | None:
        """Cut the answer off the front; None while a part of it is still to come."""
        if length := LENGTH.search(head):
            end = start + int(length[1])
            if len(self._bytes) < end:
                return None
            body = bytes(self._bytes[start:end])
        elif CHUNKED.search(head):
            chunks = self._chunks(start)
            if chunks is None:
                return None
            body, end = chunks
        elif status in BODILESS:
            body, end = b"", start
        else:
            raise Unreadable(f"an answer without a length: {head[:200]!r}")
        del self._bytes[:end]
        return body

    def _chunks(self, start: int) -> tuple[bytes, int] | None:
        body = b""
        while True:
            line_end = self._bytes.find(b"\r\n", start)
            if line_end < 0:
                return None
            try:
                size = int(bytes(self._bytes[start:line_end]).partition(b";")[0], 16)
            except ValueError:
                raise Unreadable(f"not the size of a chunk: {bytes(self._bytes[start:line_end])!r}") from None
            chunk_end = line_end + 2 + size
            if len(self._bytes) < chunk_end + 2:
                return None
            if size == 0:
                # Trailers are refused by their absence: no server that we measure sends any.
                return body, chunk_end + 2
            body += self._bytes[line_end + 2 : chunk_end]
            start = chunk_end + 2
