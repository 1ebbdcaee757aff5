"""The image part of v2, from both sides."""

import httpx


def test_x(client: httpx.Client) -> None:
    assert client.get("/api/v2/status/heartbeat").status_code == 200
