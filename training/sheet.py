"""The sample sheet: the same prompts and seeds every time, so that one sees what was learnt since the last."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from horde.worker.backends.tiny import samplers, schedule
from horde.worker.backends.tiny.words import read
from training.network import TinyHorde
from training.schooling import as_picture

PROMPTS = (
    "a horde of stable robots",
    "a red circle on a blue background",
    "two green trees under a night sky with a moon",
    "three purple hearts on a white background",
    "four yellow stars on a black background",
    "a blue square to the left of an orange triangle",
    "two brown horses in a meadow with mountains",
    "a pink house in the snow at sunset",
    "three boats on the sea at dawn with clouds",
    "a black cat and a red mushroom under a rainbow",
    "a small green diamond at the top on a pink background",
    "four blue robots in the desert at night with stars",
    "a rocket",
    "many flowers",
    "a big orange cat on turquoise",
    "two turquoise rings on a brown background",
)
EACH = 4
STEPS, GUIDANCE = 20, 3.0


@torch.no_grad()
def sheet(model: TinyHorde, device: str, path: Path, *, size: tuple[int, int] = (64, 64)) -> None:
    """Draw EACH pictures of each prompt, a row for two prompts, and save them as `path`. Width, then height."""
    width, height = size
    tokens = torch.tensor([read(prompt) for prompt in PROMPTS for _ in range(EACH)], device=device)
    with_words, without = model.text(tokens), model.text(torch.zeros_like(tokens))

    def denoise(x: samplers.Picture, sigma: float) -> samplers.Picture:
        noisy = torch.from_numpy(x).to(device)
        sigmas = torch.full((len(noisy),), sigma, device=device)
        told = model.unet.denoised(noisy, sigmas, *with_words)
        untold = model.unet.denoised(noisy, sigmas, *without)
        return (untold + GUIDANCE * (told - untold)).clamp(-1, 1).float().cpu().numpy()

    noise = np.random.default_rng(0)
    shape = (len(tokens), 3, height, width)
    sigmas = schedule.karras(STEPS)
    way = samplers.Path(denoise, sigmas, lambda: noise.standard_normal(shape, np.float32))
    x = way.noise() * np.float32(sigmas[0])
    for step in samplers.euler_ancestral(way, x):
        x = step.x
    columns = 2 * EACH
    image = Image.new("RGB", (columns * width, len(tokens) // columns * height))
    for at, picture in enumerate(x):
        image.paste(Image.fromarray(as_picture(picture)), (at % columns * width, at // columns * height))
    image.resize((image.width * 2, image.height * 2), Image.Resampling.NEAREST).save(path)
