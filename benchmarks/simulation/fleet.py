"""Who works: a fleet drawn from a seed, as worker programs would announce themselves by the v2 API.

Nobody publishes how the hardware of a horde is mixed; these are guesses of the right order, stated here to be argued
with. Speeds are log-normal around 1.5 megapixelsteps a second (a middling card), from 0.2 to above 10. A model is
hosted about as often as it is asked for, the 100 models of a horde following Zipf's law.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from random import Random
from uuid import UUID

from horde.kinds import image
from horde.server.api.v2.translate import ask
from horde.server.workers.roster import Worker
from horde.wire import v2

MODELS = tuple(
    f"{family} {number:03}"
    for number, family in enumerate(
        ("Deliberate", "SDXL", "Anything", "Flux.1-Schnell", "Dreamshaper", "AlbedoBase XL (SDXL)", "Realistic",
         "Stable Cascade", "Anime", "Epic Diffusion Inpainting") * 10
    )
)  # fmt: skip
"""The most wanted first. Their names tell their traits, as they do in life."""
POPULARITY = tuple(accumulate(1 / (place + 1) for place in range(len(MODELS))))
"""Zipf's law, summed up for drawing."""

SPEED_MEDIAN, SPEED_SPREAD, SPEED_MIN = 1_500_000.0, 0.7, 200_000.0
"""Pixelsteps per second, and the standard deviation of the logarithm."""
MODELS_HOSTED = ((1, 25), (3, 30), (8, 25), (20, 15), (50, 5))
"""How many models, and how many in a hundred workers host so many."""
PIXELS_MAX = ((512 * 512, 10), (768 * 768, 20), (1024 * 1024, 40), (1536 * 1536, 20), (2048 * 2048, 10))
AGENTS = (
    ("AI Horde Worker reGen:13.0.0:sim", 50), ("AI Horde Worker reGen:10.1.0:sim", 20),
    ("AI Horde Worker reGen:8.0.0:sim", 10), ("AI Horde Worker:24.0.0:sim", 10),
    ("SD-WebUI Stable Horde Worker Bridge:4:sim", 5), ("Stable Horde Worker:0.1.0:sim", 5),
)  # fmt: skip
ALLOWS = {
    "nsfw": 0.8, "allow_lora": 0.7, "allow_controlnet": 0.5, "allow_post_processing": 0.85, "allow_img2img": 0.95,
    "allow_painting": 0.9, "allow_unsafe_ipaddr": 0.9, "limit_max_steps": 0.05, "require_upfront_kudos": 0.03,
}  # fmt: skip
"""With what probability a worker says yes."""
TRUSTED = 0.6


@dataclass(frozen=True, slots=True)
class Machine:
    """A worker as the house knows it, and how fast it truly is."""

    worker: Worker
    speed: float
    """Things per second."""


def fleet(random: Random, size: int, *, now: datetime) -> list[Machine]:
    """So many machines, each with one job at a time, that have checked in at moments before `now`."""
    return [_machine(random, number, now) for number in range(size)]


def drawn(random: Random, weighted: Sequence[tuple[int, int]]) -> int:
    """One of the values, each as often as its weight says."""
    values, weights = zip(*weighted, strict=True)
    return int(random.choices(values, weights)[0])


def popular_models(random: Random, many: int) -> tuple[str, ...]:
    """Different models, the popular ones more often."""
    found: dict[str, None] = {}
    while len(found) < many:
        found |= dict.fromkeys(random.choices(MODELS, cum_weights=POPULARITY, k=many - len(found)))
    return tuple(found)


def _machine(random: Random, number: int, now: datetime) -> Machine:
    speed = max(SPEED_MIN, random.lognormvariate(math.log(SPEED_MEDIAN), SPEED_SPREAD))
    agent = random.choices([agent for agent, _ in AGENTS], [weight for _, weight in AGENTS])[0]
    said = ask(
        v2.Pop(
            name=f"machine {number}",
            bridge_agent=agent,
            models=list(popular_models(random, drawn(random, MODELS_HOSTED))),
            max_pixels=drawn(random, PIXELS_MAX),
            **{flag: random.random() < share for flag, share in ALLOWS.items()},  # type: ignore[arg-type]  # all are bool
        )
    ).said
    worker = Worker(
        id=UUID(int=random.getrandbits(128)), user_id=number + 1, owner_is_trusted=random.random() < TRUSTED,
        owner_is_flagged=False,
        name=said.name, kind=image.NAME, agent=agent, terms=said.terms, models=said.models, threads=1, info=None,
        is_in_maintenance=False, maintenance_message=None, is_paused=False, first_seen=now, last_seen=now,
        uptime_s=0.0, uptime_mk=0, team_id=None, team_name=None, fulfilled=0, uncompleted=0, things=0, earned_mk=0,
        speeds=(speed,) * 20, changed_at=now,
    )  # fmt: skip
    return Machine(worker, speed)
