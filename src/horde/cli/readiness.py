"""Asks a server that was just started whether it answers yet."""

from __future__ import annotations

import http.client
import json

ANSWER_S_MAX = 2.0
# The linter warns of listening on every address; these are names to look up, nothing listens here.
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104
"""How to reach a server that listens on every address of this machine."""
WORKERS_BYTES_MAX = 1 << 20


def url_of(host: str, port: int) -> str:
    """The address under which this machine reaches a server that listens on `host`."""
    reached = ANYWHERE.get(host, host)
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


def is_answering(host: str, port: int) -> bool:
    """Whether the server says that it works."""
    return _get(host, port, "/api/v2/status/heartbeat") is not None


def is_listed(host: str, port: int, worker_name: str) -> bool:
    """Whether the server knows this worker as one that serves now."""
    body = _get(host, port, "/api/v2/workers")
    if body is None:
        return False
    try:
        workers = json.loads(body)
    except ValueError:
        return False
    return any(worker.get("name") == worker_name for worker in workers)


def _get(host: str, port: int, path: str) -> bytes | None:
    """The body of a 200, else None."""
    # Not httpx and not urllib: both obey proxy variables, also on the way to ourselves.
    connection = http.client.HTTPConnection(ANYWHERE.get(host, host), port, timeout=ANSWER_S_MAX)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read(WORKERS_BYTES_MAX)
        return body if response.status == http.client.OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
