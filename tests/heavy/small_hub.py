"""Stands in for the Hugging Face hub: the routes that its own client asks, over a folder of repositories.

Written after what huggingface_hub 2.4.0 asks and reads; the client in the tests is the real one.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.plugins.threaded_server import Handler, served

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class SmallHub:
    """Repositories are folders of `folder`, `owner/name`; each has one commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self.calls: list[str] = []
        """Method and path of each."""
        self.cut: set[str] = set()
        """Names of files of which the next call brings only the half before the line breaks."""

    def answer(self, path: str) -> tuple[bytes, str] | None:
        """The body for a path, and what names it (its "ETag"); None: there is nothing."""
        words = path.strip("/").split("/")
        if words[:2] == ["api", "models"] and len(words) >= 4:
            repository = self.folder / words[2] / words[3]
            if repository.is_dir():
                return self._told(repository, is_tree="tree" in words[4:5]), ""
        elif len(words) > 4 and words[2] == "resolve":
            file = self.folder / words[0] / words[1] / Path(*words[4:])
            if file.is_file():
                body = file.read_bytes()
                return body, hashlib.sha256(body).hexdigest()
        return None

    def _told(self, repository: Path, *, is_tree: bool) -> bytes:
        files = sorted(path for path in repository.rglob("*") if path.is_file())
        names = [path.relative_to(repository).as_posix() for path in files]
        if is_tree:
            return json.dumps(
                [
                    {"type": "file", "path": name, "size": path.stat().st_size, "oid": COMMIT}
                    for name, path in zip(names, files, strict=True)
                ]
            ).encode()
        name = repository.relative_to(self.folder).as_posix()
        siblings = [{"rfilename": file} for file in names]
        return json.dumps({"id": name, "modelId": name, "sha": COMMIT, "siblings": siblings}).encode()


@contextmanager
def serving(hub: SmallHub) -> Iterator[None]:
    """Answer calls for as long as the context."""

    class Answering(Handler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.calls.append(f"{self.command} {path}")
            found = hub.answer(path)
            if found is None:
                self._answer(404, b"", {"X-Error-Code": "RepoNotFound"})
                return
            body, tag = found
            named = {"ETag": f'"{tag}"', "X-Repo-Commit": COMMIT} if tag else {"Content-Type": "application/json"}
            begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
            self._answer(206 if begin else 200, body[begin:], named, is_cut=Path(path).name in hub.cut)

        def _answer(self, status: int, body: bytes, more: dict[str, str], *, is_cut: bool = False) -> None:
            self.send_response(status)
            for name, value in {**more, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            if is_cut:
                hub.cut.discard(Path(self.path).name)
                self.wfile.write(body[: len(body) // 2])
                self.close_connection = True
            else:
                self.wfile.write(body)

    with served(Answering) as hub.url:
        yield
