"""Pictures by the web UI of AUTOMATIC1111 or one of its kin (Forge), stock and unmodified, started with `--api`.

Its owner may go on using it: the worker takes no job while the web UI works, and a job that comes between two of the
owner's waits its turn in the web UI's own queue.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from horde.worker.backends.a1111_folders import folders_of
from horde.worker.backends.a1111_request import Stock, call_of
from horde.worker.backends.base import AddOnKind, BackendFailed, ImageAbilities, ImageOrder, Picture, Progress, Report
from horde.worker.backends.image_details import as_preview, as_webp
from horde.worker.backends.lending import Lending
from horde.worker.backends.lent_folder import is_ours
from horde.worker.backends.model_names import horde_names
from horde.worker.backends.program import LOOK_AGAIN_S, Own, Program, ProgramRefused, until_free

URL = "http://127.0.0.1:7860"
"""Where the web UI listens unless it is told otherwise."""
PIXELS_MAX = 1024 * 1024
"""A card that runs the web UI at all makes this with SD 1.5 and SDXL; owners of larger ones say so."""
IMAGES_MAX = 4
PROGRESS_S = 0.5
"""Between two looks at the progress; the web UI's own page looks as often."""
STOP_S_MAX = 5.0
JOB_BY_API = "scripts_"
"""How the web UI's name for a job begins that came by the API; one from its page has the name of a task."""


class State(msgspec.Struct):
    """What the web UI is at; no job and a count of 0 when it is at nothing."""

    job: str = ""
    job_count: int = 0


class Answer(msgspec.Struct):
    """The answer of the progress route."""

    progress: float
    state: State
    current_image: str | None = None


class Model(msgspec.Struct):
    """A checkpoint."""

    title: str
    """With its hash: what `sd_model_checkpoint` takes."""
    model_name: str


class Named(msgspec.Struct):
    """A sampler, a schedule or a LoRA."""

    name: str


class Embeddings(msgspec.Struct):
    """The textual inversions by name."""

    loaded: dict[str, msgspec.Raw] = {}
    skipped: dict[str, msgspec.Raw] = {}
    """Those that do not fit the model that is loaded just now."""


class Made(msgspec.Struct):
    """Pictures as base64 of PNG."""

    images: list[str]


