"""The one statement of "may this worker do this job": a table of named rules over what is needed and what is offered.

Matching, the `skipped` counters of an idle pop, `is_possible` and the explanation (explain.py) all read this table.
Source: contract/lifecycle.md, section 5, A to C. Two kinds of conditions of that section are not in it:

- What needs the request itself or the state of worker and queue is decided where jobs are claimed (requests/): request
  active and not expired, words of the worker's blacklist in the prompt, worker in maintenance, paused or stale,
  targeting by priority users, and that these and the owner need not cover the price (`Offer.requires_cover`).
- Who can upload (`r2`) does not matter here: docs/decisions/workers-without-uploads.md.

Keys are those of the section's "Counters of an empty image pop": what the owner has switched off counts under the
switch's own name, what the program cannot do under `bridge_version`, each once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import get_args

from horde.kinds import KINDS, image, text
from horde.kinds.agents import SAME_SAMPLERS
from horde.kinds.base import Needs, Offer

BRIDGE_VERSION = "bridge_version"
FEATURES_REMEMBERED = 1024
MODELS_TOLD = 3
"""How many models of a request are named in words."""
MODEL_CHARACTERS_TOLD = 80


@dataclass(frozen=True, slots=True)
class Rule:
    """A demand that an offer can fail."""

    name: str
    skip_key: str
    """How an idle worker is told that it failed here."""
    words: str | Callable[[Needs], str]
    """What a worker does that holds it: goes on after "a worker" and begins with one of explain.py's verbs."""
    holds: Callable[[Needs, Offer], bool]
    kind: str | None = None
    """Only for this kind; None: for all."""
    feature: str | None = None
    """Only for requests that need this feature."""
    size: str | None = None
    """Only for requests that need this size."""

    def says(self, needs: Needs) -> str:
        """What a worker does that holds it, for these very needs."""
        return self.words if isinstance(self.words, str) else self.words(needs)


def _program(feature: str, *also: str) -> Rule:
    """The worker's program has to be able to do it."""
    required = frozenset({feature, *also})
    return Rule(
        f"program: {feature}",
        BRIDGE_VERSION,
        f"has a program that knows {' and '.join(sorted(required))}",
        lambda _, offer: required <= offer.features,
        feature=feature,
    )


def _switch(feature: str, skip_key: str, words: str, *, switch: str | None = None) -> Rule:
    """The worker's owner must not have switched it off."""
    off = switch or feature
    return Rule(f"switch: {feature}", skip_key, words, lambda _, offer: off not in offer.declined, feature=feature)


def _size(name: str, skip_key: str) -> Rule:
    """The worker's limit has to reach it."""
    return Rule(
        f"size: {name}",
        skip_key,
        lambda needs: f"takes {KINDS[needs.kind].size_in_words(name, dict(needs.sizes)[name])}",
        lambda needs, offer: all(size <= offer.sizes.get(found, 0) for found, size in needs.sizes if found == name),
        size=name,
    )


def _models(needs: Needs) -> str:
    names = [name[:MODEL_CHARACTERS_TOLD] for name in needs.models[:MODELS_TOLD]]
    if len(needs.models) > MODELS_TOLD:
        return f"offers any of the {len(needs.models)} models named ({', '.join(names)}, ...)"
    return f"offers model {' or '.join(names)}"


def _listed(needs: Needs) -> str:
    return "is outside the list of workers to avoid" if needs.worker_blacklist else "is one of the workers named"


def _sampler(word: str) -> Rule:
    words = f"has a program that runs samplers like {word}"
    return Rule(f"sampler: {word}", BRIDGE_VERSION, words, lambda _, offer: word in offer.features, feature=word)


PROGRAM_ALONE = (
    "extra_source_images", "textual_inversion", "lora_versions", "hires_fix", "tiling", "return_control_map",
    "image_is_control", "clip_skip", *get_args(image.PostProcessor),
)  # fmt: skip
"""Features that nobody can switch off. So is every feature that is not in the table, such as those of a new kind."""

