"""A server that can be killed fifty times in a minute: a real process, forked from one that has all imports done."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import msgspec

from horde.cli.serving import serve_alone
from horde.cli.stopping import Stopping
from horde.server.settings import Settings
from tests.end_to_end.private_horde import free_port
from tests.end_to_end.several_nodes import until

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


class Server:
    """One address, at which a server lives again and again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = msgspec.structs.replace(settings, port=free_port())
        self.url = f"http://{self._settings.host}:{self._settings.port}"

    @contextmanager
    def life(self) -> Iterator[None]:
        """It answers during the block, and is killed at its end."""
        process = FORKS.Process(target=serve, args=[self._settings], daemon=True)
        process.start()
        try:
            until(self._is_answering, f"{self.url} answers")
            yield
        finally:
            process.kill()
            process.join()

    def _is_answering(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/v2/status/heartbeat", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


def serve(settings: Settings) -> None:
    """What `horde serve` does."""
    serve_alone(settings, Stopping())
