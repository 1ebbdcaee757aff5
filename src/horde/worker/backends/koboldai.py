"""Texts by KoboldCpp or KoboldAI, whose settings are those of the horde.

KoboldCpp gets them as they came, KoboldAI those that it has.
"""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

import msgspec

from horde.worker.backends.base import BackendFailed, Progress, Report, Text, TextAbilities, TextOrder
from horde.worker.backends.koboldai_request import CONTEXT_MAX, TOKENS_MAX, body_of, params_of, written
from horde.worker.backends.model_names import squashed
from horde.worker.backends.program import LOOK_AGAIN_S, Own, Program, ProgramRefused, until_free

URL = "http://127.0.0.1:5001"
"""Where KoboldCpp listens unless it is told otherwise; KoboldAI itself is at 5000."""
ABORT_S_MAX = 5.0
"""How long KoboldCpp may take to hear that nobody waits any more; it stops by itself when the connection closes."""
BUSY = 503
SEED_MAX = 999_999
"""The largest that KoboldAI takes."""
SENT_BY_US = frozenset({"prompt", "n", "max_length", "max_context_length"})


class Named(msgspec.Struct):
    """An answer that is one word."""

    result: str = ""
    version: str = ""


class Counted(msgspec.Struct):
    """An answer that is one number."""

    value: int


class Listed(msgspec.Struct):
    """An answer that is a list of names."""

    values: list[str | dict[str, str]] = []


class Performance(msgspec.Struct):
    """What KoboldCpp tells of its work."""

    idle: int = 1
    queue: int = 0


class Piece(msgspec.Struct):
    """One event of a text that KoboldCpp is writing."""

    token: str = ""


class Written(msgspec.Struct):
    """One text."""

    text: str


class Answer(msgspec.Struct):
    """The texts that were written."""

    results: list[Written]


