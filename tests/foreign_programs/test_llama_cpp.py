"""The back end `openai` against llama.cpp's own server, with a model that is made on the spot."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from horde.worker.backends.base import BackendFailed, Progress, Text, TextOrder
from horde.worker.backends.openai import OpenAI

HERE = Path(__file__).parent
PYTHON = Path(sys.prefix) / "foreign_programs" / "bin" / "python"
"""An environment of their own: what these programs need is none of the horde's business."""
MODEL = "llamacpp/tiny-gibberish"
CONTEXT = 512
TIME_S_MAX = 120

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="the packages of foreign programs could not be installed")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("llama")
    model = folder / "tiny.gguf"
    subprocess.run([PYTHON, HERE / "tiny_gguf.py", model], check=True, timeout=TIME_S_MAX)
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [PYTHON, HERE / "llama_server.py", model],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        with server:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
            server.communicate(timeout=TIME_S_MAX)


async def started(url: str) -> OpenAI:
    backend = OpenAI(url=f"{url}/v1")
    await backend.start()
    return backend


def order(*, prompt: str = "Once upon a time", tokens: int = 16, texts: int = 1, **payload: object) -> TextOrder:
    return TextOrder(model=MODEL, prompt=prompt, tokens=tokens, context=CONTEXT, texts=texts, payload=payload)


async def written(url: str, wanted: TextOrder) -> tuple[list[Text], list[Progress]]:
    told: list[Progress] = []
    backend = await started(url)
    texts = await backend.generate(wanted, told.append)
    await backend.close()
    return list(texts), told


async def test_model_context_and_slots_are_asked_of_the_server(url: str) -> None:
    backend = await started(url)
    abilities = backend.abilities
    await backend.close()

    assert (abilities.models, abilities.context_max, abilities.parallel) == ((MODEL,), CONTEXT, 2)


async def test_text_comes_token_by_token(url: str) -> None:
    (text,), told = await written(url, order(tokens=16))

    assert len(text.text) == 16  # each token of this model is one letter
    seen = [progress.text for progress in told[:-1]]
    assert seen == [text.text[:length] for length in range(1, 17)]


async def test_settings_of_koboldai_reach_the_sampler(url: str) -> None:
    # With one token to choose from, chance has no say; with a high penalty, no letter soon comes again.
    (first,), _ = await written(url, order(top_k=1))
    (second,), _ = await written(url, order(top_k=1))
    (varied,), _ = await written(url, order(top_k=1, rep_pen=3.0, rep_pen_range=64))

    assert first.text == second.text
    assert len(set(varied.text)) > len(set(first.text))


async def test_stop_sequence_ends_the_text(url: str) -> None:
    (whole,), _ = await written(url, order(top_k=1))
    stop = whole.text[3:5]
    (stopped,), _ = await written(url, order(top_k=1, stop_sequence=[stop]))

    assert stopped.text == whole.text[: whole.text.index(stop)]


async def test_several_texts_are_written_by_different_seeds(url: str) -> None:
    texts, _ = await written(url, order(texts=3, temperature=1.5))

    assert len({text.text for text in texts}) == 3
    assert len({text.seed for text in texts}) == 3


async def test_prompt_longer_than_the_context_is_cut_at_its_beginning(url: str) -> None:
    ending = "the end of a tale"
    (long,), _ = await written(url, order(prompt="Once upon a time " * 200 + ending, top_k=1))

    assert len(long.text) == 16


async def test_server_stops_writing_when_nobody_waits(url: str) -> None:
    backend = await started(url)
    began = asyncio.Event()
    for _ in range(4):  # there are two slots: were they not given back, the third would wait for the first
        began.clear()
        writing = asyncio.create_task(backend.generate(order(tokens=490), lambda progress: began.set()))
        async with asyncio.timeout(TIME_S_MAX):
            await began.wait()
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
    texts = await backend.generate(order(), lambda progress: None)
    await backend.close()

    assert len(texts) == 1


async def test_setting_that_the_server_refuses_is_told_in_its_words(url: str) -> None:
    backend = await started(url)
    with pytest.raises(BackendFailed, match="refuses, 4"):
        await backend.generate(order(temperature="warm"), lambda progress: None)
    await backend.close()
