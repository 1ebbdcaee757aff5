"""Clip skip: prompts are read off an earlier layer of the text encoder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def shortened(encoder: torch.nn.Module, count: int) -> Iterator[None]:
    """Within it, a CLIP text encoder lacks this many of its last layers, but for the first.

    The argument that diffusers has for this looks for a part which transformers 5 no longer has (seen with
    diffusers 0.42.1 and transformers 5.24.0).
    """
    stack = getattr(encoder, "text_model", encoder).encoder
    layers = stack.layers
    try:
        stack.layers = layers[: max(1, len(layers) - count)]
        yield
    finally:
        stack.layers = layers
