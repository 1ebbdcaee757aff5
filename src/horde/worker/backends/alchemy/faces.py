"""Mends faces: finds them, turns each upright into a square, has a network paint it anew, and sets it back."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from horde.worker.backends.alchemy.networks import Network, Pixels
from horde.worker.backends.alchemy.upscaling import Told
from horde.worker.backends.base import BackendFailed

SIDE_PX = 512
"""Of the faces that all face fixers were trained with."""
EYES_NOSE_MOUTH: Final = np.array(
    [[192.98, 239.95], [318.90, 240.19], [256.63, 314.02], [201.26, 371.41], [313.09, 371.15]], np.float32
)
"""Where these lie in such a face (x, y): the mean over the FFHQ pictures that the fixers were trained with."""
FACES_MAX = 20
"""The largest ones; faces in a crowd are too small to gain by it."""
SURE_FROM = 0.6
"""How sure the detector has to be."""
SEEN_SIDE_PX_MAX = 1280
"""Of the picture in which faces are looked for: larger ones find no more of those that are worth mending."""
RIM_PX = 48
"""Over so many pixels what is mended passes into what was there."""

Landmarks = npt.NDArray[np.float32]
"""(5, 2): both eyes, the nose, both corners of the mouth; x and y in pixels."""


class FaceDetector:
    """Finds faces with YuNet."""

    def __init__(self, file: str) -> None:
        """Load it. Raises BackendFailed when it cannot be."""
        path = Path(file).expanduser()
        if not path.is_file():
            raise BackendFailed(f"the face detector {str(path)!r} is not there")
        try:
            self._network = cv2.FaceDetectorYN.create(str(path), "", (SIDE_PX, SIDE_PX), SURE_FROM)
            self.faces(np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8))
        except cv2.error as error:
            raise BackendFailed(f"the face detector {str(path)!r} cannot be used: {error}") from error

    def faces(self, pixels: Pixels) -> list[Landmarks]:
        """The faces in a picture, the largest first."""
        height, width, _ = pixels.shape
        shrink = min(1.0, SEEN_SIDE_PX_MAX / max(height, width))
        seen = cv2.resize(pixels, (max(1, round(width * shrink)), max(1, round(height * shrink))))
        self._network.setInputSize((seen.shape[1], seen.shape[0]))
        _, found = self._network.detect(cv2.cvtColor(seen, cv2.COLOR_RGB2BGR))
        rows = [] if found is None else sorted(found, key=lambda row: -row[2] * row[3])
        # A row is x, y, width, height, the five landmarks, and how sure it is.
        return [np.asarray(row[4:14], np.float32).reshape(5, 2) / shrink for row in rows[:FACES_MAX]]


def mended(
    picture: Image.Image, network: Network, detector: FaceDetector, *, strength: float, told: Told
) -> Image.Image:
    """The picture with its faces mended, as far as `strength` says, from 0 to 1; one without faces as it is."""
    pixels = np.array(picture.convert("RGB"))
    faces = detector.faces(pixels)
    for done, landmarks in enumerate(faces, start=1):
        _mend(pixels, landmarks, network, strength)
        told(done / len(faces))
    made = Image.fromarray(pixels)
    if picture.mode == "RGBA":
        made.putalpha(picture.getchannel("A"))
    return made


def _mend(pixels: Pixels, landmarks: Landmarks, network: Network, strength: float) -> None:
    turned, _ = cv2.estimateAffinePartial2D(landmarks, EYES_NOSE_MOUTH, method=cv2.LMEDS)
    if turned is None:  # the landmarks lie in one point
        return
    height, width, _ = pixels.shape
    face = cv2.warpAffine(pixels, turned, (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_REFLECT)
    made = cv2.resize(network(face), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    back = cv2.warpAffine(made, cv2.invertAffineTransform(turned), (width, height))
    share = cv2.warpAffine(_soft_square(), cv2.invertAffineTransform(turned), (width, height))[..., None] * strength
    pixels[:] = np.rint(pixels * (1 - share) + back * share).astype(np.uint8)


def _soft_square() -> npt.NDArray[np.float32]:
    square = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    square[RIM_PX:-RIM_PX, RIM_PX:-RIM_PX] = 1
    soft: npt.NDArray[np.float32] = cv2.GaussianBlur(square, (0, 0), RIM_PX / 3)
    return soft
