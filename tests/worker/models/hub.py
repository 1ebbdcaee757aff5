"""A server of files that a test holds in its hand: it can cut the line, change the file, and refuse to go on."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Hub:
    """One file under one address."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.version = '"one"'
        self.cut_after: list[int] = []
        """For the next calls: how many bytes they bring before the line breaks."""
        self.statuses: list[int] = []
        """For the next calls: answers without the file."""
        self.later_statuses: list[int] = []
        """The same, for calls that ask for a rest."""
        self.knows_ranges = True
        self.ranges: list[str | None] = []
        """What the calls asked for."""
        self.url = ""


@contextmanager
def serving(hub: Hub) -> Iterator[None]:
    """Answer calls for as long as the context."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            hub.ranges.append(asked)
            statuses = hub.later_statuses if asked else hub.statuses
            if statuses:
                self.send_error(statuses.pop(0))
                return
            start = 0
            if asked and hub.knows_ranges and self.headers.get("If-Range") == hub.version:
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(hub.content) - start))
            self.send_header("ETag", hub.version)
            self.end_headers()
            end = start + hub.cut_after.pop(0) if hub.cut_after else None
            self.wfile.write(hub.content[start:end])
            self.close_connection = True

        def log_message(self, format: str, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}/files/model.safetensors?token=secret"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
