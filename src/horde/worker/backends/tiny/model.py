"""Runs the shipped networks with onnxruntime, on the processor.

    data/text.onnx     (B, T) token numbers -> what the words say, one vector each and one of all
    data/denoise.onnx  (B, 3, H, W) noisy pictures, their sigmas and what the words say -> clean ones
    data/enlarge.onnx  (1, 3, H, W) -> (1, 3, 4H, 4W)

`training/export.py` writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Protocol, TypeAlias, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from horde.worker.backends.tiny.samplers import Picture
from horde.worker.backends.tiny.words import read

THREADS = 2
"""A fixed number: how a sum is split among threads decides its last bits, and so whether a seed gives the same picture
on every run. More than two gain little with pictures this small."""

Array: TypeAlias = NDArray[np.float32]
Told: TypeAlias = tuple[Array, Array]
"""What a prompt says: (1, T, channels) and (1, channels)."""


class Session(Protocol):
    """A loaded network."""

    def run(self, names: None, inputs: Mapping[str, Array | NDArray[np.int64]]) -> list[Array]:
        """All its outputs."""
        ...


class Model:
    """The networks, loaded. May be used by several threads."""

    def __init__(self) -> None:
        self._text = _session("text.onnx")
        self._denoise = _session("denoise.onnx")
        self._enlarge = _session("enlarge.onnx")

    def told(self, prompt: str) -> Told:
        """What the model understands of a prompt."""
        words, pooled = self._text.run(None, {"tokens": np.array([read(prompt)], np.int64)})
        return words, pooled

    def guesses(self, x: Picture, sigma: float, told: list[Told]) -> list[Picture]:
        """The guess of the clean picture for each of these prompts."""
        count = len(told)
        (clean,) = self._denoise.run(
            None,
            {
                "x": np.repeat(x[None], count, axis=0),
                "sigma": np.full(count, sigma, np.float32),
                "words": np.concatenate([words for words, _ in told]),
                "pooled": np.concatenate([pooled for _, pooled in told]),
            },
        )
        return list(clean)

    def enlarged(self, picture: Picture) -> Picture:
        """Four times as large each way, edges sharp."""
        (large,) = self._enlarge.run(None, {"small": picture[None]})
        return cast("Picture", large[0])


def _session(name: str) -> Session:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    # Threads that spin between two steps would take the processor from everything else on the machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    model = files(__package__).joinpath("data", name).read_bytes()
    return cast("Session", onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]))
