"""`python -m training.export`: writes the trained weights as the ONNX files that the back end ships."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file
from torch import Tensor, nn

from horde.worker.backends.tiny.words import TOKENS_MAX
from training.network import TinyHorde, UNet
from training.upscaler import Upscaler

DATA = Path(__file__).parent.parent / "src/horde/worker/backends/tiny/data"
OPSET = 17
LARGE = 64
"""Weights with fewer numbers stay in full precision: they cost nothing."""


class Denoised(nn.Module):
    """What the back end calls of the U-Net."""

    def __init__(self, unet: UNet) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, x: Tensor, sigma: Tensor, words: Tensor, pooled: Tensor) -> Tensor:
        """`UNet.denoised`."""
        return self.unet.denoised(x, sigma, words, pooled)


def export(weights: Path, folder: Path) -> None:
    """Write text.onnx and denoise.onnx; weights in half precision, reckoned in full."""
    model = TinyHorde()
    model.load_state_dict(load_file(weights))
    model.eval()
    tokens = torch.zeros(2, TOKENS_MAX, dtype=torch.int64)
    words, pooled = model.text(tokens)
    write(model.text, (tokens,), folder / "text.onnx", {"tokens": {0: "pictures"}}, ["words", "pooled"])
    batch = {0: "pictures"}
    axes = {"x": {0: "pictures", 2: "height", 3: "width"}, "sigma": batch, "words": batch, "pooled": batch}
    inputs = (torch.zeros(2, 3, 64, 64), torch.ones(2), words, pooled)
    write(Denoised(model.unet), inputs, folder / "denoise.onnx", axes, ["clean"])


def write(
    module: nn.Module, inputs: tuple[Tensor, ...], path: Path, axes: dict[str, dict[int, str]], outputs: list[str]
) -> None:
    """Export a module; `axes` names its inputs in order, with what may vary in each."""
    torch.onnx.export(
        module, inputs, path, dynamo=False, opset_version=OPSET, input_names=list(axes), output_names=outputs,
        dynamic_axes=axes,
    )  # fmt: skip
    halve(path)


def halve(path: Path) -> None:
    """Keep large weights in half precision, each with a cast that the runtime reckons once when it loads."""
    model = onnx.load(path)
    casts = []
    for weight in model.graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < LARGE:
            continue
        half = numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), weight.name + ".half")
        casts.append(helper.make_node("Cast", [half.name], [weight.name], to=TensorProto.FLOAT))
        weight.CopyFrom(half)
    for cast in reversed(casts):
        model.graph.node.insert(0, cast)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def main() -> None:
    """Export the model and, where it is given, the upscaler."""
    parser = argparse.ArgumentParser(prog="python -m training.export", description=__doc__)
    parser.add_argument("--weights", type=Path, default=Path("build/training/weights.safetensors"))
    parser.add_argument("--upscaler", type=Path, help="what training.upscaler wrote")
    parser.add_argument("--out", type=Path, default=DATA)
    options = parser.parse_args()
    with torch.no_grad():
        export(options.weights, options.out)
        if options.upscaler:
            upscaler = Upscaler()
            upscaler.load_state_dict(load_file(options.upscaler))
            axes = {"small": {2: "height", 3: "width"}}
            write(upscaler.eval(), (torch.zeros(1, 3, 64, 64),), options.out / "enlarge.onnx", axes, ["large"])
    for path in sorted(options.out.glob("*.onnx")):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
