"""Pictures that can be laid side by side: every convolution looks around the edge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def tiled(*networks: torch.nn.Module) -> Iterator[None]:
    """Within it, what these networks make goes on at the opposite edge, so each makes it in one piece."""
    layers = [m for network in networks for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    before = [layer.padding_mode for layer in layers]
    in_pieces = [network for network in networks if getattr(network, "use_tiling", False)]
    try:
        for network in in_pieces:
            network.disable_tiling()
        for layer in layers:
            layer.padding_mode = "circular"
        yield
    finally:
        for layer, mode in zip(layers, before, strict=True):
            layer.padding_mode = mode
        for network in in_pieces:
            network.enable_tiling()
