"""Forge, which speaks the API of the AUTOMATIC1111 web UI and is not the same in all."""

from __future__ import annotations

import msgspec

from horde.worker.backends.program import Program


async def is_forge(web_ui: Program) -> bool:
    """Whether a web UI is one, which its settings show. Raises BackendFailed."""
    return any(name.startswith("forge_") for name in await web_ui.get("/sdapi/v1/options", dict[str, msgspec.Raw]))
