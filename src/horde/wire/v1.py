"""The messages of API v1, as far as the oldest clients need them. Source: contract/api-v1.md."""

from __future__ import annotations

import msgspec


class Generate(msgspec.Struct, kw_only=True):
    """A request for images; `params` is as free as v1 leaves it."""

    prompt: str
    api_key: str
    params: dict[str, object] = {}
    servers: list[str] = []


class Generation(msgspec.Struct, kw_only=True):
    """One picture: base64 of a webp. The server is named twice, for v1 clients of either spelling."""

    img: str
    seed: str
    server_id: str
    server_name: str
    worker_id: str
    worker_name: str
