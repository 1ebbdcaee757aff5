"""One table says which worker may do which job: each row of contract/lifecycle.md, section 5, alone."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from horde.kinds import KINDS, image, text
from horde.kinds.agents import CAPABILITIES, SAME_SAMPLERS
from horde.kinds.base import Kind, Needs, Offer
from horde.server.matching.rules import RULES, can_serve, failures
from tests.kinds.any_draft import any_draft
from tests.kinds.any_offer import able, any_needs, any_offer

ATLAS = "00000000-0000-4000-8000-00000000000a"
OTHER = "00000000-0000-4000-8000-00000000000b"
PIXELS = 512 * 512
EVERYTHING = frozenset(word for listed in CAPABILITIES.values() for words in listed.values() for word in words.split())
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())


def needs(*features: str, **changes: Any) -> Needs:
    return Needs(**({"kind": "image", "sizes": (("pixels", PIXELS),), "features": tuple(sorted(features))} | changes))


def offer(*models: str, lacking: tuple[str, ...] = (), off: tuple[str, ...] = (), **changes: Any) -> Offer:
    """A poor man's worker with a program that can do everything."""
    return replace(
        Offer(
            kind="image",
            worker_id=ATLAS,
            models=frozenset(models or ("one", "two")),
            features=EVERYTHING.union(SAME_SAMPLERS.values()).difference(lacking),
            sizes={"pixels": PIXELS},
            nsfw=False,
            is_trusted=False,
            is_slow=True,
            is_extra_slow=False,
            declined=frozenset(off),
        ),
        **changes,
    )


def row(name: str, skip_key: str, demand: Needs, lacking: Offer, serving: Offer | None = None) -> Any:
    """A row of the contract: who fails it, under which key, and who does not; that is `offer()` if nobody is named."""
    return pytest.param(demand, lacking, offer() if serving is None else serving, skip_key, id=name)


def program(name: str, *features: str) -> Any:
    """A row that asks for the last feature of the worker's program."""
    return row(name, "bridge_version", needs(*features), offer(lacking=features[-1:]))


INPAINTING = ("img2img", "inpainting")
QR_CODE = needs("qr_code")
PAINTER = ("one", "stable_diffusion_inpainting")
UNSAFE = needs(is_from_unsafe_ip=True)

