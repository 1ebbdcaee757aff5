"""`python -m training`: trains the model, resumes what was broken off, writes a sample sheet as it goes."""

from __future__ import annotations

import argparse
import os
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from training.batches import SIZES, batches
from training.schooling import Plan, Schooling
from training.sheet import sheet

MEASURED_FROM, MEASURED_TO = 100, 300
"""Between these steps the speed is measured, when a time is given instead of a number of steps."""
KEPT = 1500
"""Batches that are kept to be used again."""
CHECKPOINT = "training.pt"
WEIGHTS = "weights.safetensors"


def main() -> None:
    """Train; the weights are in `<out>/weights.safetensors` then."""
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    checkpoint = options.out / CHECKPOINT
    plan = Plan(**{field.name: getattr(options, field.name) for field in fields(Plan)})
    if checkpoint.exists():
        schooling = Schooling.load(checkpoint, options.device)
        print(f"going on after step {schooling.step} of {schooling.plan.steps}")
    else:
        schooling = Schooling(plan, options.device, is_recorded=options.record)
        if options.begin_with:
            schooling.begin_with(options.begin_with)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    _train(schooling, options)
    _save(schooling, options)
    for width, height in SIZES:
        sheet(schooling.average, options.device, options.out / f"sheet_{width}x{height}.png", size=(width, height))


def _train(schooling: Schooling, options: argparse.Namespace) -> None:
    begun = saved_at = time.monotonic()
    measured_from = begun
    loss_shown = None
    with tqdm(total=schooling.plan.steps, initial=schooling.step, mininterval=options.show_s) as bar:
        for pictures, tokens in _lessons(schooling, options):
            loss = schooling.learn(pictures, tokens)
            bar.update()
            if schooling.step % 50 == 0:
                now = loss.item()
                loss_shown = now if loss_shown is None else 0.9 * loss_shown + 0.1 * now
                bar.set_postfix(loss=f"{loss_shown:.4f}")
            if options.seconds and schooling.step == MEASURED_FROM:
                measured_from = time.monotonic()
            if options.seconds and schooling.step == MEASURED_TO:
                loss.item()  # waits for the GPU
                each_s = (time.monotonic() - measured_from) / (MEASURED_TO - MEASURED_FROM)
                left_s = options.seconds - (time.monotonic() - begun)
                schooling.plan = replace(schooling.plan, steps=MEASURED_TO + int(left_s / each_s))
                bar.total = schooling.plan.steps
            if time.monotonic() - saved_at > options.save_s:
                _save(schooling, options)
                saved_at = time.monotonic()
            if schooling.step >= schooling.plan.steps:
                break


def _save(schooling: Schooling, options: argparse.Namespace) -> None:
    schooling.save(options.out / CHECKPOINT)
    schooling.save_average(options.out / WEIGHTS)
    sheet(schooling.average, options.device, options.out / "sheet.png")


def _lessons(schooling: Schooling, options: argparse.Namespace) -> Iterator[tuple[Tensor, Tensor]]:
    """Each batch when it comes, and every one again after a while, with other noise then."""
    # Where the number of steps is not known yet, batches are drawn until the loop above ends.
    last = 10**9 if options.seconds else -(-schooling.plan.steps // options.uses)
    first = schooling.step // options.uses
    kept: deque[tuple[Tensor, Tensor]] = deque(maxlen=KEPT)
    choice = random.Random(f"{schooling.plan.seed} {schooling.step}")
    drawn = batches(schooling.plan.seed, range(first, last), schooling.plan.batch, processes=options.processes)
    for batch in drawn:
        lesson = (
            torch.from_numpy(batch.pictures).to(options.device),
            torch.from_numpy(batch.tokens).to(options.device),
        )
        kept.append(lesson)
        yield lesson
        for _ in range(options.uses - 1):
            yield choice.choice(kept)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/training"), help="where everything is written")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, help="as many steps as this time allows, instead of --steps")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=2022)
    parser.add_argument("--half", action=argparse.BooleanOptionalAction, default=True, help="reckon in bfloat16")
    parser.add_argument("--noise-mean", type=float, default=-0.3, help="of ln(sigma)")
    parser.add_argument("--noise-spread", type=float, default=1.4, help="of ln(sigma)")
    parser.add_argument("--average", type=float, default=0.999, help="how slowly the shipped weights follow")
    parser.add_argument("--begin-with", type=Path, metavar="WEIGHTS", help="go on from the weights of another training")
    parser.add_argument("--uses", type=int, default=1, help="how often a batch is used, each time with other noise")
    parser.add_argument("--record", action=argparse.BooleanOptionalAction, default=True, help="steps as CUDA graphs")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--processes", type=int, default=max(1, (os.cpu_count() or 2) - 1), help="that draw scenes")
    parser.add_argument("--save-s", type=float, default=300, help="time between checkpoints")
    parser.add_argument("--show-s", type=float, default=1, help="time between two moves of the progress bar")
    return parser.parse_args()
