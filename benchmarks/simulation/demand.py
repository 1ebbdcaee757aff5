"""Who asks, for what and when: requests drawn from a seed.

They come by a Poisson process whose rate loads the fleet to a wanted share of its speed. In the second quarter of the
time twice as many come, so that a queue builds up. No request is taken back and none expires: how long everybody had to
wait is what is wanted. Limits of parallel requests are off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from benchmarks.simulation.fleet import MODELS, drawn, popular_models
from horde.kinds import image
from horde.kinds.base import Draft
from horde.kinds.image import ImageParams, Lora
from horde.kinds.image_models import WITHOUT_HIRES_FIX
from horde.kinds.models import baseline_of
from horde.units import Kudos, kudos

BURST_BEGINS, BURST_ENDS, BURST_TIMES = 0.25, 0.35, 2
"""Shares of the requests."""
N = ((1, 55), (2, 20), (3, 5), (4, 20))
SIZES = (
    ((512, 512), 30), ((512, 768), 14), ((768, 512), 6), ((768, 768), 7), ((832, 1216), 9), ((1024, 1024), 18),
    ((1216, 832), 4), ((640, 960), 4), ((576, 1024), 3), ((1024, 1536), 3), ((1536, 1536), 1), ((448, 640), 1),
)  # fmt: skip
STEPS = ((4, 5), (15, 10), (20, 30), (25, 15), (30, 30), (40, 7), (50, 3))
SAMPLERS = (("k_euler_a", 45), ("k_dpmpp_2m", 20), ("k_euler", 15), ("k_dpmpp_sde", 10), ("k_heun", 5), ("DDIM", 5))
WITH_LORA, WITH_UPSCALER, WITH_FACE_FIXER, WITH_HIRES_FIX, WITH_CLIP_SKIP = 0.15, 0.05, 0.05, 0.08, 0.1
NSFW, WITHOUT_KARRAS, TRUSTED_ONLY, NO_SLOW = 0.35, 0.1, 0.1, 0.05
ANY_MODEL, TWO_MODELS = 0.03, 0.05
PROBES, PROBED, REQUESTS_PER_PROBE = 5, 100, 5_000
"""How often in the burst, where the simulation is long enough, an account asks for so much at once while so many others
ask for one thing each."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A class of requestors: all of one balance, which asking does not change here."""

    name: str
    balance: Kudos
    share: float
    """Of all requests."""
    accounts: int
    is_anonymous: bool = False


STANDINGS = (
    Standing("anonymous", kudos(-50), 0.3, 1, is_anonymous=True),
    Standing("new, 14 kudos", kudos(14), 0.3, 5000),
    Standing("regular, 1,000 kudos", kudos(1_000), 0.3, 2000),
    Standing("rich, 50,000 kudos", kudos(50_000), 0.1, 200),
)
PROBED_STANDING = 1
SINGLES, HUNDRED = "one request each", f"one account's {PROBED}"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request on its way in."""

    at_s: float
    standing: int
    account: int
    draft: Draft[ImageParams]
    probe: str | None = None


def demand(random: Random, requests: int, *, work_per_s: float) -> Iterator[Asked]:
    """So many requests in the order of time, at a rate that brings so many things per second."""
    per_s = work_per_s / _mean_work(random)
    many = max(1, min(PROBES, requests // REQUESTS_PER_PROBE))
    probes = {
        int(requests * (BURST_BEGINS + (BURST_ENDS - BURST_BEGINS) * (number + 1) / (many + 1)))
        for number in range(many)
    }
    at_s = 0.0
    shares = [standing.share for standing in STANDINGS]
    for number in range(requests):
        is_burst = BURST_BEGINS <= number / requests < BURST_ENDS
        at_s += random.expovariate(per_s * (BURST_TIMES if is_burst else 1))
        standing = random.choices(range(len(STANDINGS)), shares)[0]
        account = standing * 1_000_000 + random.randrange(STANDINGS[standing].accounts)
        yield Asked(at_s, standing, account, draft(random))
        if number in probes:
            yield from _probe(at_s, number)


def draft(random: Random) -> Draft[ImageParams]:
    """What somebody may ask for."""
    width, height = random.choices([size for size, _ in SIZES], [weight for _, weight in SIZES])[0]
    params = ImageParams(
        width=width,
        height=height,
        steps=drawn(random, STEPS),
        n=drawn(random, N),
        sampler_name=random.choices([name for name, _ in SAMPLERS], [weight for _, weight in SAMPLERS])[0],  # type: ignore[arg-type]
        karras=random.random() >= WITHOUT_KARRAS,
    )
    wants_hires_fix = random.random() < WITH_HIRES_FIX
    if random.random() < WITH_LORA:
        params.loras = [Lora(name="style")]
    if random.random() < WITH_UPSCALER:
        params.post_processing = ["RealESRGAN_x4plus"]
    elif random.random() < WITH_FACE_FIXER:
        params.post_processing = ["GFPGAN"]
    if random.random() < WITH_CLIP_SKIP:
        params.clip_skip = 2
    luck = random.random()
    models = () if luck < ANY_MODEL else popular_models(random, 2 if luck < ANY_MODEL + TWO_MODELS else 1)
    params.hires_fix = wants_hires_fix and WITHOUT_HIRES_FIX.isdisjoint(map(baseline_of, models))
    return Draft(
        kind=image.NAME,
        prompt="a horse on the moon",
        params=params,
        n=params.n,
        models=models,
        nsfw=random.random() < NSFW,
        trusted_workers=random.random() < TRUSTED_ONLY,
        slow_workers=random.random() >= NO_SLOW,
    )


def _probe(at_s: float, number: int) -> Iterator[Asked]:
    """First an account that asks for all at once, then others of the same balance, each for the same thing once."""
    params = ImageParams(steps=20)
    same = Draft(kind=image.NAME, prompt="a horse", params=params, models=(MODELS[0],), nsfw=False)
    first = PROBED_STANDING * 1_000_000 + 500_000 + number
    for _ in range(PROBED):
        yield Asked(at_s, PROBED_STANDING, first, replace(same), HUNDRED)
    for other in range(PROBED):
        yield Asked(at_s, PROBED_STANDING, -(first * PROBED + other), replace(same), SINGLES)


def _mean_work(random: Random) -> float:
    drafts = [draft(random) for _ in range(5000)]
    return sum(image.things(draft.params) * draft.n for draft in drafts) / len(drafts)
