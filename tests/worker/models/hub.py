"""A server of files that a test holds in its hand: it can cut the line, change the file, and refuse to go on."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.plugins.threaded_server import Handler, served


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

    class Answering(Handler):
        def answer(self) -> None:
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

    with served(Answering) as url:
        hub.url = f"{url}/files/model.safetensors?token=secret"
        yield
