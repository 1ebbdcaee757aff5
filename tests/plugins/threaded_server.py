"""A web server in a thread, for what tests stand in for: it goes on while the test's own code blocks."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Handler(BaseHTTPRequestHandler):
    """Has each call answered by `answer`, and tells nobody of it."""

    def answer(self) -> None:
        """Answer this call; for HEAD without the body."""
        raise NotImplementedError

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def log_message(self, format: str, *words: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever calls may hang up whenever it wants."""


@contextmanager
def served(handler: type[Handler], address: str = "127.0.0.1") -> Iterator[str]:
    """Answer calls at a free port of this address for as long as the context, which is the URL."""
    server = _Server((address, 0), handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://{address}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
