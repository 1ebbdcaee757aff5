"""What a worker says at a pop is what it is matched by."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given

from horde.kinds.agents import abilities
from horde.server.api.v2.translate import ask
from horde.server.workers.roster import OfferTerms
from horde.wire import v2
from tests.kinds.any_offer import DECLINED
from tests.plugins.hordes import Clock
from tests.server.builders import user, worker
from tests.server.matching.any_pop import any_pop

REGEN = "AI Horde Worker reGen:9:x"


def terms(**fields: Any) -> OfferTerms:
    return ask(v2.Pop(name="Atlas", models=["one"], bridge_agent=REGEN, **fields)).said.terms


@pytest.mark.parametrize(
    ("field", "declined"),
    [
        ("allow_img2img", "img2img"),
        ("allow_painting", "inpainting"),
        ("allow_unsafe_ipaddr", "unsafe_ip"),
        ("allow_post_processing", "post-processing"),
        ("allow_controlnet", "controlnet"),
        ("allow_sdxl_controlnet", "sdxl_controlnet"),
        ("allow_lora", "lora"),
    ],
)
def test_switch_that_is_off_declines_its_feature(field: str, declined: str) -> None:
    off, on = terms(**{field: False}), terms(**{field: True})

    assert set(off.declined) == {*on.declined, declined}
    assert declined not in on.declined
    assert declined not in off.features


def test_worker_that_says_nothing_declines_what_the_contract_has_off() -> None:
    said = terms()

    assert set(said.declined) == {"controlnet", "sdxl_controlnet", "lora"}
    assert (said.nsfw, said.is_extra_slow, said.limits_steps, said.requires_cover) == (True, False, False, False)
    assert said.sizes == {"pixels": 512 * 512}


def test_worker_may_limit_steps_and_require_cover() -> None:
    assert terms(limit_max_steps=True).limits_steps
    assert terms(require_upfront_kudos=True).requires_cover


def test_terms_of_a_worker_of_old_can_be_read() -> None:
    stored = {"features": ["lora"], "sizes": {"pixels": 1}, "nsfw": True, "is_extra_slow": False, "flags": {}}

    read = msgspec.convert(stored, OfferTerms)

    assert (read.declined, read.limits_steps, read.requires_cover) == ([], False, False)


@given(body=any_pop())
def test_whatever_a_worker_says_can_be_stored(body: v2.Pop) -> None:
    said = ask(body).said.terms

    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(said)), OfferTerms) == said
    assert set(said.declined) <= set(DECLINED)


async def test_offer_is_what_the_worker_said_and_what_its_program_can_do(clock: Clock) -> None:
    atlas = await worker(clock.ctx, await user(clock.ctx), agent=REGEN, models=("one", "two"), features=["its own"])
    said = terms(max_pixels=4096, nsfw=False, limit_max_steps=True, require_upfront_kudos=True, allow_img2img=False)

    declining = replace(atlas, terms=said).offer

    assert atlas.offer.features == abilities(REGEN) | {"its own"}
    assert declining.features == abilities(REGEN)
    assert declining.declined == {"controlnet", "sdxl_controlnet", "lora", "img2img"}
    assert declining.models == {"one", "two"}
    assert declining.sizes == {"pixels": 4096}
    assert (declining.nsfw, declining.limits_steps, declining.requires_cover) == (False, True, True)
