"""Lets torchvision be imported where it was built for cards and torch was not. Part of the environment `heavy`.

Its compiled kernels cannot be loaded then, and it fails while it describes two of them. Nothing here calls them:
spandrel and transformers use its functions on tensors, which are Python. Where the builds fit, this does nothing.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

DESCRIBED = ("torchvision::nms", "torchvision::qnms")
PARAMETERS = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


class BeforeTorchvision(MetaPathFinder):
    """Is asked for every module; acts when it is torchvision, and finds nothing."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            spec = PathFinder.find_spec(fullname)
            if spec is not None:
                describe(spec)


def describe(spec: ModuleSpec) -> None:
    # Heavy; most processes of this environment never come here.
    import torch
    from torch import library as operators

    kernels = next(Path(str(spec.origin)).parent.glob("_C*.so"), None)
    try:
        if kernels is not None:
            torch.ops.load_library(kernels)
    except OSError:
        for operator in DESCRIBED:
            operators.define(operator, PARAMETERS)


sys.meta_path.insert(0, BeforeTorchvision())
