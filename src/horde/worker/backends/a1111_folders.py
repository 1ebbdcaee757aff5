"""Where a web UI has its LoRAs and textual inversions, and which of them it takes up while it runs."""

from __future__ import annotations

import msgspec

from horde.worker.backends.base import AddOnKind, BackendFailed
from horde.worker.backends.forge import is_forge
from horde.worker.backends.lending import Told
from horde.worker.backends.program import Program, ProgramRefused

ONLY_WITH_A_MODEL = "reads them only when it loads a model"
"""Forge lists new textual inversions at once, but the model that is loaded does not know them."""


class Flags(msgspec.Struct):
    """Of the flags by which the web UI was started, and what they are by themselves, those that say where files lie."""

    lora_dir: str | None = None
    embeddings_dir: str | None = None


class FlagsRefused(msgspec.Struct):
    """What Forge answers when one of its flags is not of the type that it says, as is the case with `--port`."""

    body: Flags


async def folders_of(web_ui: Program) -> Told:
    """What it tells; no folders where it is too old for that."""
    cannot: dict[AddOnKind, str] = {}
    try:
        if await is_forge(web_ui):
            cannot["ti"] = f"Forge {ONLY_WITH_A_MODEL}"
    except BackendFailed as error:
        cannot["ti"] = f"this may be Forge, which {ONLY_WITH_A_MODEL}: {error}"
    try:
        flags = await _flags(web_ui)
    except BackendFailed:
        return Told(cannot=cannot)
    places: dict[AddOnKind, str | None] = {"lora": flags.lora_dir, "ti": flags.embeddings_dir}
    return Told(folders={kind: [place] for kind, place in places.items() if place is not None}, cannot=cannot)


async def _flags(web_ui: Program) -> Flags:
    try:
        return await web_ui.get("/sdapi/v1/cmd-flags", Flags)
    except ProgramRefused as refusal:
        try:
            return msgspec.json.decode(refusal.content, type=FlagsRefused).body
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise refusal from None
