"""The state of a training and one step of it; saved and loaded whole, so that it can be resumed."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from horde.worker.backends.tiny.schedule import SIGMA_MAX, SIGMA_MIN
from training.network import TinyHorde

NOISE_EVEN = 0.12
"""The share of lessons that are spread evenly over all that samplers ask, so that no end is forgotten."""
WARM_UP = 0.02
GRADIENT_MAX = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a training is reproduced from."""

    steps: int
    batch: int
    rate: float
    seed: int
    half: bool
    """Reckon in bfloat16 where that does no harm."""
    noise_mean: float
    noise_spread: float
    """Of ln(sigma). A mean of 0.1 teaches counts and places first, one of -0.3 the outlines of things."""
    average: float
    """How slowly the average of the weights, which is what is shipped, follows them."""


class Schooling:
    """A network that learns. Lies on one device."""

    def __init__(self, plan: Plan, device: str, *, is_recorded: bool = True) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.device, self.step = plan, device, 0
        self.model = TinyHorde().to(device)
        self.average = copy.deepcopy(self.model).requires_grad_(False).eval()
        self._on_gpu = device == "cuda"
        self._optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=torch.tensor(plan.rate, device=device) if self._on_gpu else plan.rate,
            betas=(0.9, 0.98),
            weight_decay=0.01,
            fused=self._on_gpu,
            capturable=self._on_gpu,
        )
        self._follow_share = torch.zeros((), device=device)
        self._is_recorded = is_recorded and self._on_gpu
        self._recorded: dict[tuple[int, ...], Recorded] = {}

    def learn(self, pictures: Tensor, tokens: Tensor) -> Tensor:
        """One step with (B, H, W, 3) uint8 pictures on the device; its loss, still there.

        On a GPU a step is some two thousand small kernels, which take longer to start than to run. So each size of
        picture has its step recorded once as a CUDA graph, which starts them all in one go.
        """
        # The noise of a step depends on the seed and its number only, so a resumed training goes on as it would have.
        torch.manual_seed((self.plan.seed << 32) + self.step)
        for group in self._optimizer.param_groups:
            if self._on_gpu:
                group["lr"].fill_(self._rate())
            else:
                group["lr"] = self._rate()
        self._follow_share.fill_(1 - min(self.plan.average, (1 + self.step) / (10 + self.step)))
        if self._is_recorded:
            shape = tuple(pictures.shape)
            if shape not in self._recorded:
                self._recorded[shape] = Recorded(self._learn, pictures, tokens)
            loss = self._recorded[shape](pictures, tokens)
        else:
            loss = self._learn(pictures, tokens)
        self.step += 1
        return loss

    def begin_with(self, weights: Path) -> None:
        """Take the weights that `save_average` wrote, instead of random ones."""
        self.model.load_state_dict(load_file(weights))
        self.average.load_state_dict(load_file(weights))

    def _learn(self, pictures: Tensor, tokens: Tensor) -> Tensor:
        clean = pictures.permute(0, 3, 1, 2).float() / 127.5 - 1
        sigma = self._sigmas(len(clean))
        with torch.autocast(self.device, torch.bfloat16, enabled=self.plan.half, cache_enabled=False):
            loss = self.model(clean, sigma, torch.randn_like(clean), tokens.long()).mean()
        self._optimizer.zero_grad(set_to_none=False)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), GRADIENT_MAX)
        self._optimizer.step()
        with torch.no_grad():
            average = list(self.average.parameters())
            way = torch._foreach_sub(list(self.model.parameters()), average)
            torch._foreach_mul_(way, self._follow_share)
            torch._foreach_add_(average, way)
        return loss.detach()

    def save(self, path: Path) -> None:
        """Everything, for `load`; a crash while it is written leaves the one before."""
        unfinished = path.with_suffix(".part")
        torch.save(
            {
                "plan": asdict(self.plan),
                "step": self.step,
                "model": self.model.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self._optimizer.state_dict(),
            },
            unfinished,
        )
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path, device: str) -> Schooling:
        """Go on where `save` was called."""
        saved = torch.load(path, map_location=device, weights_only=True)
        schooling = cls(Plan(**saved["plan"]), device)
        schooling.step = saved["step"]
        schooling.model.load_state_dict(saved["model"])
        schooling.average.load_state_dict(saved["average"])
        schooling._optimizer.load_state_dict(saved["optimizer"])
        return schooling

    def save_average(self, path: Path) -> None:
        """The averaged weights alone, in half precision: what is exported."""
        halves = {name: weight.half().contiguous() for name, weight in self.average.state_dict().items()}
        save_file(
            halves, path, {name: str(value) for name, value in asdict(self.plan).items()} | {"step": str(self.step)}
        )

    def _rate(self) -> float:
        done = self.step / self.plan.steps
        if done < WARM_UP:
            return self.plan.rate * (done + 1 / self.plan.steps) / WARM_UP
        return self.plan.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))))

    def _sigmas(self, count: int) -> Tensor:
        usual = self.plan.noise_mean + self.plan.noise_spread * torch.randn(count, device=self.device)
        low, high = math.log(SIGMA_MIN), math.log(SIGMA_MAX)
        even = low + (high - low) * torch.rand(count, device=self.device)
        is_even = torch.rand(count, device=self.device) < NOISE_EVEN
        return torch.where(is_even, even, usual.clamp(low - 0.5, high + 0.3)).exp()


class Recorded:
    """A step as a CUDA graph: the same kernels on the same places in memory, started in one go."""

    def __init__(self, step: Callable[[Tensor, Tensor], Tensor], pictures: Tensor, tokens: Tensor) -> None:
        self._pictures, self._tokens = pictures.clone(), tokens.clone()
        # A few steps outside, so that libraries choose their kernels and the optimizer makes its state before.
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                step(self._pictures, self._tokens)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._loss = step(self._pictures, self._tokens)

    def __call__(self, pictures: Tensor, tokens: Tensor) -> Tensor:
        """The loss lies where that of every step lies, so it is to be read before the next."""
        self._pictures.copy_(pictures)
        self._tokens.copy_(tokens)
        self._graph.replay()
        return self._loss


def as_picture(x: np.ndarray) -> np.ndarray:
    """(3, H, W) in -1..1 to (H, W, 3) uint8."""
    return np.clip(np.rint((x.transpose(1, 2, 0) + 1) * 127.5), 0, 255).astype(np.uint8)