DATABASE_ROWS = [  # section 5 A
    row("A max_pixels", "max_pixels", needs(sizes=(("pixels", PIXELS + 1),)), offer(), offer(sizes={"pixels": 10**6})),
    row("A max_pixels unknown", "max_pixels", needs(), offer(sizes={})),
    row("A model", "models", needs(models=("one", "three")), offer("two"), offer()),
    row("A no model, special offered", "models", needs(), offer("one", "horde_special::x#1")),
    row("A no model, SDXL beta offered", "models", needs(), offer("SDXL_beta::stability.ai#6901")),
    row("A img2img", "img2img", needs("img2img"), offer(off=("img2img",))),
    row("A painting", "painting", needs(*INPAINTING), offer(*PAINTER, off=("inpainting",)), offer(*PAINTER)),
    program("A extra images", "extra_source_images"),
    row("A unsafe_ip", "unsafe_ip", UNSAFE, offer(is_trusted=True, off=("unsafe_ip",)), offer(is_trusted=True)),
    row("A nsfw", "nsfw", needs(nsfw=True), offer(), offer(nsfw=True)),
    row("A lora, switch", "lora", needs("lora"), offer(off=("lora",))),
    program("A lora, agent", "lora"),
    program("A tis", "textual_inversion"),
    row("A control_type, switch", "controlnet", needs("controlnet"), offer(off=("controlnet",))),
    program("A control_type, agent", "controlnet"),
    row("A slow", "performance", needs(slow_workers=False), offer(), offer(is_slow=False)),
    row("A extra slow", "performance", needs(), offer(is_extra_slow=True)),
    program("A transparent, agent", "layer_diffuse"),
    row("A transparent, switch", "controlnet", needs("layer_diffuse"), offer(off=("sdxl_controlnet",))),
    row("A worker list", "worker_id", needs(workers=(OTHER,)), offer(), offer(worker_id=OTHER)),
    row(
        "A worker blacklist",
        "worker_id",
        needs(workers=(ATLAS,), worker_blacklist=True),
        offer(),
        offer(worker_id=OTHER),
    ),
]
MEMORY_ROWS = [  # section 5 B; rows that A has already are not repeated
    row("B4 trusted_workers", "untrusted", needs(trusted_workers=True), offer(), offer(is_trusted=True)),
    program("B8 img2img, agent", "img2img"),
    row(
        "B9 inpainting, agent", "bridge_version", needs(*INPAINTING), offer(*PAINTER, lacking=("inpainting",)),
        offer(*PAINTER),
    ),
    row("B9 inpainting, model", "models", needs(*INPAINTING), offer("one"), offer(*PAINTER)),
    row("B10 only inpainting models", "models", needs(), offer("Inpainting A", "inpainting B"), offer(*PAINTER)),
    *[program(f"B11 sampler {word}", word) for word in sorted(set(SAME_SAMPLERS.values()))],
    program("B12 post-processing, agent", "post-processing"),
    *[program(f"B12 {name}", "post-processing", name) for name in image.PostProcessor.__args__],  # type: ignore[attr-defined]  # what Literal[...] lists
    program("B14 tiling", "tiling"),
    program("B14 return_control_map", "return_control_map"),
    program("B15 image_is_control", "controlnet", "image_is_control"),
    program("B16 qr_code, agent", "qr_code"),
    row("B16 qr_code, controlnet of the agent", "bridge_version", QR_CODE, offer(lacking=("controlnet",))),
    row("B16 qr_code, SDXL", "controlnet", QR_CODE, offer("SDXL 1.0", off=("sdxl_controlnet",)), offer("SDXL 1.0")),
    program("B17 hires_fix", "hires_fix"),
    row(
        "B17 stable_cascade", "bridge_version", needs("hires_fix"),
        offer("Stable Cascade 1.0", lacking=("stable_cascade_2pass",)), offer("Stable Cascade 1.0"),
    ),
    row("B18 flux", "bridge_version", needs(), offer("one", "Flux.1-Schnell", lacking=("flux",)), offer("[Flux]")),
    program("B19 clip_skip", "clip_skip"),
    program("B20 lora_versions", "lora", "lora_versions"),
    row("B22 limit_max_steps", "step_count", needs("many_steps"), offer(limits_steps=True)),
    row("B23 unsafe_ip and nobody trusted", "untrusted", UNSAFE, offer(), offer(is_trusted=True)),
    row("B24 post-processing", "post-processing", needs("post-processing"), offer(off=("post-processing",))),
    row("B25 upfront kudos", "kudos", needs(is_covered=False), offer(requires_cover=True)),
    program("a feature of a kind to come", "ray tracing"),
    row("a size of a kind to come", "length", needs(sizes=(("length", 2),)), offer(), offer(sizes={"length": 2})),
]  # fmt: skip

TALE = needs(text.VALIDATED, kind="text", sizes=((text.LENGTH, 80), (text.CONTEXT, 2048)))
SCRIBE = offer(kind="text", features=frozenset({text.VALIDATED}), sizes=dict(TALE.sizes))
TEXT_ROWS = [  # section 5 C; rows that A and B have already are not repeated
    row("C max_length", "max_length", TALE, replace(SCRIBE, sizes={text.LENGTH: 79, text.CONTEXT: 2048}), SCRIBE),
    row("C context", "max_context_length", TALE, replace(SCRIBE, sizes={text.LENGTH: 80, text.CONTEXT: 1}), SCRIBE),
    row("C validated back end", "bridge_version", TALE, replace(SCRIBE, features=frozenset()), SCRIBE),
]
ROWS = [*DATABASE_ROWS, *MEMORY_ROWS, *TEXT_ROWS]


@pytest.mark.parametrize(("demand", "lacking", "serving", "skip_key"), ROWS)
def test_row_of_the_contract_alone_keeps_a_worker_from_a_job(
    demand: Needs, lacking: Offer, serving: Offer, skip_key: str
) -> None:
    if demand.features == ("ray tracing",):
        serving = replace(serving, features=frozenset(demand.features))

    assert failures(demand, lacking) == [skip_key]
    assert failures(demand, serving) == []
    assert (can_serve(lacking, demand), can_serve(serving, demand)) == (False, True)


