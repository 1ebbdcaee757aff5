"""What the back ends are asked for: by the real programs when they are recorded, by the replayed ones in tests."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
from PIL import Image, ImageDraw

from horde.worker.backends.a1111 import A1111
from horde.worker.backends.base import ImageOrder, Sources, TextOrder
from horde.worker.backends.comfyui import ComfyUI
from horde.worker.backends.koboldai import KoboldAI
from horde.worker.backends.openai import OpenAI
from tests.worker.backends.programs.recording import FOLDER, Body, Exchange

Order = ImageOrder | TextOrder

LOOK_AGAIN_S = 0.01
PROBE = "probe"
"""The scene in which it is found out which program this is."""
FETCHED = "fetched"
"""The scene in which a program is lent what the worker fetched (fetched.py)."""
PROGRESS_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One program, and everything that it is asked for."""

    program: str
    circumstances: str
    """Under which the real one was recorded."""
    made: Callable[[str], Any]
    """The back end for the program at an address."""
    scenes: Mapping[str, Order]
    working_path: str | None
    """The call that lasts as long as the program works; None: a websocket tells of it."""
    lending: Callable[[str, Path], Any] | None = None
    """The back end that also lends the program the add-ons in a folder; None: it does not."""
    failing: Mapping[str, str] = field(default_factory=dict)
    """Scenes that come to nothing, each with a pattern of the reason."""
    trimmed: Callable[[list[Exchange]], list[Exchange]] = list
    stop: str | None = None
    """The call by which the program hears that nobody waits; None: it sees that the line is closed."""
    looks_path: str | None = None
    """Where the back end looks how far the program is, while the call that makes it work lasts."""

    def file(self, scene: str) -> Path:
        """Where the recording of a scene is."""
        return FOLDER / self.program.lower().replace(" ", "-") / f"{scene}.json"


def picture(size: tuple[int, int] = (96, 64), *, mode: str = "RGB") -> bytes:
    image = Image.new(mode, size, "red")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def left_half() -> bytes:
    """A mask of 64 x 64 pixels."""
    mask = Image.new("L", (64, 64), 0)
    ImageDraw.Draw(mask).rectangle((0, 0, 31, 63), fill=255)
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()


def image_order(
    model: str,
    *,
    seeds: Sequence[int] = (1,),
    size: tuple[int, int] = (64, 64),
    sources: Sources | None = None,
    **payload: object,
) -> ImageOrder:
    return ImageOrder(
        model=model,
        prompt="a horde of stable robots",
        negative_prompt="ugly",
        width=size[0],
        height=size[1],
        steps=2,
        seeds=tuple(seeds),
        payload=payload,
        sources=sources,
    )


def text_order(model: str, *, texts: int = 1, prompt: str = "Once upon a time", **payload: object) -> TextOrder:
    return TextOrder(model=model, prompt=prompt, tokens=16, context=256, texts=texts, payload=payload)


def image_scenes(model: str) -> dict[str, Order]:
    begun = Sources(processing="img2img", picture=picture(), mask=None)
    painted = Sources(processing="inpainting", picture=picture((64, 64)), mask=left_half())
    extras: dict[str, Any] = {
        "loras": [{"name": "tiny_lora", "model": 0.5}, {"name": "nowhere"}],
        "tis": [{"name": "nothing"}],
    }
    return {
        "one": image_order(model, sampler_name="k_euler", karras=True, cfg_scale=7),
        "two": image_order(model, seeds=(7, 8), size=(128, 64), sampler_name="k_dpmpp_2m", karras=False),
        "img2img": image_order(model, sources=begun, sampler_name="k_euler_a", denoising_strength=0.5),
        "inpainting": image_order(model, sources=painted, sampler_name="DDIM"),
        "extras": image_order(model, clip_skip=2, tiling=True, **extras),
        "control": image_order(model, sources=begun, control_type="canny"),
        "control_map": image_order(model, sources=begun, control_type="canny", return_control_map=True),
        "control_lacking": image_order(model, sources=begun, control_type="depth"),
    }


def text_scenes(model: str) -> dict[str, Order]:
    settings: dict[str, Any] = {"temperature": 0.7, "top_k": 20, "top_p": 0.9, "rep_pen": 1.1, "stop_sequence": ["zz"]}
    return {
        "one": text_order(model, **settings),
        "two": text_order(model, texts=2),
        "long": text_order(model, prompt="Once upon a time " * 100),
    }


def shortened(exchanges: list[Exchange]) -> list[Exchange]:
    """Of what ComfyUI tells of its nodes only the inputs, and of the previews only the last: the rest is long."""
    for exchange in exchanges:
        exchange.answered = without_traces(exchange.answered)
        exchange.socket = [without_traces(said) for said in exchange.socket]
        previews = [said for said in exchange.socket if said.base64]
        exchange.socket = [said for said in exchange.socket if said not in previews[:-1]]
        if exchange.path == "/experiment/models":
            sorts = msgspec.json.decode(exchange.answered.content)
            short = [sort for sort in sorts if sort["name"] in ("loras", "embeddings")]
            exchange.answered = Body.of(msgspec.json.encode(short))
        if exchange.path.startswith("/object_info/"):
            kinds = msgspec.json.decode(exchange.answered.content)
            inputs = {name: {"input": kind["input"]} for name, kind in kinds.items()}
            exchange.answered = Body.of(msgspec.json.encode(inputs))
    return exchanges


