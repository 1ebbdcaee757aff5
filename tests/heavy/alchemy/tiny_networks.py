"""Networks for post-processing, small enough to be made on the spot, in the formats of the real ones."""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file
from spandrel.architectures.Compact import Compact
from spandrel.architectures.ESRGAN import ESRGAN
from spandrel.architectures.RestoreFormer import RestoreFormer

U2NET_SIDE_PX = 320
STRIDES = (8, 16, 32)
"""Of the three levels of a YuNet."""
FACE_SIDE_CELLS = 14
"""How large the face is that the detector sees, in cells of the level that sees it."""
LANDMARKS = ((-2, -2), (2, -2), (0, 0), (-2, 2), (2, 2))
"""Eyes, nose and mouth about the middle of the face, in such cells."""


def save_upscaler(file: Path, *, scale: int, is_unshuffled: bool = False) -> None:
    """An ESRGAN; `is_unshuffled` as RealESRGAN_x2plus is, which halves the picture before it enlarges it fourfold."""
    torch.manual_seed(scale)
    shuffle = {"in_nc": 12, "scale": scale, "shuffle_factor": 2} if is_unshuffled else {"scale": scale}
    network = ESRGAN(num_filters=8, num_blocks=1, **shuffle)
    _save(network, file)


def save_quick_upscaler(file: Path) -> None:
    """A Compact, which enlarges four times and large pictures in little time."""
    torch.manual_seed(5)
    _save(Compact(num_in_ch=3, num_out_ch=3, num_feat=8, num_conv=1, upscale=4), file)


def save_face_fixer(file: Path) -> None:
    """A RestoreFormer."""
    torch.manual_seed(1)
    network = RestoreFormer(n_embed=8, embed_dim=32, ch=32, ch_mult=(1,) * 6, num_res_blocks=1, z_channels=32)
    _save(network, file)


def save_background(file: Path) -> None:
    """A U²-Net that takes for foreground what is red."""
    side = U2NET_SIDE_PX
    red = np.array([1.0, -0.5, -0.5], np.float32).reshape(1, 3, 1, 1)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["picture", "red"], ["mask"])],
        "red",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 1, side, side])],
        [numpy_helper.from_array(red, "red")],
    )
    _save_graph(graph, file)


def save_face_detector(file: Path) -> None:
    """A YuNet that takes for a face what is a green cell of 32 pixels; other levels see nothing."""
    nodes, weights, outputs = [], [], []
    for stride in STRIDES:
        for name, width, values, colours in _heads(stride):
            kernel = np.broadcast_to(colours.reshape(1, 3, 1, 1), (width, 3, stride, stride)) / stride**2
            weights += [
                numpy_helper.from_array(kernel.astype(np.float32), f"{name}_kernel"),
                numpy_helper.from_array(np.array(values, np.float32), f"{name}_bias"),
                numpy_helper.from_array(np.array([1, -1, width], np.int64), f"{name}_shape"),
            ]
            nodes += [
                helper.make_node(
                    "Conv",
                    ["input", f"{name}_kernel", f"{name}_bias"],
                    [f"{name}_map"],
                    kernel_shape=[stride, stride],
                    strides=[stride, stride],
                ),
                helper.make_node("Transpose", [f"{name}_map"], [f"{name}_last"], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [f"{name}_last", f"{name}_shape"], [f"{name}_flat"]),
                helper.make_node("Clip", [f"{name}_flat", "low", "high"], [name]),
            ]
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, None, width]))
    weights += [numpy_helper.from_array(np.float32(bound), name) for name, bound in (("low", -9), ("high", 9))]
    graph = helper.make_graph(
        nodes,
        "green",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 640, 640])],
        sorted(outputs, key=lambda output: ("cls", "obj", "bbox", "kps").index(output.name.split("_")[0])),
        weights,
    )
    _save_graph(graph, file)


def _heads(stride: int) -> list[tuple[str, int, list[float], np.ndarray]]:
    """Name, numbers a cell, their values anyway, and what a pixel of each colour (blue, green, red) adds."""
    green, nothing = np.array([-1.0, 1.0, -1.0]) / 255, np.zeros(3)
    sees = stride == STRIDES[-1]
    size = float(np.log(FACE_SIDE_CELLS / 2))
    return [
        (f"cls_{stride}", 1, [0.0], green if sees else nothing),
        (f"obj_{stride}", 1, [1.0 if sees else 0.0], nothing),
        (f"bbox_{stride}", 4, [0.5, 0.5, size, size], nothing),
        (f"kps_{stride}", 10, [float(part) + 0.5 for point in LANDMARKS for part in point], nothing),
    ]


def _save(network: torch.nn.Module, file: Path) -> None:
    weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    if file.suffix == ".pth":
        torch.save({"params_ema": weights}, file)
    else:
        save_file(weights, file)


def _save_graph(graph: onnx.GraphProto, file: Path) -> None:
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), file)
