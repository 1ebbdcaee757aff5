"""Maps that steer a ControlNet, drawn from a source picture: one function for each control type.

Those that need a network of their own for it, and have none here, take a map that the requestor drew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import cv2
import numpy as np
import transformers
from numpy.typing import NDArray
from PIL import Image

from horde.kinds.image_params import ControlType
from horde.worker.backends.base import BackendFailed

Draw = Callable[[Image.Image], Image.Image]
CANNY_LOW, CANNY_HIGH = 100, 200
"""The thresholds that the ControlNets were trained with."""
INK_BELOW = 127
"""How dark a pixel of a sketch is a stroke."""
LINE_SHARE, LINE_GAP_PX_MAX = 1 / 16, 5
"""How long a straight line is at least, of the picture's shorter side, and how large its gaps may be."""


def canny(picture: Image.Image) -> Image.Image:
    """Edges, white on black."""
    return Image.fromarray(_edges(picture)).convert("RGB")


def scribble(picture: Image.Image) -> Image.Image:
    """The strokes of a sketch, white on black."""
    return picture.convert("L").point([255 if value < INK_BELOW else 0 for value in range(256)]).convert("RGB")


def hough(picture: Image.Image) -> Image.Image:
    """Straight lines, white on black."""
    shortest = max(4, round(min(picture.size) * LINE_SHARE))
    lines = cv2.HoughLinesP(
        _edges(picture), 1, np.pi / 180, shortest, minLineLength=shortest, maxLineGap=LINE_GAP_PX_MAX
    )
    canvas = np.zeros((picture.height, picture.width), np.uint8)
    for x1, y1, x2, y2 in () if lines is None else lines.reshape(-1, 4):
        cv2.line(canvas, (int(x1), int(y1)), (int(x2), int(y2)), 255, 1)
    return Image.fromarray(canvas).convert("RGB")


DRAWN: Final[Mapping[ControlType, Draw]] = {"canny": canny, "scribble": scribble, "hough": hough}
"""Those that need no network."""


class ControlMaps:
    """Draws maps; `depth_estimator` is the place of a network that sees depth, if the owner has one."""

    def __init__(self, depth_estimator: str | None, *, device: str, may_fetch: bool) -> None:
        self._place = depth_estimator
        self._device = device
        self._may_fetch = may_fetch
        self._estimator: Callable[[Image.Image], Mapping[str, Image.Image]] | None = None

    def draw(self, kind: ControlType, picture: Image.Image) -> Image.Image:
        """The map of this kind, RGB, as large as the picture. Raises BackendFailed where it cannot be drawn here."""
        if kind in DRAWN:
            return DRAWN[kind](picture)
        if self._place is None or kind not in ("depth", "normal"):
            raise BackendFailed(f"no {kind} map can be drawn here; send one, with image_is_control")
        depth = self._depth(picture, self._place).resize(picture.size)
        return depth.convert("RGB") if kind == "depth" else normals(depth)

    def _depth(self, picture: Image.Image, place: str) -> Image.Image:
        if self._estimator is None:
            self._estimator = transformers.pipeline(
                "depth-estimation", place, device=self._device, local_files_only=not self._may_fetch
            )
        return self._estimator(picture)["depth"]


def normals(depth: Image.Image) -> Image.Image:
    """Which way each surface looks, as red, green and blue, from how near each pixel is ("L", near is bright)."""
    near = np.asarray(depth.convert("L"), np.float32) / 255
    y, x = np.gradient(cv2.GaussianBlur(near, (5, 5), 0) * near.shape[0] / 8)
    vectors = np.stack([-x, -y, np.ones_like(near)], axis=-1)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    return Image.fromarray(((vectors + 1) * 127.5).astype(np.uint8))


def _edges(picture: Image.Image) -> NDArray[np.uint8]:
    return cv2.Canny(np.asarray(picture.convert("RGB")), CANNY_LOW, CANNY_HIGH)