class A1111:
    """Has pictures made by the web UI at `url`; those of one order in one go where their seeds follow each other.

    `models` maps the horde's names to checkpoints; None: all that there are, by the names of their files. `login` is
    what `--api-auth` names, `name:password`. `add_ons` is where the worker keeps LoRAs and textual inversions that it
    fetched; they are lent to the web UI in `lora_folder` and `embedding_folder`, or where one on this machine says that
    its own are.
    """

    def __init__(
        self,
        *,
        url: str = URL,
        login: str | None = None,
        models: Mapping[str, str] | None = None,
        known_names: Mapping[str, str] | None = None,
        add_ons: Path | str | None = None,
        lora_folder: Path | str | None = None,
        embedding_folder: Path | str | None = None,
        pixels_max: int = PIXELS_MAX,
        look_again_s: float = LOOK_AGAIN_S,
        progress_s: float = PROGRESS_S,
    ) -> None:
        name, colon, password = (login or "").partition(":")
        self._web_ui = Program("the web UI", url, login=(name, password) if colon else None)
        self._wanted = models
        self._known_names = known_names
        self._pixels_max = pixels_max
        self._look_again_s = look_again_s
        self._progress_s = progress_s
        self._lending = Lending(self._web_ui, add_ons, {"lora": lora_folder, "ti": embedding_folder})
        self._own = Own()
        self._titles: Mapping[str, str] = {}
        self._stock = Stock()

    @property
    def abilities(self) -> ImageAbilities:
        """What the web UI had when the worker started."""
        return ImageAbilities(
            models=tuple(self._titles),
            pixels_max=self._pixels_max,
            images_max=IMAGES_MAX,
            img2img=True,
            painting=True,
            lora=bool(self._stock.loras),
            takes_add_ons=self._lending.kinds,
            own_add_ons=(*self._stock.loras, *self._stock.embeddings),
        )

    async def start(self) -> None:
        """Look what the web UI has. Raises BackendFailed when it is away, has no API or nothing that is wanted."""
        try:
            models = await self._web_ui.get("/sdapi/v1/sd-models", list[Model])
        except ProgramRefused as refusal:
            raise BackendFailed(f"{refusal}\n\nhint: start the web UI with --api") from refusal
        by_name = {model.model_name: model.title for model in models}
        names = horde_names(list(by_name), None, self._wanted, self._known_names)
        self._titles = {name: by_name[model] for name, model in names.items()}
        if not self._titles:
            raise BackendFailed(f"the web UI at {self._web_ui.url} has none of the models that are wanted")
        self._stock = Stock(
            samplers=frozenset(await self._names("samplers")),
            schedules=frozenset(await self._names("schedulers")),
            loras={name.lower(): name for name in await self._names("loras") if not is_ours(name)},
            embeddings={name.lower(): name for name in (await self._embeddings()).loaded if not is_ours(name)},
        )
        await self._lending.open(lambda: folders_of(self._web_ui))

    async def ready(self) -> None:
        """Wait until the web UI answers and is at nothing of its owner's."""
        await until_free(self._web_ui.title, self._is_free, look_again_s=self._look_again_s)

    async def generate(self, order: ImageOrder, report: Report) -> Sequence[Picture]:
        """Have the pictures made. When nobody waits any more, the web UI is told to stop."""
        if order.model not in self._titles:
            raise BackendFailed(f"the web UI at {self._web_ui.url} is not asked to offer the model {order.model!r}")
        async with self._lending.lent(order.add_ons, self._names_anew) as lent:
            pictures: list[Picture] = []
            for seeds in runs_of(order.seeds):
                call = await asyncio.to_thread(call_of, order, seeds, self._titles[order.model], self._stock, lent)
                told = _Share(report, len(pictures), len(seeds), len(order.seeds))
                with self._own.counted():
                    images = await self._made(call.path, call.body, told)
                if len(images) < len(seeds):
                    raise BackendFailed(f"the web UI made {len(images)} pictures in place of {len(seeds)}")
                for seed, image in zip(seeds, images, strict=False):  # a ControlNet adds its map behind them
                    webp = await asyncio.to_thread(as_webp, _bytes(image))
                    pictures.append(Picture(picture=webp, seed=seed, metadata=call.metadata))
        return pictures

    async def close(self) -> None:
        """Let go of the web UI."""
        await self._web_ui.close()

    async def _made(self, path: str, body: Mapping[str, object], told: _Share) -> list[str]:
        looking = asyncio.ensure_future(self._look(told))
        try:
            images = (await self._web_ui.post(path, body, Made)).images
        except asyncio.CancelledError:
            await self._stop()
            raise
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking
        told.tell(1.0, None)
        return images

    async def _look(self, told: _Share) -> None:
        """Tell of the progress until this is cancelled; that it cannot be seen now and then harms nothing."""
        while True:
            with suppress(BackendFailed):
                answer = await self._progress(with_picture=True)
                # While the owner's own picture is made, ours waits: that progress and that picture are his.
                if answer.state.job.startswith(JOB_BY_API):
                    image = answer.current_image
                    told.tell(answer.progress, await asyncio.to_thread(as_preview, _bytes(image)) if image else None)
            await asyncio.sleep(self._progress_s)

    async def _stop(self) -> None:
        with suppress(BackendFailed, TimeoutError):
            async with asyncio.timeout(STOP_S_MAX):
                if (await self._progress()).state.job.startswith(JOB_BY_API):
                    await self._web_ui.tell("/sdapi/v1/interrupt", {})

    async def _is_free(self) -> bool:
        state = (await self._progress()).state
        is_ours = bool(self._own.count) and state.job.startswith(JOB_BY_API)
        return is_ours or (state.job_count == 0 and not state.job)

    async def _progress(self, *, with_picture: bool = False) -> Answer:
        skip = "false" if with_picture else "true"
        return await self._web_ui.get("/sdapi/v1/progress", Answer, skip_current_image=skip)

    async def _names(self, what: str) -> list[str]:
        """Names of one sort. None where the web UI is too old to tell, or the part for it is switched off."""
        try:
            return [named.name for named in await self._web_ui.get(f"/sdapi/v1/{what}", list[Named])]
        except ProgramRefused:
            return []

    async def _embeddings(self) -> Embeddings:
        try:
            return await self._web_ui.get("/sdapi/v1/embeddings", Embeddings)
        except ProgramRefused:
            return Embeddings()

    async def _names_anew(self, kind: AddOnKind) -> list[str]:
        what = {"lora": "loras", "ti": "embeddings"}[kind]
        with suppress(ProgramRefused):  # what it does not know, it does not list
            await self._web_ui.tell(f"/sdapi/v1/refresh-{what}", {})
        if kind == "lora":
            return await self._names(what)
        embeddings = await self._embeddings()
        return [*embeddings.loaded, *embeddings.skipped]


class _Share:
    """How much of an order the pictures at hand are."""

    def __init__(self, report: Report, made: int, making: int, ordered: int) -> None:
        self._report = report
        self._made = made
        self._making = making
        self._ordered = ordered
        self._last = 0.0

    def tell(self, share: float, preview: bytes | None) -> None:
        self._last = max(self._last, min(share, 1.0))
        self._report(Progress(share=(self._made + self._last * self._making) / self._ordered, preview=preview))


def runs_of(seeds: Sequence[int]) -> list[list[int]]:
    """Seeds in runs of neighbours: the web UI gives the pictures of one call seeds that follow each other."""
    runs: list[list[int]] = []
    for seed in seeds:
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    return runs


def _bytes(image: str) -> bytes:
    try:
        return base64.b64decode(image.rpartition(",")[2], validate=True)
    except binascii.Error as error:
        raise BackendFailed(f"the web UI sent a picture that is not base64: {error}") from error
