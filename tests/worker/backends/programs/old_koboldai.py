"""KoboldAI as it was before KoboldCpp: no streaming, and every word of a call looked at.

Written after aiserver.py of KoboldAI-Client at 1ce811c3 (January 2025, API 1.2.1), not recorded: it needs a torch below
1.13, for which there is no Python that we run on. What its `GenerationInputSchema` refuses is refused here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from tests.worker.backends.programs.replay import Receive, Scope, Send, body_of, respond

MODEL = "KoboldAI/fairseq-dense-13B-Nerys-v2"
ANSWERS: Final[Mapping[str, object]] = {
    "/api/v1/info/version": {"result": "1.2.1"},
    "/api/v1/config/max_context_length": {"value": 2048},
    "/api/v1/config/max_length": {"value": 80},
    "/api/v1/config/soft_prompts_list": {"values": [{"value": "pirates.zip"}]},
}


def between(low: float, high: float = float("inf")) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int | float) and low <= value <= high


def is_flag(value: Any) -> bool:
    return isinstance(value, bool)


FIELDS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "prompt": lambda value: isinstance(value, str),
    "max_length": between(1, 512),
    "max_context_length": between(512, 2048),
    "n": between(1, 5),
    "sampler_seed": between(0, 2**64 - 1),
    "sampler_order": lambda value: len(value) >= 6 and sorted(value) == list(range(len(value))),
    "temperature": lambda value: value > 0,
    "rep_pen": between(1),
    "rep_pen_range": between(0),
    "rep_pen_slope": between(0),
    "top_k": between(0),
    "top_a": between(0),
    "top_p": between(0, 1),
    "tfs": between(0, 1),
    "typical": between(0, 1),
    **dict.fromkeys(("frmtadsnsp", "frmtrmblln", "frmtrmspch", "frmttriminc", "singleline", "quiet"), is_flag),
}


class OldKoboldAI:
    """Writes its texts in turn, the last again and again."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts) or [" there was a horde."]
        self.model = MODEL
        self.busy_for_owner = 0
        """So many calls for a text come while it writes for its owner."""
        self.is_out_of_memory = False
        self.asked: list[dict[str, Any]] = []
        """The calls for texts that it did."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = await body_of(receive)
        status, answer = self._answer(scope["method"], scope["path"], asked)
        await asyncio.sleep(0)
        await respond(send, status, "application/json", msgspec.json.encode(answer))

    def _answer(self, method: str, path: str, asked: bytes) -> tuple[int, object]:
        if (method, path) == ("GET", "/api/v1/model"):
            return 200, {"result": self.model}
        if method == "GET" and path in ANSWERS:
            return 200, ANSWERS[path]
        if (method, path) == ("POST", "/api/v1/generate"):
            return self._written(msgspec.json.decode(asked))
        return 404, {"detail": {"msg": "404 Not Found: The requested URL was not found.", "type": "generic.error_404"}}

    def _written(self, call: dict[str, Any]) -> tuple[int, object]:
        wrong = {name: ["Unknown field."] for name in call.keys() - FIELDS.keys()}
        wrong |= {name: ["Invalid value."] for name in call.keys() & FIELDS.keys() if not FIELDS[name](call[name])}
        if wrong:
            return 422, {"detail": wrong}
        if self.busy_for_owner:
            self.busy_for_owner -= 1
            busy = {"msg": "Server is busy; please try again later.", "type": "service_unavailable"}
            return 503, {"detail": busy}
        if self.is_out_of_memory:
            msg = "KoboldAI ran out of memory: CUDA out of memory. Tried to allocate 2.00 GiB"
            return 507, {"detail": {"msg": msg, "type": "out_of_memory.gpu.cuda"}}
        self.asked.append(call)
        text = self.texts.pop(0) if len(self.texts) > 1 else next(iter(self.texts), None)
        return 200, {"results": [] if text is None else [{"text": text}]}
