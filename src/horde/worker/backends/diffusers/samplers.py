"""The horde's samplers as schedulers of diffusers: one table, and the one sampler that diffusers lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, get_args

import diffusers
import torch

from horde.kinds.image_params import Sampler

DEFAULT: Final[Sampler] = "k_euler_a"


class KarrasEulerAncestral(diffusers.EulerAncestralDiscreteScheduler):
    """Euler's ancestral method on the steps of Karras et al. (2022), the horde's default, which diffusers lacks.

    A subclass, because that is how diffusers takes schedulers; the steps are those of its plain Euler scheduler.
    """

    def set_timesteps(self, num_inference_steps: int, device: str | torch.device | None = None) -> None:
        """Fix the noise levels: `num_inference_steps` falling ones and zero."""
        super().set_timesteps(num_inference_steps, device)
        plain = diffusers.EulerDiscreteScheduler.from_config(self.config, use_karras_sigmas=True)
        plain.set_timesteps(num_inference_steps, device)
        self.sigmas, self.timesteps = plain.sigmas, plain.timesteps


@dataclass(frozen=True, slots=True)
class Way:
    """How a sampler is made: the scheduler's class, the one for Karras steps, and options."""

    plain: type[diffusers.SchedulerMixin]
    options: Mapping[str, object]
    karras: type[diffusers.SchedulerMixin] | None
    """None: there are no such steps for it, and the wish changes nothing."""


def _way(plain: type[diffusers.SchedulerMixin], /, *, karras: bool = True, **options: object) -> Way:
    return Way(plain, options, plain if karras else None)


WAYS: Final[Mapping[Sampler, Way]] = {
    "k_lms": _way(diffusers.LMSDiscreteScheduler),
    "k_heun": _way(diffusers.HeunDiscreteScheduler),
    "k_euler": _way(diffusers.EulerDiscreteScheduler),
    "k_euler_a": Way(diffusers.EulerAncestralDiscreteScheduler, {}, KarrasEulerAncestral),
    "k_dpm_2": _way(diffusers.KDPM2DiscreteScheduler),
    "k_dpm_2_a": _way(diffusers.KDPM2AncestralDiscreteScheduler),
    "k_dpm_fast": _way(diffusers.DPMSolverSinglestepScheduler, solver_order=3, lower_order_final=True),
    # No scheduler chooses its own steps; this is the same solver on fixed ones.
    "k_dpm_adaptive": _way(diffusers.DPMSolverSinglestepScheduler, solver_order=3, lower_order_final=True),
    # Without the ancestral noise, for which there is no scheduler of single steps.
    "k_dpmpp_2s_a": _way(diffusers.DPMSolverSinglestepScheduler, solver_order=2, lower_order_final=True),
    "k_dpmpp_2m": _way(diffusers.DPMSolverMultistepScheduler, solver_order=2),
    "dpmsolver": _way(diffusers.DPMSolverMultistepScheduler, solver_order=3),
    # The multi-step form: the other one needs torchsde, for one sampler.
    "k_dpmpp_sde": _way(diffusers.DPMSolverMultistepScheduler, solver_order=2, algorithm_type="sde-dpmsolver++"),
    "DDIM": _way(diffusers.DDIMScheduler, karras=False),
    "lcm": _way(diffusers.LCMScheduler, karras=False),
}
assert set(WAYS) == set(get_args(Sampler))


def scheduler(config: Mapping[str, object], sampler: object, *, karras: bool) -> diffusers.SchedulerMixin:
    """The scheduler of a sampler for a model with this scheduler configuration; an unknown one is the default."""
    way = next((way for name, way in WAYS.items() if name == sampler), WAYS[DEFAULT])
    # What the model's own scheduler says of steps must not reach another one: only what the model was trained with.
    trained = {name: value for name, value in config.items() if name in TRAINED}
    if not karras or way.karras is None:
        return way.plain.from_config(trained, **way.options)
    if way.karras is not way.plain:
        return way.karras.from_config(trained, **way.options)
    return way.karras.from_config(trained, use_karras_sigmas=True, **way.options)


TRAINED: Final = frozenset({
    "num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas", "prediction_type",
    "rescale_betas_zero_snr", "timestep_spacing", "steps_offset",
})  # fmt: skip
"""What schedulers of all kinds read of a model."""
