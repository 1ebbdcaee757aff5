"""A site with LoRAs that a test holds in its hand. Its answers have the shape that CivitAI documents for its API, v1.

Written after https://developer.civitai.com/site/reference, since the site itself is out of reach for tests.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from urllib.parse import parse_qs, urlsplit

from tests.plugins.threaded_server import Handler, served


@dataclass
class Item:
    """One version of one thing there."""

    model: int
    version: int
    name: str
    content: bytes
    type: str = "LORA"
    triggers: list[str] | None = field(default_factory=list)
    is_nsfw: bool = False
    file_name: str = "weights.safetensors"
    sha256: str | None = None
    host: str = "127.0.0.1"
    """Where its file is said to be; the site itself is there."""

    def told(self, url: str) -> dict[str, object]:
        """A version, as it is listed."""
        sha256 = self.sha256 or hashlib.sha256(self.content).hexdigest()
        weights = {
            "id": 1,
            "name": self.file_name,
            "type": "Model",
            "sizeKB": len(self.content) / 1024,
            "metadata": {"format": "SafeTensor"},
            "hashes": {"SHA256": sha256.upper(), "CRC32": "DAEE95B7"},
            "downloadUrl": f"{url.replace('127.0.0.1', self.host)}/download/{self.version}",
            "primary": True,
        }
        pictures = {**weights, "name": "training.zip", "type": "Training Data", "primary": False}
        return {
            "id": self.version,
            "baseModel": "SD 1.5",
            "trainedWords": self.triggers,
            "files": [pictures, weights],
        }


class LoraSite:
    """What there is, the last the newest version of its model."""

    def __init__(self, *items: Item) -> None:
        self.items = list(items)
        self.asked: list[str] = []
        """Paths of the calls."""
        self.tokens: set[str | None] = set()
        """What calls said in `Authorization`."""
        self.goes_on = Event()
        """Downloads wait for it."""
        self.goes_on.set()
        self.is_down = False
        self.url = ""

    def answer(self, path: str, query: dict[str, list[str]]) -> object | None:
        """Of a call to the API; None: not found."""
        parts = path.strip("/").split("/")
        if parts[0] == "model-versions":
            of_model = [item for item in self.items if str(item.version) == parts[1]]
            return None if not of_model else {**of_model[0].told(self.url), "model": self._model(of_model[0])}
        if len(parts) == 2:
            return self._listed([item for item in self.items if str(item.model) == parts[1]])
        words = query["query"][0].lower()
        found = [item for item in self.items if words in item.name.lower() and item.type in query["types"]]
        return {"items": [self._listed([item]) for item in found], "metadata": {}}

    def _model(self, item: Item) -> dict[str, object]:
        return {"name": item.name, "type": item.type, "nsfw": item.is_nsfw, "poi": False}

    def _listed(self, items: list[Item]) -> dict[str, object] | None:
        if not items:
            return None
        versions = [item.told(self.url) for item in reversed(items)]
        return {"id": items[0].model, **self._model(items[0]), "modelVersions": versions}


@contextmanager
def serving(site: LoraSite) -> Iterator[LoraSite]:
    """Answer calls for as long as the context."""

    class Answering(Handler):
        def answer(self) -> None:
            url = urlsplit(self.path)
            site.asked.append(url.path)
            site.tokens.add(self.headers.get("Authorization"))
            if site.is_down:
                self.send_error(500)
            elif url.path.startswith("/download/"):
                site.goes_on.wait()
                version = url.path.rpartition("/")[2]
                self._say(next(item.content for item in site.items if str(item.version) == version))
            elif (told := site.answer(url.path, parse_qs(url.query))) is None:
                self.send_error(404)
            else:
                self._say(json.dumps(told).encode())

        def _say(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with served(Answering) as site.url:
        try:
            yield site
        finally:
            site.goes_on.set()
