"""`python -m training.evaluate`: has the shipped back end draw held-out captions, and the judge say what it sees."""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from horde.worker.backends.tiny.model import Model
from horde.worker.backends.tiny.pipeline import Wish, picture_of
from training.captions import NUMBERS, plural
from training.held_out import is_held_out
from training.judge import NAMES, QUESTIONS, SIZE, answers_of, can_be_judged, judged, load
from training.scenes import COUNTS, SHAPE_NAMES, Scene, any_scene

STEPS, GUIDANCE = 20, 5.0
SHEET_COLUMNS = 20


def plainly(scene: Scene) -> str:
    """The scene in words that leave nothing of what is judged open."""
    group = scene.groups[0]
    name = group.thing if group.count == 1 else plural(group.thing)
    number = "a" if group.count == 1 else NUMBERS[group.count]
    what = f"{number} {group.colour} {name}"
    if isinstance(scene.background, str):
        return f"{what} on a {scene.background} background"
    land = scene.background
    return f"{what} {'on' if land.ground == 'sea' else 'in'} the {land.ground} under a {land.time} sky"


def held_out_scenes(count: int, rng: random.Random) -> list[Scene]:
    """So many scenes that were never trained on and that can be judged, one to four things each."""
    scenes: list[Scene] = []
    while len(scenes) < count:
        scene = any_scene(rng)
        if can_be_judged(scene) and scene.groups[0].count in COUNTS and is_held_out(scene):
            scenes.append(scene)
    return scenes


def main() -> None:
    """Print how often each question is answered rightly, and save a sheet of all pictures."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("--judge", type=Path, default=Path("build/training/judge.pt"))
    parser.add_argument("--captions", type=int, default=400)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sheet", type=Path, default=Path("build/training/held_out.png"))
    options = parser.parse_args()
    model, rng = Model(), random.Random(options.seed)
    scenes = held_out_scenes(options.captions, rng)
    pictures = []
    for at, scene in enumerate(tqdm(scenes, mininterval=5)):
        wish = Wish(
            prompt=plainly(scene), seed=at, width=SIZE, height=SIZE, steps=options.steps, guidance=options.guidance
        )
        pictures.append(np.asarray(picture_of(model, wish)))
    right = np.array(judged(load(options.judge), pictures)) == np.array([answers_of(scene) for scene in scenes])
    for line in _told(scenes, right):
        print(line)
    _sheet(pictures, options.sheet)


def _told(scenes: list[Scene], right: np.ndarray) -> list[str]:
    rows: dict[str, list[int]] = defaultdict(list)
    for at, scene in enumerate(scenes):
        rows["all"].append(at)
        rows["shapes" if scene.groups[0].thing in SHAPE_NAMES else "things"].append(at)
        rows[f"count {scene.groups[0].count}"].append(at)
        rows[scene.groups[0].thing].append(at)
    order = ["all", "shapes", "things", *(f"count {count}" for count in COUNTS), *NAMES]
    lines = [f"{'':10}{'captions':>10}" + "".join(f"{question:>12}" for question in QUESTIONS)]
    for name in filter(rows.__contains__, order):
        shares = "".join(f"{share:12.1%}" for share in right[rows[name]].mean(0))
        lines.append(f"{name:10}{len(rows[name]):10}{shares}")
    return lines


def _sheet(pictures: list[np.ndarray], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet = Image.new("RGB", (SHEET_COLUMNS * SIZE, -(-len(pictures) // SHEET_COLUMNS) * SIZE))
    for at, picture in enumerate(pictures):
        sheet.paste(Image.fromarray(picture), (at % SHEET_COLUMNS * SIZE, at // SHEET_COLUMNS * SIZE))
    sheet.save(path)


if __name__ == "__main__":
    main()
