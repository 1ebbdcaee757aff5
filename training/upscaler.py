"""`python -m training.upscaler`: trains the network that brings pictures to four times their size, edges sharp.

It learns from scenes drawn small and large. The small ones are spoilt a little, as a picture that was sampled is.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from training.drawing import draw
from training.scenes import any_scene

FACTOR = 4
WIDTH = 40
DEPTH = 5
PATCH = 24
"""Side of the patches that it learns from, in small pixels."""
PER_SCENE = 4
BLUR_MAX, NOISE_MAX = 0.7, 0.05


class Upscaler(nn.Module):
    """(B, 3, H, W) in -1..1 to (B, 3, 4H, 4W): a smooth enlargement and what it lacks."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, WIDTH, 3, padding=1), nn.ReLU()]
        for _ in range(DEPTH):
            layers += [nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.ReLU()]
        last = nn.Conv2d(WIDTH, 3 * FACTOR**2, 3, padding=1)
        nn.init.zeros_(last.weight)
        self.lack = nn.Sequential(*layers, last, nn.PixelShuffle(FACTOR))

    def forward(self, small: Tensor) -> Tensor:
        """Large pictures, a little over -1..1 at most."""
        smooth = functional.interpolate(small, scale_factor=float(FACTOR), mode="bilinear", align_corners=False)
        return smooth + self.lack(small)


def _lesson(rng: random.Random, batch: int) -> tuple[Tensor, Tensor]:
    smalls, larges = [], []
    while len(smalls) < batch:
        seed, scene = rng.random(), any_scene(rng)
        small = _tensor(draw(scene, 64, 64, random.Random(seed)))
        large = _tensor(draw(scene, 64, 64, random.Random(seed), enlarge=FACTOR))
        for _ in range(PER_SCENE):
            x, y = rng.randrange(64 - PATCH), rng.randrange(64 - PATCH)
            smalls.append(small[:, y : y + PATCH, x : x + PATCH])
            larges.append(large[:, FACTOR * y : FACTOR * (y + PATCH), FACTOR * x : FACTOR * (x + PATCH)])
    return torch.stack(smalls), torch.stack(larges)


def _spoilt(small: Tensor) -> Tensor:
    """Blurred and noisy, each picture as much as a lot says."""
    blur = torch.rand(len(small), 1, 1, 1) * BLUR_MAX
    soft = functional.avg_pool2d(functional.pad(small, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return small + blur * (soft - small) + torch.rand(len(small), 1, 1, 1) * NOISE_MAX * torch.randn_like(small)


def _tensor(picture: object) -> Tensor:
    return torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).float() / 127.5 - 1


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(prog="python -m training.upscaler", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/training/upscaler.safetensors"))
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seed", type=int, default=2022)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    rng = random.Random(options.seed)
    upscaler = Upscaler()
    optimizer = torch.optim.AdamW(upscaler.parameters(), lr=1e-3)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=options.steps)
    with tqdm(range(options.steps), mininterval=5) as bar:
        for _ in bar:
            small, large = _lesson(rng, options.batch)
            loss = (upscaler(_spoilt(small)) - large).abs().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rates.step()
            bar.set_postfix(loss=f"{loss.item():.4f}", refresh=False)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(upscaler.state_dict(), options.out)


if __name__ == "__main__":
    main()
