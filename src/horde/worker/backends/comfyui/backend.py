"""The back end: asks a ComfyUI what it has, gives it graphs, and brings the pictures back."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from horde.worker.backends.base import (
    AddOnKind,
    BackendFailed,
    ImageAbilities,
    ImageOrder,
    Picture,
    Progress,
    Report,
    Sources,
)
from horde.worker.backends.comfyui.build import Built, Plan, Uploaded, built
from horde.worker.backends.comfyui.stock import Stock, folders_of, names_of, stock_of
from horde.worker.backends.comfyui.templates import Templates, read_templates
from horde.worker.backends.comfyui.watch import SILENCE_S, File, Queue, watching
from horde.worker.backends.image_details import as_preview, as_webp, details_of, mask_png, source_png
from horde.worker.backends.lending import Lending, Lent
from horde.worker.backends.model_names import horde_names
from horde.worker.backends.program import LOOK_AGAIN_S, Own, Program, ProgramRefused, until_free

URL = "http://127.0.0.1:8188"
"""Where ComfyUI listens unless it is told otherwise."""
PIXELS_MAX = 1024 * 1024
"""A card that runs ComfyUI at all makes this with SD 1.5 and SDXL; owners of larger ones say so."""
IMAGES_MAX = 4
FOLDER = "horde"
"""Where among ComfyUI's temporary files the pictures to begin with lie; ComfyUI empties it when it starts."""
STOP_S_MAX = 5.0
PAINTINGS = ("inpainting", "outpainting")


class ExecInfo(msgspec.Struct):
    """How much ComfyUI has to do."""

    queue_remaining: int


class Load(msgspec.Struct):
    """The answer of `GET /prompt`."""

    exec_info: ExecInfo


class Queued(msgspec.Struct):
    """The answer of `POST /prompt`."""

    prompt_id: str


