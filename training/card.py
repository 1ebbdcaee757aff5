"""`python -m training.card`: has the shipped back end draw the picture of the model card, a row of seeds a prompt."""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

from horde.worker.backends.tiny.model import Model
from horde.worker.backends.tiny.pipeline import Wish, picture_of
from training.sheet import PROMPTS

COLUMNS, SIDE, GAP = 8, 128, 4
SEEDS = (1, 2)
QUALITY = 88


def main() -> None:
    """Draw each prompt of the sample sheet with the same seeds, none of them chosen."""
    parser = argparse.ArgumentParser(prog="python -m training.card", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/images/tiny-horde.webp"))
    options = parser.parse_args()
    model = Model()
    wishes = [Wish(prompt=prompt, seed=seed, width=256, height=256) for prompt in PROMPTS for seed in SEEDS]
    rows = -(-len(wishes) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (SIDE + GAP) - GAP, rows * (SIDE + GAP) - GAP), "white")
    for at, wish in enumerate(wishes):
        picture = picture_of(model, wish).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        sheet.paste(picture, (at % COLUMNS * (SIDE + GAP), at // COLUMNS * (SIDE + GAP)))
    sheet.save(options.out, quality=QUALITY)
    for at in range(0, len(PROMPTS), COLUMNS // len(SEEDS)):
        print("; ".join(PROMPTS[at : at + COLUMNS // len(SEEDS)]))


if __name__ == "__main__":
    main()
