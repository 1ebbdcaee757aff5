"""The back end for KoboldCpp works with KoboldAI too, which cannot stream and takes fewer settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from horde.kinds.text_params import TextParams
from horde.worker.backends.base import BackendFailed, OutOfMemory, Progress, TextOrder
from horde.worker.backends.koboldai import KoboldAI
from tests.worker.backends.programs.old_koboldai import MODEL, OldKoboldAI
from tests.worker.backends.programs.replay import served

SAID: dict[str, Any] = {
    "n": 1, "max_context_length": 256, "max_length": 16, "frmtadsnsp": True, "frmtrmblln": True, "frmtrmspch": False,
    "frmttriminc": True, "singleline": False, "use_default_badwordsids": True, "rep_pen": 1.1, "rep_pen_range": 100,
    "rep_pen_slope": 0.7, "temperature": 0.7, "tfs": 0.9, "top_a": 0.1, "top_k": 20, "top_p": 0.9, "typical": 0.8,
    "sampler_order": [6, 0, 1, 2, 3, 4, 5], "stop_sequence": ["\nYou:"], "min_p": 0.1, "smoothing_factor": 0.2,
    "dynatemp_range": 0.5, "dynatemp_exponent": 1.0,
}  # fmt: skip
"""All that a job may say."""


def order(*, texts: int = 1, tokens: int = 16, context: int = 512, **payload: Any) -> TextOrder:
    prompt = "Once upon a time"
    return TextOrder(model=MODEL, prompt=prompt, tokens=tokens, context=context, texts=texts, payload=payload)


@asynccontextmanager
async def started(program: OldKoboldAI, **options: Any) -> AsyncIterator[KoboldAI]:
    async with served(program) as url:
        backend = KoboldAI(url=url, look_again_s=0.01, **options)
        try:
            await backend.start()
            yield backend
        finally:
            await backend.close()


async def texts_of(program: OldKoboldAI, wanted: TextOrder) -> list[str]:
    async with started(program) as backend:
        return [text.text for text in await backend.generate(wanted, lambda progress: None)]


async def test_what_it_has_is_offered() -> None:
    async with started(OldKoboldAI()) as backend:
        await backend.ready()
        abilities = backend.abilities

    assert (abilities.models, abilities.tokens_max, abilities.context_max) == ((MODEL,), 80, 2048)
    assert abilities.softprompts == ("pirates.zip",)


async def test_no_more_is_offered_than_it_takes_whatever_its_owner_says() -> None:
    async with started(OldKoboldAI(), tokens_max=4096, context_max=8192) as backend:
        assert (backend.abilities.tokens_max, backend.abilities.context_max) == (512, 2048)


async def test_texts_come_whole_each_with_the_seed_that_it_was_asked_for_with() -> None:
    program, told = OldKoboldAI(" one.", " two."), list[Progress]()
    async with started(program) as backend:
        texts = await backend.generate(order(texts=2), told.append)

    assert [text.text for text in texts] == [" one.", " two."]
    assert [text.seed for text in texts] == [call["sampler_seed"] for call in program.asked]
    assert [progress.share for progress in told] == [0.5, 1.0]


async def test_settings_go_through_as_far_as_it_has_them() -> None:
    assert SAID.keys() == set(TextParams.__struct_fields__)
    program = OldKoboldAI()
    await texts_of(program, order(**SAID))

    (call,) = program.asked
    left_out = {
        "use_default_badwordsids",
        "stop_sequence",
        "min_p",
        "smoothing_factor",
        "dynatemp_range",
        "dynatemp_exponent",
    }
    lengths = {"max_length": 16, "max_context_length": 512}
    expected = {name: value for name, value in SAID.items() if name not in left_out} | lengths
    assert call == expected | {"prompt": "Once upon a time", "sampler_seed": call["sampler_seed"]}


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"context": 80}, {"max_context_length": 512}),
        ({"context": 4096, "tokens": 600}, {"max_context_length": 2048, "max_length": 512}),
        ({"temperature": 0.0}, {"temperature": 0.01}),
    ],
    ids=["small context", "large order", "no temperature"],
)
async def test_what_it_would_refuse_is_brought_within_its_bounds(asked: dict[str, Any], sent: dict[str, Any]) -> None:
    program = OldKoboldAI()
    await texts_of(program, order(**asked))

    (call,) = program.asked
    assert {name: call[name] for name in sent} == sent


@pytest.mark.parametrize(
    "samplers", [[0, 1, 2], [1, 2, 3, 4, 5, 6], [0, 0, 1, 2, 3, 4]], ids=["few", "from 1", "twice"]
)
async def test_order_of_samplers_that_it_does_not_take_is_left_out(samplers: list[int]) -> None:
    program = OldKoboldAI()
    await texts_of(program, order(sampler_order=samplers))

    assert "sampler_order" not in program.asked[0]


async def test_text_ends_where_the_request_wants_it_to() -> None:
    program = OldKoboldAI(" He waved.\nYou: hello\nHim: hello")

    assert await texts_of(program, order(stop_sequence=["Him:", "", "\nYou:", "nowhere"])) == [" He waved."]


async def test_owner_who_uses_it_at_the_moment_is_waited_for() -> None:
    program = OldKoboldAI()
    program.busy_for_owner = 3

    assert await texts_of(program, order()) == [" there was a horde."]
    assert program.busy_for_owner == 0


async def test_lack_of_memory_is_told_as_such() -> None:
    program = OldKoboldAI()
    program.is_out_of_memory = True

    with pytest.raises(OutOfMemory, match="Tried to allocate"):
        await texts_of(program, order())


async def test_refusal_and_an_answer_without_a_text_fail_with_a_reason() -> None:
    with pytest.raises(BackendFailed, match=r'refuses, 422: \{"prompt":\["Invalid value."\]\}'):
        await texts_of(OldKoboldAI(), replace(order(), prompt=7))  # type: ignore[arg-type]  # no order has such a one
    program = OldKoboldAI()
    program.texts = []
    with pytest.raises(BackendFailed, match="answered without a text"):
        await texts_of(program, order())


async def test_program_without_a_model_is_no_back_end() -> None:
    program = OldKoboldAI()
    program.model = "ReadOnly"

    with pytest.raises(BackendFailed, match="has no model loaded"):
        await texts_of(program, order())
