"""A web server of somebody else's, from which pictures may be fetched: it answers whatever a test told it to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.plugins.threaded_server import Handler, served


@dataclass(frozen=True)
class Answer:
    """What a path answers. Without a length the body ends with the connection."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    has_length: bool = True
    is_never_ended: bool = False


@dataclass
class Elsewhere:
    """The server, and what it was asked."""

    address: str
    port: int
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Path and headers of each call."""
    closing: threading.Event = field(default_factory=threading.Event)

    def put(self, path: str, body: bytes = b"", **fields: Any) -> str:
        """Let a path answer that; returns its URL."""
        self.answers[path] = Answer(body, **fields)
        return self.url(path)

    def url(self, path: str) -> str:
        return f"http://{self.address}:{self.port}{path}"

    def redirect(self, path: str, location: str) -> str:
        return self.put(path, status=302, headers={"Location": location})


@contextmanager
def elsewhere_at(address: str) -> Iterator[Elsewhere]:
    """A server at that address of this machine."""

    class Answering(Handler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            found.asked.append((self.path, dict(self.headers)))
            answer = found.answers.get(self.path, Answer(status=404))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.has_length and "Content-Length" not in answer.headers:
                self.send_header("Content-Length", str(len(answer.body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection = True
            if answer.is_never_ended:
                self.wfile.flush()
                found.closing.wait()

    with served(Answering, address) as url:
        found = Elsewhere(address, int(url.rpartition(":")[2]))
        try:
            yield found
        finally:
            found.closing.set()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """A web server on loopback."""
    with elsewhere_at("127.0.0.1") as found:
        yield found
