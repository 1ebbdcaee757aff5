"""KoboldAI itself, the older program, which does not stream.

Its answers are written here in the shape of its API (`/api/v1`, version 1.2), since the program cannot run where the
tests do; KoboldCpp's are recorded.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from horde.worker.backends.base import BackendFailed, Progress, TextOrder
from horde.worker.backends.koboldai import KoboldAI

GETS: dict[str, object] = {
    "/api/v1/model": {"result": "KoboldAI/OPT-2.7B-Erebus"},
    "/api/v1/config/max_context_length": {"value": 1024},
    "/api/v1/config/max_length": {"value": 120},
    "/api/v1/config/soft_prompts_list": {"values": [{"value": "surreal.zip"}, {"value": ""}]},
}
BUSY = {"detail": {"msg": "Server is busy; please try again later.", "type": "service_unavailable"}}
BAD = {"detail": {"rep_pen": ["Must be greater than or equal to 1."]}}
ORDER = TextOrder(
    model="KoboldAI/OPT-2.7B-Erebus", prompt="Once", tokens=16, context=512, texts=2, payload={"temperature": 0.7}
)


@dataclass
class OldKoboldAI:
    """The program."""

    answers: list[tuple[int, object]] = field(default_factory=list)
    """To the next calls for a text; then it writes."""
    bodies: list[dict[str, object]] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, body: bytes) -> tuple[int, object]:
        """The status and the answer of a call."""
        if path != "/api/v1/generate":
            return (200, GETS[path]) if path in GETS else (404, {"detail": {"msg": "not found"}})
        if self.answers:
            return self.answers.pop(0)
        self.bodies.append(json.loads(body))
        return 200, {"results": [{"text": f" upon a time, {len(self.bodies)}"}]}


@contextmanager
def running(program: OldKoboldAI) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer = program.answer(self.path, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    program.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def program() -> Iterator[OldKoboldAI]:
    program = OldKoboldAI()
    with running(program):
        yield program


async def test_program_is_offered_as_it_describes_itself(program: OldKoboldAI) -> None:
    backend = KoboldAI(url=program.url)
    await backend.start()
    await backend.ready()
    abilities = backend.abilities
    await backend.close()

    assert (abilities.models, abilities.tokens_max, abilities.context_max, abilities.softprompts) == (
        ("KoboldAI/OPT-2.7B-Erebus",), 120, 1024, ("surreal.zip",),
    )  # fmt: skip


async def test_texts_come_whole_each_by_a_seed_of_its_own(program: OldKoboldAI) -> None:
    told: list[Progress] = []
    backend = KoboldAI(url=program.url)
    await backend.start()
    texts = await backend.generate(ORDER, told.append)
    await backend.close()

    assert [text.text for text in texts] == [" upon a time, 1", " upon a time, 2"]
    assert [progress.share for progress in told] == [0.5, 1.0]
    assert [body["sampler_seed"] for body in program.bodies] == [text.seed for text in texts]
    assert len({text.seed for text in texts}) == 2
    expected = {"prompt": "Once", "n": 1, "max_length": 16, "max_context_length": 512, "temperature": 0.7}
    assert all(expected.items() <= body.items() for body in program.bodies)


async def test_owner_who_uses_the_program_is_waited_for(program: OldKoboldAI) -> None:
    program.answers = [(503, BUSY), (503, BUSY)]
    backend = KoboldAI(url=program.url, look_again_s=0.001)
    await backend.start()
    async with asyncio.timeout(30):
        texts = await backend.generate(ORDER, lambda _progress: None)
    await backend.close()

    assert len(texts) == 2


async def test_refusal_and_an_answer_without_a_text_fail_with_a_reason(program: OldKoboldAI) -> None:
    program.answers = [(422, BAD), (200, {"results": []})]
    backend = KoboldAI(url=program.url)
    await backend.start()
    with pytest.raises(BackendFailed, match=r"422: .*Must be greater than or equal to 1"):
        await backend.generate(ORDER, lambda _progress: None)
    with pytest.raises(BackendFailed, match="answered without a text"):
        await backend.generate(ORDER, lambda _progress: None)
    await backend.close()