@pytest.mark.parametrize(
    ("demand", "serving"),
    [
        (needs(), offer()),
        (needs(), offer(off=("img2img", "inpainting", "lora", "controlnet", "sdxl_controlnet", "unsafe_ip"))),
        (needs(models=("two", "three")), offer()),  # one of several is enough
        (needs(models=("horde_special::x#1",)), offer("horde_special::x#1")),
        (needs(extra_slow_workers=True), offer(is_extra_slow=True)),
        (needs(workers=(ATLAS, OTHER)), offer()),
        (needs(workers=(OTHER,), worker_blacklist=True), offer()),
        (needs(is_from_unsafe_ip=True, is_vouched_for=True), offer()),
        (needs("img2img"), offer(*PAINTER)),
        (needs("many_steps"), offer()),
        (needs("qr_code"), offer(off=("controlnet", "sdxl_controlnet"))),  # the switch is for source pictures
        (needs(), offer("SDXL 1.0", off=("sdxl_controlnet",))),
        (needs(), offer("Stable Cascade 1.0", lacking=("stable_cascade_2pass",))),
        (needs("hires_fix"), offer(lacking=("stable_cascade_2pass",))),
        (needs(), offer(requires_cover=True, limits_steps=True)),
        (needs(), offer(lacking=("r2", "flux"))),
    ],
)
def test_what_is_not_demanded_is_not_held_against_a_worker(demand: Needs, serving: Offer) -> None:
    assert failures(demand, serving) == []


def test_every_lack_is_named_once_not_only_the_first() -> None:
    demand = needs("lora", "tiling", "hires_fix", models=("three",), nsfw=True, sizes=(("pixels", 10**6),))

    lacking = failures(demand, offer(lacking=("lora", "tiling", "hires_fix"), off=("lora",)))

    assert sorted(lacking) == ["bridge_version", "lora", "max_pixels", "models", "nsfw"]


def test_every_rule_of_the_table_has_its_row_here() -> None:
    rows = [(*parameters.values[:2],) for parameters in ROWS]
    failed = {rule.name for demand, lacking in rows for rule in RULES if not _holds(rule, demand, lacking)}

    assert failed == {rule.name for rule in RULES}


def _holds(rule: Any, demand: Needs, lacking: Offer) -> bool:
    is_asked = rule.feature is None or rule.feature in demand.features
    return not is_asked or rule.holds(demand, lacking)


def test_rules_are_told_apart_by_their_names() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_offer_is_never_held_against_needs_of_another_kind() -> None:
    with pytest.raises(AssertionError):
        can_serve(replace(offer(), kind="text"), needs())


# ------------------------------------------------------------------------------------ whatever is needed
@every_kind
@given(data=st.data())
def test_worker_can_serve_exactly_what_it_fails_no_rule_of(kind: Kind[Any], data: st.DataObject) -> None:
    demand = data.draw(any_needs(kind))
    offered = data.draw(any_offer(demand))

    lacking = failures(demand, offered)

    assert can_serve(offered, demand) is (not lacking)
    assert len(lacking) == len(set(lacking))


@every_kind
@given(data=st.data())
def test_worker_that_can_do_everything_can_do_every_request(kind: Kind[Any], data: st.DataObject) -> None:
    demand = data.draw(any_needs(kind))

    assert failures(demand, able(demand)) == []


@every_kind
@given(data=st.data())
def test_worker_that_offers_more_serves_no_less(kind: Kind[Any], data: st.DataObject) -> None:
    demand = data.draw(any_needs(kind))
    offered = data.draw(any_offer(demand))
    better = replace(
        offered,
        features=offered.features | EVERYTHING,
        declined=frozenset(),
        sizes={name: size + 1 for name, size in offered.sizes.items()},
        nsfw=True,
        is_trusted=True,
        is_slow=False,
        is_extra_slow=False,
        limits_steps=False,
        requires_cover=False,
    )

    assert set(failures(demand, better)) <= set(failures(demand, offered))


@every_kind
@given(data=st.data())
def test_request_that_asks_for_less_finds_no_fewer_workers(kind: Kind[Any], data: st.DataObject) -> None:
    asked = data.draw(any_draft(kind))
    demand = kind.needs(asked)
    offered = data.draw(any_offer(demand))
    assume(can_serve(offered, demand))

    humbler = replace(asked, nsfw=False, trusted_workers=False, slow_workers=True, extra_slow_workers=True, workers=())

    assert can_serve(offered, kind.needs(humbler))
