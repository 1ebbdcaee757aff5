"""Looks which programs that make pictures or write texts run on the owner's machine.

It only asks, by GET. What it cannot find is no error, and a program that hangs holds up nothing but itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from horde.worker.backends import load
from horde.worker.backends.base import BackendFailed, ImageAbilities, TextAbilities
from horde.worker.backends.forge import is_forge
from horde.worker.backends.openai_dialects import dialect_of
from horde.worker.backends.program import Program

USUAL_PORTS: Final = (
    7860,  # the web UI of AUTOMATIC1111, Forge
    8188,  # ComfyUI
    5001,  # KoboldCpp
    5000,  # KoboldAI, TabbyAPI
    8080,  # llama.cpp
    11434,  # Ollama
    8000,  # vLLM
)
PATIENCE_S = 3.0
"""How long one address may take in all. Programs on this machine answer at once, unless they are busy or another's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One program that runs."""

    backend: str
    """Which of `backends.BACKENDS` speaks with it."""
    url: str
    program: str
    version: str | None
    """None: it does not tell."""
    models: tuple[str, ...]
    """Their names on the horde; none while no model is loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """How a program is known."""

    backend: str
    program: str
    version: str | None = None


Look: TypeAlias = Callable[[Program], Awaitable[Sign | None]]


async def programs(urls: Sequence[str] | None = None, *, patience_s: float = PATIENCE_S) -> tuple[Found, ...]:
    """All programs that answer at these addresses; None: at the usual ports of this machine. Asked all at once."""
    if urls is None:
        urls = [f"http://127.0.0.1:{port}" for port in USUAL_PORTS]
    found = await asyncio.gather(*(_program(url, patience_s) for url in urls))
    return tuple(program for program in found if program is not None)


async def _program(url: str, patience_s: float) -> Found | None:
    asked = Program("the program", url)
    try:
        async with asyncio.timeout(patience_s):
            sign = await recognised(asked)
            if sign is None:
                return None
            models = await _models(sign.backend, url)
    except TimeoutError:
        return None
    finally:
        await asked.close()
    return Found(backend=sign.backend, url=url, program=sign.program, version=sign.version, models=models)


async def recognised(asked: Program) -> Sign | None:
    """Which program this is; None: none that we speak with, or it does not answer.

    The order matters: KoboldCpp also answers as others do, and so does Ollama as OpenAI.
    """
    for look in LOOKS:
        try:
            sign = await look(asked)
        except BackendFailed:
            continue
        if sign is not None:
            return sign
    return None


async def _models(backend_name: str, url: str) -> tuple[str, ...]:
    backend = load(backend_name, {"url": url})
    try:
        await backend.start()
        abilities = backend.abilities
    except BackendFailed:
        return ()
    finally:
        await backend.close()
    return abilities.models if isinstance(abilities, ImageAbilities | TextAbilities) else ()


class Versioned(msgspec.Struct):
    """An answer with a version in it, whichever place it has there."""

    version: str | None = None
    result: str | None = None
    build_info: str | None = None


class System(msgspec.Struct):
    """What ComfyUI tells of itself."""

    comfyui_version: str


class SystemStats(msgspec.Struct):
    """The answer of ComfyUI's `GET /system_stats`."""

    system: System


class Model(msgspec.Struct):
    """A model of a server that speaks OpenAI's API."""

    owned_by: str = ""


class Models(msgspec.Struct):
    """All models of such a server."""

    data: list[Model]


async def _koboldcpp(asked: Program) -> Sign | None:
    answer = await asked.get("/api/extra/version", Versioned)
    if answer.result != "KoboldCpp":
        return None
    return Sign(backend="koboldai", program="KoboldCpp", version=answer.version)


async def _comfyui(asked: Program) -> Sign:
    answer = await asked.get("/system_stats", SystemStats)
    return Sign(backend="comfyui", program="ComfyUI", version=answer.system.comfyui_version)


async def _web_ui(asked: Program) -> Sign:
    return Sign(backend="a1111", program="Forge" if await is_forge(asked) else "AUTOMATIC1111 web UI")


async def _ollama(asked: Program) -> Sign | None:
    await asked.get("/api/tags", dict[str, msgspec.Raw])
    answer = await asked.get("/api/version", Versioned)
    return Sign(backend="openai", program="Ollama", version=answer.version)


async def _openai(asked: Program) -> Sign:
    models = await asked.get("/v1/models", Models)
    dialect = dialect_of(models.data[0].owned_by if models.data else "")
    if dialect.version_path is None:
        return Sign(backend="openai", program=dialect.program)
    answer = await asked.get(dialect.version_path, Versioned)
    return Sign(backend="openai", program=dialect.program, version=answer.version or answer.build_info)


async def _koboldai(asked: Program) -> Sign:
    answer = await asked.get("/api/v1/info/version", Versioned)
    return Sign(backend="koboldai", program="KoboldAI", version=answer.result)


LOOKS: Final[Sequence[Look]] = (_koboldcpp, _comfyui, _web_ui, _ollama, _openai, _koboldai)
