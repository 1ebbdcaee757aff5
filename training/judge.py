"""The judge: a small classifier, trained apart from the model on drawn scenes, that says what a picture shows.

`python -m training.judge` trains it; `training.evaluate` asks it.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from training.drawing import draw
from training.scenes import COLOURS, COUNTS, SHAPE_NAMES, THING_NAMES, Scene, any_scene

NAMES = (*SHAPE_NAMES, *THING_NAMES)
MANY = len(COUNTS)
"""The class of all that nobody counts."""
LANDSCAPE = len(COLOURS)
"""The class of backgrounds that are no plain colour."""
QUESTIONS = {"thing": len(NAMES), "colour": len(COLOURS), "count": MANY + 1, "background": LANDSCAPE + 1}
"""What it is asked, and how many answers there are."""
SIZE = 64


class Judge(nn.Module):
    """(B, 3, 64, 64) in -1..1 to the logits of each question, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        widths = (32, 64, 96, 128)
        layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 4, stride=2, padding=1, bias=False)]
        for at, wide in enumerate(widths):
            layers += [nn.BatchNorm2d(wide), nn.ReLU(), nn.Conv2d(wide, wide, 3, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(wide), nn.ReLU()]
            if wide != widths[-1]:
                layers.append(nn.Conv2d(wide, widths[at + 1], 3, stride=2, padding=1, bias=False))
        self.look = nn.Sequential(*layers)
        # The mean over all places counts, the maximum recognises.
        self.say = nn.Sequential(nn.Linear(2 * widths[-1], 256), nn.ReLU(), nn.Linear(256, sum(QUESTIONS.values())))

    def forward(self, pictures: Tensor) -> Tensor:
        """The logits, (B, sum of QUESTIONS)."""
        seen = self.look(pictures).flatten(2)
        return self.say(torch.cat((seen.mean(2), seen.amax(2)), 1))


def answers_of(scene: Scene) -> list[int]:
    """The right answers for a scene of one group with a colour, in the order of QUESTIONS."""
    group = scene.groups[0]
    plain = isinstance(scene.background, str)
    return [
        NAMES.index(group.thing),
        COLOURS.index(group.colour or ""),
        min(group.count, MANY + 1) - 1,
        COLOURS.index(scene.background) if plain else LANDSCAPE,
    ]


def can_be_judged(scene: Scene) -> bool:
    """Whether the questions have one answer each."""
    return len(scene.groups) == 1 and scene.groups[0].colour is not None


def judged(judge: Judge, pictures: Sequence[np.ndarray]) -> list[list[int]]:
    """The answers of the judge for (64, 64, 3) uint8 pictures, in the order of QUESTIONS."""
    with torch.no_grad():
        logits = judge(_as_tensor(np.stack(pictures)))
    return torch.stack([part.argmax(1) for part in logits.split(list(QUESTIONS.values()), 1)], 1).tolist()


def load(path: Path) -> Judge:
    """A judge that was trained before."""
    judge = Judge()
    judge.load_state_dict(torch.load(path, weights_only=True))
    return judge.eval()


def _lesson(rng: random.Random, size: int) -> tuple[np.ndarray, np.ndarray]:
    pictures, answers = [], []
    while len(pictures) < size:
        if can_be_judged(scene := any_scene(rng)):
            pictures.append(np.asarray(draw(scene, SIZE, SIZE, rng)))
            answers.append(answers_of(scene))
    return np.stack(pictures), np.array(answers)


def _as_tensor(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def _train(steps: int, batch: int, seed: int) -> Judge:
    torch.manual_seed(seed)
    rng = random.Random(seed)
    judge = Judge()
    optimizer = torch.optim.AdamW(judge.parameters(), lr=2e-3, weight_decay=0.02)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for _ in tqdm(range(steps), mininterval=5):
        pictures, answers = _lesson(rng, batch)
        noisy = _as_tensor(pictures)
        # A little noise, so that it does not learn to see what only a renderer leaves behind.
        logits = judge(noisy + 0.06 * torch.rand(batch, 1, 1, 1) * torch.randn_like(noisy))
        parts = logits.split(list(QUESTIONS.values()), 1)
        loss = sum(functional.cross_entropy(part, torch.from_numpy(answers[:, at])) for at, part in enumerate(parts))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rates.step()
    return judge.eval()


def main() -> None:
    """Train the judge, then say how often it is right on scenes that it has not seen."""
    parser = argparse.ArgumentParser(prog="python -m training.judge", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/training/judge.pt"))
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--seed", type=int, default=2022)
    options = parser.parse_args()
    judge = _train(options.steps, options.batch, options.seed)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(judge.state_dict(), options.out)
    pictures, answers = _lesson(random.Random(f"{options.seed} other"), 2000)
    right = np.array(judged(judge, list(pictures))) == answers
    print({question: f"{right[:, at].mean():.1%}" for at, question in enumerate(QUESTIONS)})


if __name__ == "__main__":
    main()
