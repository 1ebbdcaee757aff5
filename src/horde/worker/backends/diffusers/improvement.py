"""What becomes of finished pictures by post-processing, with the tools of the alchemy back end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from PIL import Image

from horde.worker.backends.alchemy.options import Tools
from horde.worker.backends.base import BackendFailed
from horde.worker.backends.diffusers.wishes import Wishes

if TYPE_CHECKING:
    from horde.worker.backends.alchemy.post_processing import PostProcessing

Improve: TypeAlias = Callable[[Image.Image], Image.Image]


def post_processing(tools: Tools, *, device: str) -> PostProcessing | None:
    """Make it, if the owner has anything for it. Raises BackendFailed where the libraries are missing."""
    if not tools.models:
        return None
    try:
        # These libraries come with another extra than the rest of this back end.
        from horde.worker.backends.alchemy.post_processing import PostProcessing
    except ModuleNotFoundError as error:
        raise BackendFailed(f"{error}; hint: pip install 'stable-horde[alchemy]'") from error
    return PostProcessing(tools, device=device)


def improvement(tools: PostProcessing | None, wishes: Wishes) -> Improve:
    """What is to be done with each picture. Raises BackendFailed for what cannot be done here, before any is made."""
    if not wishes.post_processing:
        return _unchanged
    if tools is None:
        raise BackendFailed("there is no post-processing here; hint: set the option post_processing")
    tools.expect(wishes.post_processing)
    return partial(tools.improved, names=wishes.post_processing, strength=wishes.facefixer_strength)


def _unchanged(picture: Image.Image) -> Image.Image:
    return picture