RULES: tuple[Rule, ...] = (
    # ------------------------------------------------------------------------------- asked of every worker
    # What most often fails comes first: matching stops there.
    Rule(
        "models", "models", _models, lambda needs, offer: not needs.models or not offer.models.isdisjoint(needs.models)
    ),
    Rule(
        "any model",
        "models",
        "offers a model that may be given to a request that names none",
        lambda needs, offer: bool(needs.models) or offer.traits.isdisjoint({"special", "retired_beta"}),
    ),
    _size("pixels", "max_pixels"),
    Rule("nsfw", "nsfw", "takes nsfw requests", lambda needs, offer: offer.nsfw or not needs.nsfw),
    Rule(
        "trusted_workers", "untrusted", "is trusted", lambda needs, offer: offer.is_trusted or not needs.trusted_workers
    ),
    Rule(
        "worker_id",
        "worker_id",
        _listed,
        lambda needs, offer: not needs.workers or (offer.worker_id in needs.workers) != needs.worker_blacklist,
    ),
    Rule(
        "slow_workers",
        "performance",
        "is fast enough for a request without slow workers",
        lambda needs, offer: needs.slow_workers or not offer.is_slow,
    ),
    Rule(
        "extra_slow_workers",
        "performance",
        "is fast enough for a request without extra slow workers",
        lambda needs, offer: needs.extra_slow_workers or not offer.is_extra_slow,
    ),
    Rule(
        "unsafe_ip",
        "unsafe_ip",
        "takes requests from unsafe addresses",
        lambda needs, offer: not needs.is_from_unsafe_ip or "unsafe_ip" not in offer.declined,
    ),
    Rule(
        "unsafe_ip untrusted",
        "untrusted",
        "is trusted, as it has to be for an unknown requestor at an unsafe address",
        lambda needs, offer: not needs.is_from_unsafe_ip or needs.is_vouched_for or offer.is_trusted,
    ),
    Rule(
        "kudos",
        "kudos",
        "takes requests of those who cannot pay for a job beforehand",
        lambda needs, offer: needs.is_covered or not offer.requires_cover,
    ),
    # ------------------------------------------------------------------------ asked of every image worker
    Rule(
        "flux",
        BRIDGE_VERSION,
        "has a program that knows the flux model it offers",
        lambda _, offer: "flux" not in offer.traits or "flux" in offer.features,
        kind=image.NAME,
    ),
    Rule(
        "not only inpainting models",
        "models",
        "offers a model that paints whole pictures",
        lambda needs, offer: not offer.only_inpaints or "inpainting" in needs.features,
        kind=image.NAME,
    ),
    # --------------------------------------------------------------------------- asked when it is needed
    _program("img2img"),
    _switch("img2img", "img2img", "takes source images"),
    _program("inpainting"),
    _switch("inpainting", "painting", "takes inpainting"),
    Rule(
        "an inpainting model",
        "models",
        "offers an inpainting model",
        lambda _, offer: "inpainting" in offer.traits,
        feature="inpainting",
    ),
    _program("lora"),
    _switch("lora", "lora", "takes LoRAs"),
    _program("controlnet"),
    _switch("controlnet", "controlnet", "takes ControlNet"),
    _program("layer_diffuse"),
    _switch("layer_diffuse", "controlnet", "takes transparent pictures", switch="sdxl_controlnet"),
    _program("qr_code", "controlnet"),
    Rule(
        "switch: qr_code with an SDXL model",
        "controlnet",
        "takes QR codes with the SDXL model it offers",
        lambda _, offer: "sdxl" not in offer.traits or "sdxl_controlnet" not in offer.declined,
        feature="qr_code",
    ),
    Rule(
        "two passes of stable_cascade",
        BRIDGE_VERSION,
        "has a program that knows hires_fix for the Stable Cascade model it offers",
        lambda _, offer: "stable_cascade" not in offer.traits or "stable_cascade_2pass" in offer.features,
        feature="hires_fix",
    ),
    _program("post-processing"),
    _switch("post-processing", "post-processing", "takes post-processing"),
    Rule(
        "limit_max_steps",
        "step_count",
        f"takes more than {image.STEPS_LIMITED} steps",
        lambda _, offer: not offer.limits_steps,
        feature="many_steps",
    ),
    Rule(
        "validated_backends",
        BRIDGE_VERSION,
        "has a back end that is known to do it well",
        lambda _, offer: text.VALIDATED in offer.features,
        feature=text.VALIDATED,
    ),
    *(_program(feature) for feature in PROGRAM_ALONE),
    *(_sampler(word) for word in dict.fromkeys(SAME_SAMPLERS.values())),
)


def failures(needs: Needs, offer: Offer) -> list[str]:
    """The skip keys of everything that the offer lacks, each once; empty when it can do the job."""
    assert needs.kind == offer.kind, "an offer is only held against needs of its own kind"
    return list(dict.fromkeys(rule.skip_key for rule in rules_for(needs) if not rule.holds(needs, offer)))


def can_serve(offer: Offer, needs: Needs) -> bool:
    """Whether the offer meets every demand. Stops at the first that it does not."""
    assert needs.kind == offer.kind, "an offer is only held against needs of its own kind"
    for rule in rules_for(needs):  # noqa: SIM110 - all() with a generator takes longer, and this is hot
        if not rule.holds(needs, offer):
            return False
    return True


def rules_for(needs: Needs) -> Iterator[Rule]:
    """The rules that these needs put to a worker of their kind."""
    yield from _of_kind(needs.kind)
    for name, _ in needs.sizes:
        yield from _of_size(name)
    for feature in needs.features:
        yield from _of_feature(feature)


@cache
def _of_kind(kind: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in RULES if rule.feature is None and rule.size is None and rule.kind in (None, kind))


@lru_cache(FEATURES_REMEMBERED)
def _of_feature(feature: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in RULES if rule.feature == feature) or (_program(feature),)


@lru_cache(FEATURES_REMEMBERED)
def _of_size(name: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in RULES if rule.size == name) or (_size(name, name),)