class KoboldAI:
    """Has texts written by the program at `url`; KoboldCpp streams them, KoboldAI brings them whole.

    The program works on one text at a time, so it is waited for while its owner uses it. `model` is what the horde
    is told in place of the program's own name; `key` is KoboldCpp's `--password`.
    """

    def __init__(
        self,
        *,
        url: str = URL,
        key: str | None = None,
        model: str | None = None,
        known_names: Mapping[str, str] | None = None,
        tokens_max: int | None = None,
        context_max: int | None = None,
        look_again_s: float = LOOK_AGAIN_S,
    ) -> None:
        self._program = Program("KoboldAI", url.rstrip("/").removesuffix("/api"), key=key)
        self._model_given = model
        self._known_names = known_names or {}
        self._tokens_max_given = tokens_max
        self._context_max_given = context_max
        self._look_again_s = look_again_s
        self._own = Own()
        self._is_cpp = False
        self._abilities = TextAbilities(models=(), tokens_max=0, context_max=0)

    @property
    def abilities(self) -> TextAbilities:
        """What the program said when it was looked at last."""
        return self._abilities

    async def start(self) -> None:
        """Look what the program has. Raises BackendFailed when it is away or has no model."""
        try:
            version = await self._program.get("/api/extra/version", Named)
            self._is_cpp = version.result == "KoboldCpp"
        except ProgramRefused:
            self._is_cpp = False
        await self._look()
        if not self._abilities.models:
            raise BackendFailed(f"the program at {self._program.url} has no model loaded")

    async def ready(self) -> None:
        """Wait until the program answers, has a model and writes nothing for its owner."""
        await until_free(self._program.title, self._is_free, look_again_s=self._look_again_s)

    async def generate(self, order: TextOrder, report: Report) -> Sequence[Text]:
        """Have the texts written, one after the other."""
        if order.model not in self._abilities.models:
            raise BackendFailed(f"the program at {self._program.url} no longer has the model {order.model!r}")
        write = self._stream if self._is_cpp else self._write
        texts: list[Text] = []
        with self._own.counted():
            for _ in range(order.texts):
                # KoboldCpp's own choice is the second of the day: two texts of one second would be the same.
                seed = secrets.randbelow(SEED_MAX) + 1
                text = await self._once_free(partial(write, order, seed, report, len(texts)))
                texts.append(Text(text=text, seed=seed))
                report(Progress(share=len(texts) / order.texts, text=text if order.texts == 1 else None))
        return texts

    async def close(self) -> None:
        """Let go of the program."""
        await self._program.close()

    async def _is_free(self) -> bool:
        if self._is_cpp:
            performance = await self._program.get("/api/extra/perf", Performance)
            if performance.queue or not (performance.idle or self._own.count):
                return False
        await self._look()
        return bool(self._abilities.models)

    async def _look(self) -> None:
        name = (await self._program.get("/api/v1/model", Named)).result
        is_loaded = bool(name) and name not in ("ReadOnly", "koboldcpp/unknown", "inactive")
        context = (await self._program.get("/api/v1/config/max_context_length", Counted)).value
        tokens = (await self._program.get("/api/v1/config/max_length", Counted)).value
        tokens, context = self._tokens_max_given or tokens, self._context_max_given or context
        self._abilities = TextAbilities(
            models=(self._model_given or self._known_names.get(squashed(name), name),) if is_loaded else (),
            tokens_max=tokens if self._is_cpp else min(tokens, TOKENS_MAX),
            context_max=context if self._is_cpp else min(context, CONTEXT_MAX),
            softprompts=await self._softprompts(),
        )

    async def _softprompts(self) -> tuple[str, ...]:
        try:
            listed = (await self._program.get("/api/v1/config/soft_prompts_list", Listed)).values
        except ProgramRefused:
            return ()
        names = (entry if isinstance(entry, str) else entry.get("value", "") for entry in listed)
        return tuple(name for name in names if name)

    async def _once_free(self, write: Callable[[], Awaitable[str]]) -> str:
        """Both answer 503 to one who calls while they write for their owner: he is waited for."""
        while True:
            try:
                return await write()
            except ProgramRefused as refusal:
                if refusal.status != BUSY:
                    raise
            await asyncio.sleep(self._look_again_s)

    async def _stream(self, order: TextOrder, seed: int, report: Report, made: int) -> str:
        ticket = f"horde-{uuid.uuid4()}"
        body: dict[str, object] = {name: value for name, value in order.payload.items() if name not in SENT_BY_US}
        body |= {"prompt": order.prompt, "n": 1, "max_length": order.tokens, "max_context_length": order.context}
        body |= {"sampler_seed": seed, "genkey": ticket, "quiet": True}
        try:
            return await self._streamed(order, body, report, made)
        except asyncio.CancelledError:
            await self._abort(ticket)
            raise

    async def _streamed(self, order: TextOrder, body: dict[str, object], report: Report, made: int) -> str:
        text = ""
        pieces = 0
        async with self._program.events("/api/extra/generate/stream", body) as events:
            async for data in events:
                text += _token_of(data)
                pieces += 1
                share = (made + min(pieces / order.tokens, 1.0)) / order.texts
                report(Progress(share=share, text=text if order.texts == 1 else None))
        return text

    async def _write(self, order: TextOrder, seed: int, report: Report, made: int) -> str:
        """By KoboldAI, which cannot be told to stop: what nobody waits for is written to its end."""
        params = params_of(order)
        answer = await self._program.post("/api/v1/generate", body_of(order, params, seed), Answer)
        if not answer.results:
            raise BackendFailed(f"the program at {self._program.url} answered without a text")
        return written(answer.results[0].text, params)

    async def _abort(self, ticket: str) -> None:
        with suppress(BackendFailed, TimeoutError):
            async with asyncio.timeout(ABORT_S_MAX):
                await self._program.tell("/api/extra/abort", {"genkey": ticket})


def _token_of(data: str) -> str:
    try:
        return msgspec.json.decode(data, type=Piece).token
    except msgspec.DecodeError as error:
        raise BackendFailed(f"KoboldCpp sent what cannot be read: {error}") from error