class ComfyUI:
    """Has pictures made by the ComfyUI at `url`, one after the other, each with the seed that makes it again.

    `models` maps the horde's names to checkpoints; None: all that there are, by the names of their files.
    `templates` is a folder with graphs of the owner's own (see templates.py). The worker waits while the owner has
    anything in the queue. `add_ons` is where the worker keeps LoRAs and textual inversions that it fetched; they are
    lent to ComfyUI in `lora_folder` and `embedding_folder`, or where ComfyUI on this machine says that its own are.
    """

    def __init__(
        self,
        *,
        url: str = URL,
        models: Mapping[str, str] | None = None,
        known_names: Mapping[str, str] | None = None,
        templates: Path | str | None = None,
        add_ons: Path | str | None = None,
        lora_folder: Path | str | None = None,
        embedding_folder: Path | str | None = None,
        pixels_max: int = PIXELS_MAX,
        look_again_s: float = LOOK_AGAIN_S,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._comfy = Program("ComfyUI", url)
        self._wanted = models
        self._known_names = known_names
        self._folder = Path(templates) if templates is not None else None
        self._pixels_max = pixels_max
        self._look_again_s = look_again_s
        self._silence_s = silence_s
        self._lending = Lending(self._comfy, add_ons, {"lora": lora_folder, "ti": embedding_folder})
        self._own = Own()
        self._client_id = str(uuid.uuid4())
        self._templates = Templates(graphs={}, variants={})
        self._stock: Stock | None = None
        self._checkpoints: Mapping[str, str] = {}

    @property
    def abilities(self) -> ImageAbilities:
        """What the ComfyUI had when the worker started."""
        has_graphs = bool(self._templates.graphs)
        # Graphs of the owner's own have no place for what else is asked, and an offer is the same for all models.
        stock = self._stock if self._checkpoints and not has_graphs else None
        return ImageAbilities(
            models=(
                *self._templates.graphs,
                *(model for model in self._checkpoints if model not in self._templates.graphs),
            ),
            pixels_max=self._pixels_max,
            images_max=IMAGES_MAX,
            img2img=not has_graphs or self._templates.all_can("img2img"),
            painting=not has_graphs or self._templates.all_can("inpainting"),
            controlnet=stock is not None and stock.controls_all,
            lora=stock is not None and bool(stock.loras),
            takes_add_ons=self._lending.kinds if stock is not None else (),
            own_add_ons=(*stock.loras, *stock.embeddings) if stock is not None else (),
        )

    async def start(self) -> None:
        """Look what the ComfyUI has. Raises BackendFailed when it is away or has nothing that is wanted."""
        self._templates = read_templates(self._folder)
        self._stock = await stock_of(self._comfy)
        self._checkpoints = horde_names(self._stock.checkpoints, None, self._wanted, self._known_names)
        if not self.abilities.models:
            raise BackendFailed(f"the ComfyUI at {self._comfy.url} has none of the models that are wanted")
        if not self._templates.graphs:
            await self._lending.open(lambda: folders_of(self._comfy))

    async def ready(self) -> None:
        """Wait until the ComfyUI answers and has nothing of its owner's in its queue."""
        await until_free(self._comfy.title, self._is_free, look_again_s=self._look_again_s)

    async def generate(self, order: ImageOrder, report: Report) -> Sequence[Picture]:
        """Have the pictures made. When nobody waits any more, the order is taken out of the ComfyUI's hands."""
        # A graph a seed, though one with a batch were faster: ComfyUI draws the noise of a whole batch out of one seed
        # (comfy/sample.py: prepare_noise; samplers that add noise do so at each step), so only its first picture would
        # be the one that its seed makes again. No node of its own gives each picture of a batch a seed.
        async with self._lending.lent(order.add_ons, self._names_anew) as lent:
            plan = await self._plan(order, lent)
            pictures: list[Picture] = []
            for seed in order.seeds:
                pictures.append(await self._made(plan, seed, _Share(report, len(pictures), len(order.seeds))))
        return pictures

    async def close(self) -> None:
        """Let go of the ComfyUI."""
        await self._comfy.close()

    async def _is_free(self) -> bool:
        return (await self._comfy.get("/prompt", Load)).exec_info.queue_remaining <= self._own.count

    async def _names_anew(self, kind: AddOnKind) -> list[str]:
        return await names_of(self._comfy, kind)

    async def _plan(self, order: ImageOrder, lent: Lent) -> Plan:
        if order.model not in self.abilities.models or self._stock is None:
            raise BackendFailed(f"the ComfyUI at {self._comfy.url} is not asked to offer the model {order.model!r}")
        return Plan(
            order=order,
            details=details_of(order),
            checkpoint=self._checkpoints.get(order.model, ""),
            stock=self._stock,
            uploaded=await self._uploaded(order, order.sources) if order.sources else Uploaded(),
            lent=lent,
        )

    async def _uploaded(self, order: ImageOrder, sources: Sources) -> Uploaded:
        picture = await asyncio.to_thread(source_png, sources, order.width, order.height)
        mask = None
        if sources.processing in PAINTINGS:
            mask = await asyncio.to_thread(mask_png, sources, order.width, order.height)
        return Uploaded(
            picture=await self._upload(picture), mask=await self._upload(mask) if mask is not None else None
        )

    async def _upload(self, picture: bytes) -> str:
        """Under a name made of the content, so that ComfyUI need not load again what it has."""
        name = f"{hashlib.sha256(picture).hexdigest()[:32]}.png"
        fields = {"type": "temp", "subfolder": FOLDER, "overwrite": "true"}
        await self._comfy.upload("/upload/image", name, picture, dict[str, str], fields)
        return f"{FOLDER}/{name} [temp]"

    async def _made(self, plan: Plan, seed: int, share: _Share) -> Picture:
        graph = self._templates.graph(plan, seed)
        made = Built(graph=graph, metadata=()) if graph is not None else built(plan, seed)
        with self._own.counted():
            return await self._made_alone(made, seed, share)

    async def _made_alone(self, made: Built, seed: int, share: _Share) -> Picture:
        async with watching(self._comfy, self._client_id, silence_s=self._silence_s) as watch:
            queueing = asyncio.ensure_future(self._queue(made))
            try:
                # Shielded: an order that ComfyUI has taken must be known by its id to be taken out again.
                prompt_id = await asyncio.shield(queueing)
                async for seen in watch.follow(prompt_id):
                    preview = await asyncio.to_thread(as_preview, seen.preview) if seen.preview else None
                    share.tell(seen.share, preview)
                files = await watch.outcome(prompt_id)
            except asyncio.CancelledError:
                await self._stop(queueing)
                raise
        if not files:
            raise BackendFailed("the graph ended without a picture; it needs a node that saves or shows one")
        picture = await self._fetched(files[-1])
        share.tell(1.0, None)
        return Picture(picture=picture, seed=seed, metadata=made.metadata)

    async def _queue(self, made: Built) -> str:
        body = {"prompt": made.graph.nodes, "client_id": self._client_id}
        try:
            return (await self._comfy.post("/prompt", body, Queued)).prompt_id
        except ProgramRefused as refusal:
            raise BackendFailed(f"ComfyUI does not take the graph: {refusal}") from refusal

    async def _fetched(self, file: File) -> bytes:
        content = await self._comfy.file("/view", filename=file.filename, subfolder=file.subfolder, type=file.type)
        return await asyncio.to_thread(as_webp, content)

    async def _stop(self, queueing: Awaitable[str]) -> None:
        """Take one order out, and never one of the owner's: an old ComfyUI stops whatever it is at."""
        with suppress(BackendFailed, TimeoutError):
            async with asyncio.timeout(STOP_S_MAX):
                prompt_id = await queueing
                await self._comfy.tell("/queue", {"delete": [prompt_id]})
                if (await self._comfy.get("/queue", Queue)).runs(prompt_id):
                    await self._comfy.tell("/interrupt", {"prompt_id": prompt_id})


class _Share:
    """How much of an order the picture at hand is."""

    def __init__(self, report: Report, made: int, ordered: int) -> None:
        self._report = report
        self._made = made
        self._ordered = ordered
        self._last = 0.0

    def tell(self, share: float | None, preview: bytes | None) -> None:
        # A graph may have several nodes that tell of themselves: what was told once is not taken back.
        self._last = max(self._last, share or 0.0)
        self._report(Progress(share=(self._made + self._last) / self._ordered, preview=preview))
