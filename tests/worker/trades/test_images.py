"""What the trade of pictures offers, and what it reads out of a pop."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest

from horde.wire import v2
from horde.worker.backends.base import AddOn, AddOnKind, BackendFailed, ImageAbilities, ImageOrder, Sources
from horde.worker.models.civitai import Wanted
from horde.worker.trades.base import Fetch, Said
from horde.worker.trades.images import Images, order_of

SAID = Said(name="tested worker", agent="a:1:b", threads=2)
ABILITIES = ImageAbilities(models=("demo", "other"), pixels_max=1024 * 1024, img2img=True)


def popped(**payload: object) -> v2.PopAnswer:
    return v2.PopAnswer(id="a", ids=["a"], model="demo", payload={"prompt": "a stable", "seed": "7", **payload})


def offered(said: Said = SAID, abilities: ImageAbilities = ABILITIES, pixels_max: int | None = None) -> v2.Pop:
    body = Images().pop(said, abilities, ["held"], pixels_max, 0).body
    assert isinstance(body, v2.Pop)
    return body


async def ordered(answer: v2.PopAnswer, said: Said = SAID) -> ImageOrder:
    async def fetch(source: str) -> bytes:
        return b"at " + source.encode()

    (batch,) = Images().read(answer, said).batches
    return await batch.prepare(Fetch(fetch))


def test_offer_has_what_both_the_back_end_can_and_the_owner_allows() -> None:
    offer = offered(replace(SAID, models=("other", "unknown"), nsfw=False, blacklist=("mud",)))

    assert (offer.name, offer.models, offer.threads, offer.nsfw, offer.blacklist) == (
        "tested worker", ["other"], 2, False, ["mud"],
    )  # fmt: skip
    assert offer.held_jobs == ["held"]
    assert (offer.allow_img2img, offer.allow_painting) == (True, False)
    assert offered(replace(SAID, allow_img2img=False)).allow_img2img is False


@pytest.mark.parametrize(("owner", "proved", "expected"), [(None, None, 1048576), (4096, 9999, 4096), (9999, 500, 500)])
def test_pictures_are_bounded_by_the_smallest_of_all_bounds(
    owner: int | None, proved: int | None, expected: int
) -> None:
    assert offered(replace(SAID, max_pixels=owner), pixels_max=proved).max_pixels == expected


def test_order_has_one_seed_for_each_picture() -> None:
    order = order_of(popped(width=128, height=64, ddim_steps=9), 3, SAID)

    assert order.seeds == (7, 8, 9)
    assert (order.model, order.width, order.height, order.steps) == ("demo", 128, 64, 9)


def test_seeds_of_a_batch_stay_within_32_bits() -> None:
    assert all(seed < 2**32 for seed in order_of(popped(seed=str(2**32 - 1)), 3, SAID).seeds)


def test_prompt_is_parted_where_the_unwanted_begins() -> None:
    order = order_of(popped(prompt="a stable ### rain, ### mud"), 1, SAID)

    assert (order.prompt, order.negative_prompt) == ("a stable", "rain, ### mud")


def test_back_ends_get_all_that_was_sent() -> None:
    assert order_of(popped(sampler_name="k_euler", hires_fix=True), 1, SAID).payload["sampler_name"] == "k_euler"


@pytest.mark.parametrize(
    ("said", "is_censored"),
    [(SAID, False), (replace(SAID, censor_nsfw=True), True), (replace(SAID, censorlist=("STABLE",)), True),
     (replace(SAID, censorlist=("mud",)), False)],
    ids=["as asked", "always", "by a word", "not by another word"],
)  # fmt: skip
def test_owner_may_want_pictures_censored(said: Said, is_censored: bool) -> None:
    assert order_of(popped(), 1, said).payload.get("use_nsfw_censor", False) is is_censored


async def test_back_ends_get_the_pictures_that_came_along() -> None:
    answer = popped()
    answer.source_image, answer.source_mask, answer.source_processing = "https://x/src", "https://x/msk", "inpainting"
    answer.extra_source_images = [v2.ExtraSourceImage("https://x/more", 0.5)]

    assert (await ordered(answer)).sources == Sources(
        processing="inpainting", picture=b"at https://x/src", mask=b"at https://x/msk",
        extras=((b"at https://x/more", 0.5),),
    )  # fmt: skip
    assert (await ordered(popped())).sources is None


LORA = AddOn("lora", "7", is_version=True, path="lora", sha256="1" * 64)
WORD = AddOn("ti", "word", is_version=False, path="word", sha256="2" * 64)


async def test_back_ends_get_the_loras_and_inversions_that_could_be_had() -> None:
    asked: list[Wanted] = []

    async def fetch(wanted: Sequence[Wanted]) -> tuple[AddOn, ...]:
        asked.extend(wanted)
        return LORA, WORD

    loras = [{"name": "7", "is_version": True, "model": 0.5}, {"name": "ink"}]
    (batch,) = Images().read(popped(loras=loras, tis=[{"name": "word", "inject_ti": "prompt"}]), SAID).batches

    assert (await batch.prepare(Fetch(no_picture, fetch))).add_ons == (LORA, WORD)
    assert asked == [Wanted("lora", "7", is_version=True), Wanted("lora", "ink"), Wanted("ti", "word")]


async def no_picture(_: str) -> bytes:
    raise AssertionError("there is none")


@pytest.mark.parametrize("lora", [{"name": None}, {"model": 1.0}, "ink"])
def test_payload_with_a_lora_that_cannot_be_read_goes_back(lora: object) -> None:
    assert Images().read(popped(loras=[lora]), SAID).unreadable == ["a"]


@pytest.mark.parametrize(
    ("allowed", "has_some", "takes", "fetches", "is_offered"),
    [(True, True, (), False, True), (True, False, ("lora",), True, True), (True, False, ("lora",), False, False),
     (True, False, (), True, False), (True, False, ("ti",), True, False), (False, True, ("lora",), True, False)],
    ids=["has some", "can have all", "nobody fetches", "cannot use them", "can have others", "owner does not want it"],
)  # fmt: skip
def test_loras_are_offered_by_who_has_or_gets_them(
    allowed: bool, has_some: bool, takes: tuple[AddOnKind, ...], fetches: bool, is_offered: bool
) -> None:
    said = replace(SAID, allow_lora=allowed, fetches_add_ons=fetches)

    assert offered(said, replace(ABILITIES, lora=has_some, takes_add_ons=takes)).allow_lora is is_offered


async def test_picture_that_cannot_be_had_fails_the_batch() -> None:
    answer = popped()
    answer.source_image = "https://x/src"

    async def fetch(_: str) -> bytes:
        raise BackendFailed("gone")

    (batch,) = Images().read(answer, SAID).batches
    with pytest.raises(BackendFailed, match="gone"):
        await batch.prepare(Fetch(fetch))


def test_payload_without_a_prompt_is_no_order_and_goes_back() -> None:
    answer = v2.PopAnswer(id="a", ids=["a"], payload={"seed": "7"})

    with pytest.raises(msgspec.ValidationError):
        order_of(answer, 1, SAID)
    assert Images().read(answer, SAID).unreadable == ["a"]
