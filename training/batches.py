"""Batches for training, drawn while they are used: no picture comes twice, and none has to be stored.

A batch depends on the seed and its number only, so a training that is resumed sees what it would have seen.
"""

from __future__ import annotations

import multiprocessing
import random
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from horde.worker.backends.tiny.words import TOKENS_MAX, read
from training.captions import caption
from training.drawing import draw
from training.held_out import scene_for_training

SIZES = ((64, 64), (80, 48), (48, 80))
"""Width and height. Each batch has one: all have about as many pixels, so they cost the same."""
SIZE_WEIGHTS = (6, 2, 2)
AHEAD_PER_PROCESS = 3
WITHOUT_WORDS = 0.1
"""The share of pictures that come without a caption: what guidance pushes away from."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures with their captions."""

    pictures: np.ndarray
    """(B, H, W, 3) uint8 RGB."""
    tokens: np.ndarray
    """(B, TOKENS_MAX) uint8, as `words.read` gives them."""


def batch_of(seed: int, number: int, size: int) -> Batch:
    """The batch of this number, with `size` pictures."""
    rng = random.Random(f"{seed} {number}")
    width, height = rng.choices(SIZES, SIZE_WEIGHTS)[0]
    pictures = np.empty((size, height, width, 3), np.uint8)
    tokens = np.zeros((size, TOKENS_MAX), np.uint8)
    for at in range(size):
        scene = scene_for_training(rng)
        pictures[at] = np.asarray(draw(scene, width, height, rng))
        if rng.random() >= WITHOUT_WORDS:
            tokens[at] = read(caption(scene, rng))
    return Batch(pictures, tokens)


def batches(seed: int, numbers: range, size: int, *, processes: int) -> Iterator[Batch]:
    """The batches of these numbers in order, drawn ahead by so many processes."""
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads and a GPU may hang
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        submit = partial(pool.submit, batch_of, seed, size=size)
        waiting = deque(submit(number=number) for number in numbers[: AHEAD_PER_PROCESS * processes])
        for number in numbers[len(waiting) :]:
            yield waiting.popleft().result()
            waiting.append(submit(number=number))
        while waiting:
            yield waiting.popleft().result()