def without_traces(body: Body) -> Body:
    """Without the lines of the program's own source in what it says of a failure."""

    def cleared(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: [] if name == "traceback" else cleared(inner) for name, inner in value.items()}
        return [cleared(inner) for inner in value] if isinstance(value, list) else value

    if b'"traceback"' not in body.content:
        return body
    return Body.of(msgspec.json.encode(cleared(msgspec.json.decode(body.content))))


def thinned(exchanges: list[Exchange]) -> list[Exchange]:
    """Of the looks at the web UI's progress only those that saw something new; of its flags and settings only a few."""
    kept: list[Exchange] = []
    seen: object = None
    for exchange in exchanges:
        if exchange.path == "/sdapi/v1/options":
            options = msgspec.json.decode(exchange.answered.content)
            few = {name: value for name, value in options.items() if name in ("forge_preset", "sd_model_checkpoint")}
            exchange.answered = Body.of(msgspec.json.encode(few))
        if exchange.path == "/sdapi/v1/cmd-flags":
            answer = msgspec.json.decode(exchange.answered.content)
            flags = answer.get("body", answer)
            folders = {name: flags[name] for name in ("lora_dir", "embeddings_dir")}
            answer = {**answer, "body": folders} if "body" in answer else folders
            exchange.answered = Body.of(msgspec.json.encode(answer))
        if exchange.path.startswith("/sdapi/v1/progress"):
            answer = msgspec.json.decode(exchange.answered.content)
            now = (exchange.path, answer["progress"], answer["state"]["job"], answer["current_image"])
            if now == seen:
                continue
            seen = now
        kept.append(exchange)
    return kept


ON_CPU = "on the CPU, with random weights"


def web_ui(program: str, circumstances: str) -> Play:
    return Play(
        program=program,
        circumstances=f"{ON_CPU} {circumstances}",
        made=lambda url: A1111(url=url, look_again_s=LOOK_AGAIN_S, progress_s=PROGRESS_S),
        lending=lambda url, add_ons: A1111(url=url, add_ons=add_ons, look_again_s=LOOK_AGAIN_S, progress_s=PROGRESS_S),
        scenes=image_scenes("tiny_sd15"),
        working_path="/sdapi/v1/txt2img",
        looks_path="/sdapi/v1/progress?skip_current_image=false",
        stop="GET /sdapi/v1/progress?skip_current_image=true",
        failing=dict.fromkeys(("control", "control_map", "control_lacking"), "no ControlNet without an extension"),
        trimmed=thinned,
    )


PLAYS: Final = {
    "llamacpp": Play(
        program="llama.cpp of xllamacpp 2026.10.11549",
        circumstances=f"{ON_CPU} (tests/foreign_programs/tiny_gguf.py)",
        made=lambda url: OpenAI(url=url),
        scenes=text_scenes("llamacpp/tiny-gibberish"),
        working_path="/v1/completions",
    ),
    "koboldcpp": Play(
        program="KoboldCpp 1.76",
        circumstances=f"{ON_CPU} (tests/foreign_programs/tiny_gguf.py)",
        made=lambda url: KoboldAI(url=url, look_again_s=LOOK_AGAIN_S),
        scenes=text_scenes("koboldcpp/tiny"),
        working_path="/api/extra/generate/stream",
        stop="POST /api/extra/abort",
    ),
    "comfyui": Play(
        program="ComfyUI 0.3.64",
        circumstances=f"{ON_CPU} in the shape of SD 1.5, with a LoRA and a ControlNet of the same kind",
        made=lambda url: ComfyUI(url=url, look_again_s=LOOK_AGAIN_S),
        lending=lambda url, add_ons: ComfyUI(url=url, add_ons=add_ons, look_again_s=LOOK_AGAIN_S),
        scenes={
            **image_scenes("tiny_sd15"),
            "broken_model": image_order("broken"),
            "stopped_by_owner": image_order("tiny_sd15", size=(512, 512)),
        },
        working_path=None,
        stop="POST /queue",
        failing={
            "control_lacking": "has no ControlNet for depth",
            "broken_model": "failed in CheckpointLoaderSimple: .*header too large",
            "stopped_by_owner": "the owner of this ComfyUI stopped the order",
        },
        trimmed=shortened,
    ),
    "forge": web_ui(
        "Forge f2.0.1v1.10.1", "in the shape of SD 1.5, with a LoRA; it speaks the API of the AUTOMATIC1111 web UI"
    ),
    "a1111": web_ui("AUTOMATIC1111 1.10.1", "in the shape of SD 1.5, with a LoRA; with a cheap preview of each step"),
}
