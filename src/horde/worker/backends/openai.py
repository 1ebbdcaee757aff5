"""Texts by any server that speaks OpenAI's completions API: llama.cpp, vLLM, Ollama, TabbyAPI, Aphrodite and others."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence

import msgspec

from horde.worker.backends.base import BackendFailed, Progress, Report, Text, TextAbilities, TextOrder
from horde.worker.backends.model_names import horde_names
from horde.worker.backends.openai_dialects import UNKNOWN, Dialect, dialect_of, settings_of
from horde.worker.backends.program import Program, ProgramRefused, until_free

URL = "http://127.0.0.1:8080"
"""Where `llama-server` listens unless it is told otherwise."""
TOKENS_MAX = 512
"""What the horde takes a worker for that names no length; few requests ask for more."""
CONTEXT_TOKENS = 4096
"""For a server that does not tell: what Ollama gives a model, and most others are given more."""
DONE = "[DONE]"


class Meta(msgspec.Struct):
    """What llama.cpp tells of a model beside what OpenAI does."""

    n_ctx: int | None = None


class Model(msgspec.Struct):
    """One model that a server has."""

    id: str
    owned_by: str = ""
    max_model_len: int | None = None
    """vLLM's and Aphrodite's word for the context."""
    meta: Meta | None = None


class Models(msgspec.Struct):
    """All models that a server has."""

    data: list[Model]


class ServerProps(msgspec.Struct):
    """What llama.cpp tells of itself."""

    total_slots: int = 1


class Tokens(msgspec.Struct):
    """A text as the numbers that a model knows it by."""

    tokens: list[int]


class Choice(msgspec.Struct):
    """A piece of one text."""

    text: str = ""


class ServerError(msgspec.Struct):
    """What went wrong while a text was written."""

    message: str = ""


class Piece(msgspec.Struct):
    """One event of a text that is being written."""

    choices: list[Choice] = []
    error: ServerError | str | None = None


class OpenAI:
    """Has texts written by a server at `url`.

    `models` maps the horde's names to the server's; None: all that it has, named by custom. `context_max` and
    `parallel` are asked of the server unless they are given; `key` is for servers that want one.
    """

    def __init__(
        self,
        *,
        url: str = URL,
        key: str | None = None,
        models: Mapping[str, str] | None = None,
        known_names: Mapping[str, str] | None = None,
        tokens_max: int = TOKENS_MAX,
        context_max: int | None = None,
        parallel: int | None = None,
    ) -> None:
        self._program = Program("the OpenAI-compatible server", url.rstrip("/").removesuffix("/v1"), key=key)
        self._wanted = models
        self._known_names = known_names
        self._tokens_max = tokens_max
        self._context_max = context_max
        self._parallel = parallel
        self._dialect: Dialect = UNKNOWN
        self._models: Mapping[str, str] = {}
        self._context = context_max or CONTEXT_TOKENS

    @property
    def abilities(self) -> TextAbilities:
        """What the server had when it was looked at last."""
        return TextAbilities(
            models=tuple(self._models),
            tokens_max=min(self._tokens_max, self._context),
            context_max=self._context,
            parallel=self._parallel or 1,
        )

    async def start(self) -> None:
        """Look what the server has. Raises BackendFailed when it is away or has no model."""
        await self._look()
        if not self._models:
            raise BackendFailed(f"the server at {self._program.url} has no model that is wanted")
        if self._parallel is None and self._dialect.prefix == "llamacpp":
            self._parallel = (await self._program.get("/props", ServerProps)).total_slots

    async def ready(self) -> None:
        """Wait until the server answers and has a model; the owner may have given it another one meanwhile."""
        await until_free(self._program.title, self._look)

    async def generate(self, order: TextOrder, report: Report) -> Sequence[Text]:
        """Have all texts of an order written at once; the server lets those wait that it has no room for."""
        if order.model not in self._models:
            raise BackendFailed(f"the server at {self._program.url} no longer has the model {order.model!r}")
        prompt = await self._prompt(order)
        tally = _Tally(order, report)
        try:
            async with asyncio.TaskGroup() as group:
                writing = [group.create_task(self._write(order, prompt, at, tally)) for at in range(order.texts)]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        texts = [task.result() for task in writing]
        report(Progress(share=1.0, text=texts[0].text if len(texts) == 1 else None))
        return texts

    async def close(self) -> None:
        """Let go of the server."""
        await self._program.close()

    async def _look(self) -> bool:
        answer = await self._program.get("/v1/models", Models)
        if answer.data:
            self._dialect = dialect_of(answer.data[0].owned_by)
        ids = [model.id for model in answer.data]
        self._models = horde_names(ids, self._dialect.prefix, self._wanted, self._known_names)
        told = [model.max_model_len or (model.meta and model.meta.n_ctx) for model in answer.data]
        contexts = [context for context in told if context]
        self._context = self._context_max or min(contexts, default=CONTEXT_TOKENS)
        return bool(self._models)

    async def _prompt(self, order: TextOrder) -> str | list[int]:
        """The prompt, or as many of its last tokens as may be looked at.

        A token stands for one byte at the least, so most prompts need not be counted.
        """
        room = min(order.context, self._context) - order.tokens
        if self._dialect.prompt_field is None or len(order.prompt.encode()) < room:
            return order.prompt
        body = {self._dialect.prompt_field: order.prompt, "model": self._models[order.model], "add_special": True}
        try:
            tokens = (await self._program.post("/tokenize", body, Tokens)).tokens
        except ProgramRefused:
            return order.prompt
        return tokens[-max(room, 1) :]

    async def _write(self, order: TextOrder, prompt: str | list[int], at: int, tally: _Tally) -> Text:
        seed = secrets.randbelow(2**31)
        body = {
            **settings_of(order, self._dialect),
            "model": self._models[order.model],
            "prompt": prompt,
            "max_tokens": order.tokens,
            "seed": seed,
            "stream": True,
        }
        async with self._program.events("/v1/completions", body) as events:
            async for data in events:
                if data == DONE:
                    return Text(text=tally.texts[at], seed=seed)
                tally.add(at, _text_of(data))
        raise BackendFailed(f"the server at {self._program.url} broke off after {len(tally.texts[at])} characters")


class _Tally:
    """The texts of an order so far."""

    def __init__(self, order: TextOrder, report: Report) -> None:
        self.texts = [""] * order.texts
        self._pieces = 0
        self._pieces_max = order.tokens * order.texts
        self._report = report

    def add(self, at: int, piece: str) -> None:
        if not piece:
            return
        self.texts[at] += piece
        self._pieces += 1
        share = min(self._pieces / self._pieces_max, 1.0)
        self._report(Progress(share=share, text=self.texts[0] if len(self.texts) == 1 else None))


def _text_of(data: str) -> str:
    try:
        piece = msgspec.json.decode(data, type=Piece)
    except msgspec.DecodeError as error:
        raise BackendFailed(f"the server sent what cannot be read: {error}") from error
    if piece.error is not None:
        reason = piece.error if isinstance(piece.error, str) else piece.error.message
        raise BackendFailed(f"the server failed while it wrote: {reason}")
    return piece.choices[0].text if piece.choices else ""
