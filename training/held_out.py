"""Which scenes are never trained on, so that they can tell whether the model has understood the words singly."""

from __future__ import annotations

import random
from zlib import crc32

from training.scenes import Scene, any_scene

ONE_OF = 10
"""One combination in so many is held out."""


def is_held_out(scene: Scene) -> bool:
    """By what the scene combines: count, colour and thing; on plain backgrounds also colour, thing and background."""
    for group in scene.groups:
        if group.colour is None:
            continue
        combinations = [f"{group.count} {group.colour} {group.thing}"]
        if isinstance(scene.background, str):
            combinations.append(f"{group.colour} {group.thing} on {scene.background}")
        if any(crc32(told.encode()) % ONE_OF == 0 for told in combinations):
            return True
    return False


def scene_for_training(rng: random.Random) -> Scene:
    """Any scene that is not held out."""
    while is_held_out(scene := any_scene(rng)):
        pass
    return scene
